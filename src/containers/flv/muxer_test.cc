// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/muxer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "containers/flv/amf0.h"
#include "containers/flv/demuxer.h"
#include "containers/flv/samples_for_test.h"

namespace weir::flv {
namespace {

using testing::ElementsAre;

Bytes body_of(const Message& m) {
  ByteWriter out;
  out.bytes(m.head());
  out.bytes(m.payload);
  return out.take();
}

std::string hex_head(const Message& m) { return to_hex(m.head()); }

Packet packet_of(const Sample& s, Time dts = 1s, Time offset = 0ms) {
  return {.track = s.track.id,
          .dts = dts,
          .pts = dts + offset,
          .keyframe = true,
          .payload = s.keyframe};
}

TrackId id_of(Codec codec, uint8_t n = 0) {
  return TrackId(static_cast<uint8_t>((kind_of(codec) == Kind::video ? 0 : 64) + n));
}

// The members of the onMetaData message.
Value meta_data(const Message& m) {
  EXPECT_EQ(m.type, TagType::script);
  const auto all = read_all_amf0(m.payload);
  EXPECT_TRUE(all);
  if (!all || all->size() != 2) return {};
  EXPECT_EQ((*all)[0].as_string(), "onMetaData");
  return (*all)[1];
}

class EveryCodec : public testing::TestWithParam<Codec> {};

TEST_P(EveryCodec, RoundTrips) {
  const Sample s = sample(GetParam(), id_of(GetParam()));
  const bool timed = GetParam() == Codec::h264 || GetParam() == Codec::h265;
  Muxer muxer;
  Demuxer demuxer;
  for (const auto& m : muxer.headers({.tracks = {s.track}}, 1s))
    EXPECT_TRUE(demuxer.read(m.type, to_ticks(m.dts, 1000), body_of(m)).packets.empty());
  std::vector<Packet> got;
  for (const Time offset : {0ms, 80ms, -40ms}) {
    if (!timed && offset != 0ms) continue;
    const auto m = muxer.message(s.track, packet_of(s, 1s, offset));
    ASSERT_TRUE(m);
    EXPECT_EQ(m->payload.data(), s.keyframe.data()) << "the payload must not be copied";
    auto out = demuxer.read(m->type, to_ticks(m->dts, 1000), body_of(*m));
    ASSERT_EQ(out.packets.size(), 1u) << demuxer.counts().malformed;
    EXPECT_EQ(out.packets[0].pts - out.packets[0].dts, offset);
    got.push_back(std::move(out.packets[0]));
  }
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got[0].track, s.track.id);
  EXPECT_EQ(got[0].dts, 1s);
  EXPECT_TRUE(got[0].keyframe);
  EXPECT_EQ(to_hex(got[0].payload), to_hex(s.keyframe));
  EXPECT_EQ(demuxer.counts().total(), 0u);

