// Weir live-streaming server. MIT licence, see LICENSE.

// Files that ffmpeg 5.1 wrote, against what ffprobe says of their packets
// (tests/data/flv/*.packets: kind,pts,dts,size,flags; tests/data/flv/make.sh makes both).
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "containers/flv/demuxer.h"
#include "containers/flv/muxer.h"
#include "containers/flv/tag.h"

namespace weir::flv {
namespace {

std::string slurp(const std::string& name) {
  std::ifstream in(std::string(WEIR_TEST_DATA) + "/flv/" + name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

struct File {
  std::vector<Track> tracks;
  std::vector<Packet> packets;
  Demuxer::Counts counts;
};

File demux(ByteSpan bytes, size_t step = 1000) {
  FileReader reader;
  Demuxer demuxer;
  File file;
  for (size_t at = 0; at < bytes.size(); at += step) {
    std::vector<Tag> tags;
    const auto read = reader.read(bytes.subspan(at, std::min(step, bytes.size() - at)), tags);
    EXPECT_TRUE(read) << read.error().what;
    for (auto& tag : tags) {
      auto out = demuxer.read(tag.type, tag.timestamp_ms, std::move(tag.body));
      for (auto& p : out.packets) file.packets.push_back(std::move(p));
    }
  }
  file.tracks = demuxer.tracks();
  file.counts = demuxer.counts();
  return file;
}

// As ffprobe prints a packet.
std::vector<std::string> lines(const File& file) {
  std::vector<std::string> all;
  for (const auto& p : file.packets) {
    const auto id = static_cast<uint8_t>(p.track);
    const int number = id % Demuxer::kAudio;
    std::ostringstream s;
    s << (id < Demuxer::kAudio ? "video" : "audio") << (number ? std::to_string(number) : "") << ','
      << to_ticks(p.pts, 1000) << ',' << to_ticks(p.dts, 1000) << ',' << p.payload.size() << ','
      << (p.keyframe ? "K_" : "__");
    all.push_back(s.str());
  }
  return all;
}

std::vector<std::string> expected(const std::string& name) {
  std::istringstream in(slurp(name + ".packets"));
  std::vector<std::string> all;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) all.push_back(line);
  EXPECT_FALSE(all.empty());
  return all;
}

class RealFile : public testing::TestWithParam<const char*> {};

TEST_P(RealFile, ReadsEveryFrame) {
  const std::string bytes = slurp(std::string(GetParam()) + ".flv");
  const File file = demux(as_bytes(bytes));
  EXPECT_EQ(lines(file), expected(GetParam()));
  EXPECT_EQ(file.counts.total() - file.counts.ignored, 0u);
}

// What we write of it reads back as the same packets.
TEST_P(RealFile, SurvivesOurMuxer) {
  const std::string bytes = slurp(std::string(GetParam()) + ".flv");
  const File file = demux(as_bytes(bytes));
  const StreamInfo info{.tracks = file.tracks};
  Muxer muxer({.multitrack = Multitrack::carry});
  ByteWriter out;
  out.bytes(make_file_header({.audio = true, .video = true}));
  for (const auto& m : muxer.headers(info)) write_tag(out, m, 0);
  for (const auto& p : file.packets) {
    const auto m = muxer.message(*info.find(p.track), p);
    ASSERT_TRUE(m) << m.error().what;
    write_tag(out, *m, static_cast<uint32_t>(to_ticks(m->dts, 1000)));
  }
  const File again = demux(out.span(), 1);
  EXPECT_EQ(lines(again), lines(file));
  ASSERT_EQ(again.tracks.size(), file.tracks.size());
  for (size_t i = 0; i < file.tracks.size(); ++i) {
    if (file.tracks[i].kind() == Kind::data) continue;
    EXPECT_EQ(again.tracks[i], file.tracks[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Flv, RealFile,
                         testing::Values("h264_aac_bframes", "h264_mp3", "aac_only", "hevc_opus",
                                         "av1_flac", "vp9_ac3", "multitrack"),
                         [](const auto& i) { return std::string(i.param); });

TEST(RealFile, DescribesTracks) {
  const std::string av = slurp("h264_aac_bframes.flv"), mp3 = slurp("h264_mp3.flv"),
                    only = slurp("aac_only.flv");
  const auto tracks = demux(as_bytes(av)).tracks;
  ASSERT_EQ(tracks.size(), 3u);
  EXPECT_EQ(*tracks[0].video(), (VideoParams{64, 48, 10}));
  EXPECT_EQ(tracks[1].codec, Codec::aac);
  EXPECT_EQ(*tracks[1].audio(), (AudioParams{44100, 1}));
  EXPECT_EQ(tracks[2].codec, Codec::script);
  const auto mp3_tracks = demux(as_bytes(mp3)).tracks;
  ASSERT_EQ(mp3_tracks.size(), 3u);
  EXPECT_EQ(mp3_tracks[1].codec, Codec::mp3);
  EXPECT_EQ(*mp3_tracks[1].audio(), (AudioParams{44100, 2}));
  const auto only_tracks = demux(as_bytes(only)).tracks;
  ASSERT_EQ(only_tracks.size(), 2u);
  EXPECT_EQ(*only_tracks[0].audio(), (AudioParams{48000, 2}));
}

TEST(RealFile, DescribesEnhancedTracks) {
  struct Row {
    const char* name;
    std::vector<Codec> codecs;
  };
  for (const auto& [name, codecs] : {
           Row{"hevc_opus", {Codec::h265, Codec::opus, Codec::script}},
           Row{"av1_flac", {Codec::av1, Codec::flac, Codec::script}},
           Row{"vp9_ac3", {Codec::vp9, Codec::ac3, Codec::script}},
           Row{"multitrack", {Codec::h264, Codec::h264, Codec::aac, Codec::aac, Codec::script}},
       }) {
    const std::string bytes = slurp(std::string(name) + ".flv");
    const auto tracks = demux(as_bytes(bytes)).tracks;
    ASSERT_EQ(tracks.size(), codecs.size()) << name;
    for (size_t i = 0; i < tracks.size(); ++i) EXPECT_EQ(tracks[i].codec, codecs[i]) << name;
    EXPECT_EQ(tracks[0].video()->width, 64) << name;
    EXPECT_EQ(tracks[codecs.size() == 5 ? 2 : 1].audio()->sample_rate, 48000) << name;
    if (codecs.size() == 5) {
      EXPECT_EQ(tracks[1].video()->width, 32);
      EXPECT_EQ(tracks[1].id, TrackId{1});
      EXPECT_EQ(tracks[3].id, TrackId{65});
    }
  }
}

}  // namespace
}  // namespace weir::flv
