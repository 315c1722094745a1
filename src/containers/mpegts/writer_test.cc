// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "containers/mpegts/fixture.h"
#include "containers/mpegts/reader.h"

namespace weir::mpegts {
namespace {

using namespace fixture;
using testing::ElementsAre;

constexpr uint64_t kStart = 900'000;  // kClockOffset

struct Parsed {
  std::vector<PesUnit> units;
  Reader reader;
};

Parsed parse(const ByteWriter& out) {
  Parsed p;
  EXPECT_EQ(out.size() % kPacketSize, 0u);
  p.reader.read(out.span(), p.units);
  p.reader.finish(p.units);
  EXPECT_TRUE(p.reader.counts().clean());
  return p;
}

TEST(Writer, KeyframeCarriesDelimiterAndParameterSets) {
  Writer w({h264_track()});
  ByteWriter out;
  w.start_segment(out);
  w.write(*video(0ns, 80ms, true, 10), out);
  w.write(*video(40ms, 40ms, false, 10), out);
  const auto p = parse(out);
  ASSERT_EQ(p.units.size(), 2u);
  const std::string key = to_hex(p.units[0].payload);
  EXPECT_TRUE(
      key.starts_with("0000000109f0"
                      "0000000167640015"))
      << key;
  EXPECT_NE(key.find("0000000168ebe3cb22c0"
                     "0000000165"),
            std::string::npos)
      << key;
  EXPECT_TRUE(to_hex(p.units[1].payload)
                  .starts_with("0000000109f0"
                               "0000000141"));
  EXPECT_EQ(p.units[0].pts, kStart + 7200);
  EXPECT_EQ(p.units[0].dts, kStart);
  EXPECT_EQ(p.units[1].pts, kStart + 3600);
  EXPECT_TRUE(p.units[0].random_access);
  EXPECT_FALSE(p.units[1].random_access);
}

TEST(Writer, ParameterSetsInBandAreNotDoubled) {
  Writer w({h264_track()});
  ByteWriter out;
  w.start_segment(out);
  Packet p = *video(0ns, 0ns, true, 10);
  p.payload = from_hex("00000002 0910 00000004 67640015 00000003 68ebe3 00000002 6588");
  w.write(p, out);
  const auto parsed = parse(out);
  EXPECT_EQ(to_hex(parsed.units.at(0).payload),
            "0000000109f0"
            "0000000167640015"
            "0000000168ebe3"
            "000000016588");
}

TEST(Writer, TablesSayWhatIsInside) {
  auto aac = aac_track();
  aac.language = "eng";
  const Track ac3{TrackId{2}, Codec::ac3, {}, AudioParams{48000, 6}, {}};
  const Track mp3{TrackId{3}, Codec::mp3, {}, AudioParams{44100, 2}, {}};
  const Track lsf{TrackId{4}, Codec::mp3, {}, AudioParams{22050, 1}, {}};
  const Track opus{TrackId{5}, Codec::opus, {}, AudioParams{48000, 2}, {}};
  Writer w({aac, h264_track(), ac3, mp3, lsf, opus});
  EXPECT_FALSE(w.carries(TrackId{5}));
  EXPECT_FALSE(Writer::carries(opus));
  ByteWriter out;
  w.start_segment(out);
  const auto p = parse(out);
  const auto& map = p.reader.programs().at(0x1000);
  EXPECT_EQ(map.pcr_pid, 0x100);
  EXPECT_THAT(map.streams,
              ElementsAre(ElementaryStream{StreamType::aac_adts, 0x101, 0, "eng"},
                          ElementaryStream{StreamType::h264, 0x100, 0, ""},
                          ElementaryStream{StreamType::ac3, 0x102, four_cc("AC-3"), ""},
                          ElementaryStream{StreamType::mpeg1_audio, 0x103, 0, ""},
                          ElementaryStream{StreamType::mpeg2_audio, 0x104, 0, ""}));
}

TEST(Writer, NothingToCarry) {
  Writer w({Track{TrackId{0}, Codec::av1, {}, VideoParams{}, {}},
            Track{TrackId{1}, Codec::h264, from_hex("01"), VideoParams{}, {}}});
  EXPECT_TRUE(w.empty());
  ByteWriter out;
  w.write(*video(0ns, 0ns, true), out);
  EXPECT_EQ(out.size(), 0u);
}

TEST(Writer, AudioFramesShareAPacketButNotForLong) {
  Writer w({h264_track(), aac_track()});
  ByteWriter out;
  w.start_segment(out);
  w.write(*video(0ns, 0ns, true), out);
  const Time frame = from_ticks(1024, 48000);
  for (int i = 0; i < 9; ++i) w.write(*audio(i * frame), out);
  w.finish(out);
  const auto p = parse(out);
  std::vector<size_t> sizes;
  std::vector<uint64_t> times;
  for (const auto& u : p.units)
    if (u.pid == 0x101) {
      sizes.push_back(u.payload.size());
      times.push_back(*u.pts - kStart);
    }
  EXPECT_THAT(sizes, ElementsAre(4 * 207, 4 * 207, 207));
  EXPECT_THAT(times, ElementsAre(0, 4 * 1920, 8 * 1920));
}

TEST(Writer, AHoleInAudioStartsANewPacket) {
  Writer w({aac_track()});
  ByteWriter out;
  w.start_segment(out);
  w.write(*audio(0ms), out);
  w.write(*audio(21ms), out);  // a millisecond clock
  w.write(*audio(50ms), out);  // 7 ms late
  w.finish(out);
  const auto p = parse(out);
  ASSERT_EQ(p.units.size(), 2u);
  EXPECT_EQ(p.units[0].payload.size(), 2 * 207u);
  EXPECT_EQ(p.units[1].pts, kStart + 4500);
  EXPECT_TRUE(p.units[1].random_access);
}

TEST(Writer, FramesTooLongAreCountedNotWritten) {
  Writer w({aac_track(), Track{TrackId{2}, Codec::ac3, {}, AudioParams{48000, 2}, {}}});
  ByteWriter out;
  w.write(*audio(0ms, 8190), out);  // 13 bits of ADTS length
  Packet big = *audio(0ms, 70'000);
  big.track = TrackId{2};
  w.write(big, out);
  w.finish(out);
  EXPECT_EQ(w.dropped(), 2u);
  EXPECT_EQ(out.size(), 0u);
}

// Every size of a unit around the borders of a packet: stuffing of one, two and more bytes.
TEST(Writer, StuffingAtEverySize) {
  Writer w({h264_track()});
  ByteWriter out;
  w.start_segment(out);
  std::vector<PacketPtr> in;
  for (size_t size = 2; size < 420; ++size)
    in.push_back(video(40ms * static_cast<int>(size), 40ms * static_cast<int>(size), false, size));
  for (const auto& p : in) w.write(*p, out);
  const auto p = parse(out);
  ASSERT_EQ(p.units.size(), in.size());
  for (size_t i = 0; i < in.size(); ++i)
    EXPECT_EQ(p.units[i].payload.size(), 6 + 4 + in[i]->payload.size() - 4) << i;
}

TEST(Writer, ClockRunsOnWithoutPictures) {
  Writer w({h264_track(), aac_track()});
  ByteWriter out;
  w.start_segment(out);
  w.write(*video(0ns, 0ns, true), out);
  for (int i = 0; i < 100; ++i) w.write(*audio(i * from_ticks(1024, 48000)), out);
  w.write(*video(2100ms, 2100ms, false), out);
  w.finish(out);
  parse(out);
  std::vector<uint64_t> pcrs;
  for (size_t at = 0; at < out.size(); at += kPacketSize)
    if (const auto t = parse_ts_packet(out.span().subspan(at, kPacketSize)); t && t->pcr)
      pcrs.push_back(*t->pcr);
  ASSERT_GT(pcrs.size(), 20u);
  EXPECT_EQ(pcrs[0], 27'000'000ull * 95 / 10);
  for (size_t i = 1; i < pcrs.size(); ++i) EXPECT_LE(pcrs[i] - pcrs[i - 1], 2'700'000u);
}

TEST(Writer, TimesWrapAt33Bits) {
  const Time wrap = from_ticks(1ll << 33, kClock) - kClockOffset;
  Writer w({h264_track()});
  ByteWriter out;
  w.start_segment(out);
  for (int i = -50; i < 50; ++i) w.write(*video(wrap + i * 40ms, wrap + i * 40ms, i == -50), out);
  const auto p = parse(out);  // the PCR, too, wraps without a complaint
  ASSERT_EQ(p.units.size(), 100u);
  EXPECT_EQ(p.units[49].pts, (1ull << 33) - 3600);
  EXPECT_LE(*p.units[50].pts, 1u);
  EXPECT_EQ(p.units[51].pts, *p.units[50].pts + 3600);
}

TEST(Writer, CountersRunOnOverSegmentsAndTracks) {
  Writer w({h264_track(), aac_track()});
  ByteWriter out;
  for (int segment = 0; segment < 40; ++segment) {
    if (segment == 20) w.set_tracks({h264_track("67640029acd94141fb0110"), aac_track()});
    w.start_segment(out);
    const Time at = segment * 1s;
    w.write(*video(at, at, true, 3000), out);
    w.write(*audio(at), out);
    w.finish(out);
  }
  const auto p = parse(out);
  EXPECT_EQ(p.units.size(), 80u);
  EXPECT_EQ(p.reader.programs().at(0x1000).version, 0);  // same streams: the table has not changed
  w.set_tracks({h264_track()});
  w.start_segment(out);
  EXPECT_EQ(parse(out).reader.programs().at(0x1000).version, 1);
}

struct Real {
  const char* name;
  const char* options;
  Codec video, audio;
  size_t pictures;
};

class WriterReal : public testing::TestWithParam<Real> {};

TEST_P(WriterReal, FfprobeSeesEveryFrame) {
  if (!have_ffmpeg()) GTEST_SKIP();
  const auto source = real_stream(GetParam().options);
  ASSERT_EQ(source.info->tracks.size(), 2u);
  EXPECT_EQ(source.info->tracks[0].codec, GetParam().video);
  EXPECT_EQ(source.info->tracks[1].codec, GetParam().audio);
  Writer w(source.info->tracks);
  ByteWriter out;
  w.start_segment(out);
  for (const auto& p : source.packets) w.write(*p, out);
  w.finish(out);
  EXPECT_EQ(w.dropped(), 0u);
  parse(out);
  const std::string path = temp_path("writer.ts");
  write_file(path, out.span());
  auto seen = probe(path);
  const std::string decoded = run("ffmpeg -v error -xerror -i " + path + " -f null - 2>&1");
  unlink(path.c_str());
  EXPECT_EQ(decoded, "");
  for (const auto& [type, packets] : seen) EXPECT_TRUE(type == "video" || type == "audio") << type;
  std::vector<PacketPtr> pictures, sounds;
  for (const auto& p : source.packets) (p->track == kVideo ? pictures : sounds).push_back(p);
  EXPECT_EQ(pictures.size(), GetParam().pictures);
  ASSERT_EQ(seen["video"].size(), pictures.size());
  ASSERT_EQ(seen["audio"].size(), sounds.size());
  for (size_t i = 0; i < pictures.size(); ++i) {
    EXPECT_EQ(seen["video"][i].pts, 900'000 + to_ticks(pictures[i]->pts, kClock)) << i;
    EXPECT_EQ(seen["video"][i].dts, 900'000 + to_ticks(pictures[i]->dts, kClock)) << i;
    EXPECT_EQ(seen["video"][i].key, pictures[i]->keyframe) << i;
  }
  for (size_t i = 0; i < sounds.size(); ++i)
    EXPECT_NEAR(static_cast<double>(seen["audio"][i].pts),
                static_cast<double>(900'000 + to_ticks(sounds[i]->pts, kClock)), 2)
        << i;
}

INSTANTIATE_TEST_SUITE_P(
    Codecs, WriterReal,
    testing::Values(
        Real{"h264_aac", kRealOptions, Codec::h264, Codec::aac, 163},  // 6.5 s of 25, rounded up
        Real{"h265_mp3",
             "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=sample_rate=44100 -t 2 "
             "-c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=2:keyint=25 "
             "-c:a libmp3lame -b:a 64k -muxdelay 0 -muxpreload 0",
             Codec::h265, Codec::mp3, 50},
        Real{"h264_ac3",
             "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=sample_rate=48000 -t 2 "
             "-c:v libx264 -preset ultrafast -g 25 -c:a ac3 -b:a 192k -muxdelay 0 -muxpreload 0",
             Codec::h264, Codec::ac3, 50},
        Real{"h264_half_rate_mp3",
             "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=sample_rate=22050 -t 2 "
             "-c:v libx264 -preset ultrafast -g 25 -c:a libmp3lame -b:a 32k "
             "-muxdelay 0 -muxpreload 0",
             Codec::h264, Codec::mp3, 50}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace weir::mpegts