  ASSERT_EQ(demuxer.tracks().size(), 2u);
  const Track& back = demuxer.tracks()[0];
  EXPECT_EQ(back.codec, s.track.codec);
  EXPECT_EQ(to_hex(back.config), to_hex(s.track.config));
  EXPECT_EQ(back.params.index(), s.track.params.index());
  if (back.audio()) {
    EXPECT_EQ(*back.audio(), *s.track.audio());
  }
  if (back.video()) {
    EXPECT_EQ(back.video()->width, s.track.video()->width);
    EXPECT_EQ(back.video()->height, s.track.video()->height);
  }
}

// The same as the second track of its kind.
TEST_P(EveryCodec, RoundTripsAsASecondTrack) {
  const Sample s = sample(GetParam(), id_of(GetParam(), 1));
  const Codec other = s.track.kind() == Kind::video ? Codec::h264 : Codec::aac;
  const Sample first = sample(other, id_of(other));
  Muxer muxer({.multitrack = Multitrack::carry});
  Demuxer demuxer;
  for (const auto& m : muxer.headers({.tracks = {first.track, s.track}}))
    demuxer.read(m.type, 0, body_of(m));
  const auto m = muxer.message(s.track, packet_of(s, 2s));
  ASSERT_TRUE(m);
  const auto out = demuxer.read(m->type, 2000, body_of(*m));
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(out.packets[0].track, s.track.id);
  EXPECT_EQ(to_hex(out.packets[0].payload), to_hex(s.keyframe));
  EXPECT_EQ(demuxer.counts().total(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Muxer, EveryCodec, testing::ValuesIn(kMediaCodecs),
                         [](const auto& i) { return std::string(to_string(i.param)); });

TEST(Muxer, WritesTheHeadersOfTheFormats) {
  struct Row {
    Codec codec;
    const char* sequence;  // empty: none is sent
    const char* frame;
  };
  for (const auto& [codec, sequence, frame] : {
           Row{Codec::h264, "1700000000", "1701000000"},
           Row{Codec::aac, "af00", "af01"},
           Row{Codec::mp3, "", "2f"},
           Row{Codec::h265, "9068766331", "9368766331"},
           Row{Codec::av1, "9061763031", "9161763031"},
           Row{Codec::vp8, "9076703038", "9176703038"},
           Row{Codec::vp9, "9076703039", "9176703039"},
           Row{Codec::opus, "904f707573", "914f707573"},
           Row{Codec::flac, "90664c6143", "91664c6143"},
           Row{Codec::ac3, "", "9161632d33"},
           Row{Codec::eac3, "", "9165632d33"},
       }) {
    const Sample s = sample(codec, id_of(codec));
    Muxer muxer;
    const auto all = muxer.headers({.tracks = {s.track}});
    ASSERT_EQ(all.size(), *sequence ? 2u : 1u) << to_string(codec);
    if (*sequence) {
      EXPECT_EQ(hex_head(all[1]), sequence) << to_string(codec);
    }
    const auto m = muxer.message(s.track, packet_of(s));
    ASSERT_TRUE(m);
    EXPECT_EQ(hex_head(*m), frame) << to_string(codec);
    EXPECT_EQ(m->type, s.track.kind() == Kind::video ? TagType::video : TagType::audio);
  }
}

TEST(Muxer, WritesCompositionTimeAndFrameType) {
  const Sample avc = sample(Codec::h264, TrackId{0});
  const Sample hevc = sample(Codec::h265, TrackId{0});
  Muxer muxer;
  muxer.headers({.tracks = {avc.track}});
  Packet p = packet_of(avc, 1s, 80ms);
  p.keyframe = false;
  EXPECT_EQ(hex_head(*muxer.message(avc.track, p)), "2701000050");
  p.pts = p.dts - 1ms;
  EXPECT_EQ(hex_head(*muxer.message(avc.track, p)), "2701ffffff");
  // More than the field holds: the most it can say.
  p.pts = p.dts + 36000s;
  EXPECT_EQ(hex_head(*muxer.message(avc.track, p)), "27017fffff");
  // Both times are rounded on their own, so that what a player adds up is right.
  p.dts = 33'400'000ns;
  p.pts = 66'600'000ns;
  EXPECT_EQ(hex_head(*muxer.message(avc.track, p)), "2701000022");

  muxer.headers({.tracks = {hevc.track}});
  Packet h = packet_of(hevc, 1s, 40ms);
  EXPECT_EQ(hex_head(*muxer.message(hevc.track, h)), "9168766331000028");
  h.keyframe = false;
  EXPECT_EQ(hex_head(*muxer.message(hevc.track, h)), "a168766331000028");
}

TEST(Muxer, WritesMp3Rates) {
  Sample s = sample(Codec::mp3, TrackId{64});
  Muxer muxer;
  muxer.headers({.tracks = {s.track}});
  for (const auto& [rate, channels, head] : {std::tuple{44100, 2, "2f"},
                                             {44100, 1, "2e"},
                                             {48000, 2, "2f"},
                                             {22050, 2, "2b"},
                                             {11025, 1, "26"},
                                             {8000, 1, "e2"},
                                             {0, 0, "2f"}}) {
    s.track.params = AudioParams{rate, channels};
    EXPECT_EQ(hex_head(*muxer.message(s.track, packet_of(s))), head) << rate;
  }
}

TEST(Muxer, NumbersTracksWhenAsked) {
  const Sample avc = sample(Codec::h264, TrackId{0}), avc2 = sample(Codec::h264, TrackId{7});
  const Sample aac = sample(Codec::aac, TrackId{64}), opus = sample(Codec::opus, TrackId{65});
  const StreamInfo info{.tracks = {avc.track, avc2.track, aac.track, opus.track}};

  Muxer with({.multitrack = Multitrack::carry});
  const auto all = with.headers(info);
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(hex_head(all[1]), "1700000000");
  EXPECT_EQ(hex_head(all[2]), "96006176633101");
  EXPECT_EQ(hex_head(all[3]), "af00");
  EXPECT_EQ(hex_head(all[4]), "95004f70757301");
  EXPECT_EQ(hex_head(*with.message(avc2.track, packet_of(avc2, 1s, 40ms))), "96016176633101000028");
  EXPECT_EQ(hex_head(*with.message(avc2.track, packet_of(avc2))), "96036176633101");
  EXPECT_EQ(hex_head(*with.message(opus.track, packet_of(opus))), "95014f70757301");
  const Value data = meta_data(all[0]);
  ASSERT_NE(data.find("videoTrackIdInfoMap"), nullptr);
  EXPECT_EQ(data.find("videoTrackIdInfoMap")->find("1")->find("width")->as_number(), 64);
  EXPECT_EQ(data.find("audioTrackIdInfoMap")->find("1")->find("audiocodecid")->as_number(),
            1332770163.0);

  Muxer without;
  EXPECT_EQ(without.headers(info).size(), 3u);
  EXPECT_TRUE(without.carries(avc.track.id));
  EXPECT_FALSE(without.carries(avc2.track.id));
  EXPECT_EQ(without.message(avc2.track, packet_of(avc2)).error().code, Code::unsupported);
  EXPECT_EQ(meta_data(without.headers(info)[0]).find("videoTrackIdInfoMap"), nullptr);
}

TEST(Muxer, CarriesNothingBeforeHeaders) {
  const Sample s = sample(Codec::aac, TrackId{64});
  EXPECT_FALSE(Muxer().carries(s.track.id));
  EXPECT_FALSE(Muxer().message(s.track, packet_of(s)));
}

TEST(Muxer, NewHeadersReplaceTheOldTracks) {
  const Sample avc = sample(Codec::h264, TrackId{0}), aac = sample(Codec::aac, TrackId{64});
  const Sample opus = sample(Codec::opus, TrackId{65});
  Muxer muxer;
  muxer.headers({.tracks = {avc.track, aac.track, opus.track}});
  EXPECT_TRUE(muxer.carries(aac.track.id));
  EXPECT_FALSE(muxer.carries(opus.track.id));
  const auto again = muxer.headers({.version = 1, .tracks = {avc.track, opus.track}}, 3s);
  EXPECT_FALSE(muxer.carries(aac.track.id));
  ASSERT_EQ(again.size(), 3u);
  EXPECT_EQ(again[0].dts, 0s);  // FFmpeg takes metadata with a time for a subtitle track
  for (size_t i = 1; i < again.size(); ++i) EXPECT_EQ(again[i].dts, 3s);
  EXPECT_EQ(hex_head(*muxer.message(opus.track, packet_of(opus))), "914f707573");
}

TEST(Muxer, RefusesWhatATagCannotHold) {
  const Sample s = sample(Codec::aac, TrackId{64});
  Muxer muxer;
  muxer.headers({.tracks = {s.track}});
  Packet p = packet_of(s);
  p.payload = Bytes::take(std::vector<uint8_t>(kMaxBodySize - 1));
  EXPECT_EQ(muxer.message(s.track, p).error().code, Code::limit);
  p.payload = p.payload.slice(0, kMaxBodySize - 2);
  EXPECT_TRUE(muxer.message(s.track, p));
}

TEST(Muxer, PassesScriptPacketsOn) {
  const Sample s = sample(Codec::script, TrackId{128});
  Muxer muxer;
  muxer.headers({.tracks = {s.track}});
  const auto m = muxer.message(s.track, packet_of(s));
  ASSERT_TRUE(m);
  EXPECT_EQ(m->type, TagType::script);
  EXPECT_EQ(to_hex(body_of(*m)), to_hex(s.keyframe));
}

std::vector<std::string> keys(const Value& v) {
  std::vector<std::string> all;
  for (const auto& m : *v.members()) all.push_back(m.key);
  return all;
}

TEST(MetaData, SaysWhatIsKnown) {
  const Sample avc = sample(Codec::h264, TrackId{0}), opus = sample(Codec::opus, TrackId{64});
  const Value data = meta_data(Muxer().headers({.tracks = {avc.track, opus.track}})[0]);
  EXPECT_THAT(keys(data),
              ElementsAre("width", "height", "framerate", "videocodecid", "audiocodecid",
                          "audiosamplerate", "stereo", "hasVideo", "hasAudio", "encoder"));
  EXPECT_EQ(data.find("width")->as_number(), 64);
  EXPECT_EQ(data.find("framerate")->as_number(), 10);
  EXPECT_EQ(data.find("videocodecid")->as_number(), 7);
  EXPECT_EQ(data.find("audiocodecid")->as_number(), 0x4f707573);
  EXPECT_EQ(data.find("audiosamplerate")->as_number(), 48000);
  EXPECT_TRUE(data.find("stereo")->as_bool());
  EXPECT_EQ(data.find("encoder")->as_string(), "Weir");
}

TEST(MetaData, KeepsThePublishersWhereItIsTrue) {
  ByteWriter out;
  write_amf0(out, make_ecma_array({{"duration", 60},
                                   {"encoder", "obs"},
                                   {"width", 1},
                                   {"title", "x"},
                                   {"videodatarate", 500},
                                   {"audiodatarate", 128},
                                   {"stereo", true},
                                   {"hasAudio", true},
                                   {"audiocodecid", 10}}));
  Sample avc = sample(Codec::h264, TrackId{0});
  Sample script = sample(Codec::script, TrackId{128});
  script.track.config = out.take();
  const Value data = meta_data(Muxer().headers({.tracks = {avc.track, script.track}})[0]);
  EXPECT_EQ(data.find("encoder")->as_string(), "obs");
  EXPECT_EQ(data.find("title")->as_string(), "x");
  EXPECT_EQ(data.find("videodatarate")->as_number(), 500);
  EXPECT_EQ(data.find("width")->as_number(), 64);
  EXPECT_TRUE(data.find("hasVideo")->as_bool());
  EXPECT_FALSE(data.find("hasAudio")->as_bool(true));
  // A live stream has no duration; this one has no audio.
  for (const char* gone : {"duration", "audiodatarate", "stereo", "audiocodecid"})
    EXPECT_EQ(data.find(gone), nullptr) << gone;
}

TEST(MetaData, SurvivesAPublisherThatSentNoObject) {
  Sample script = sample(Codec::script, TrackId{128});
  script.track.config = from_hex("0101");
  EXPECT_THAT(keys(meta_data(Muxer().headers({.tracks = {script.track}})[0])),
              ElementsAre("encoder"));
}

}  // namespace
}  // namespace weir::flv
