// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/demuxer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "containers/flv/amf0.h"
#include "containers/flv/samples_for_test.h"

namespace weir::flv {
namespace {

constexpr TrackId kVideo{0}, kAudio{64}, kScript{128};

Bytes hex(const std::string& s) { return from_hex(s); }

Demuxer::Output video(Demuxer& d, const std::string& body, int64_t ms = 0) {
  return d.read(TagType::video, ms, hex(body));
}
Demuxer::Output audio(Demuxer& d, const std::string& body, int64_t ms = 0) {
  return d.read(TagType::audio, ms, hex(body));
}
Demuxer::Output script(Demuxer& d, std::initializer_list<Value> values) {
  ByteWriter out;
  for (const auto& v : values) write_amf0(out, v);
  return d.read(TagType::script, 7, out.take());
}

const std::string kAvcHeader = std::string("1700000000") + kAvcRecord;

TEST(Demuxer, ReadsAvc) {
  Demuxer d;
  auto out = video(d, kAvcHeader);
  EXPECT_TRUE(out.tracks_changed);
  EXPECT_TRUE(out.packets.empty());
  ASSERT_EQ(d.tracks().size(), 1u);
  EXPECT_EQ(d.tracks()[0].codec, Codec::h264);
  EXPECT_EQ(d.tracks()[0].video()->width, 64);
  EXPECT_EQ(d.tracks()[0].video()->height, 48);

  const Bytes body = hex("2701ffffd8 00000002 419a");
  out = d.read(TagType::video, 100, body);
  EXPECT_FALSE(out.tracks_changed);
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(out.packets[0].dts, 100ms);
  EXPECT_EQ(out.packets[0].pts, 60ms);
  EXPECT_FALSE(out.packets[0].keyframe);
  EXPECT_EQ(out.packets[0].payload.data(), body.data() + 5) << "no copy";
}

TEST(Demuxer, AClockWoundForEverDoesNotOverflow) {
  Demuxer d;
  video(d, kAvcHeader);
  const auto out = video(d, "27017fffff 00000002 419a", INT64_MAX);
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_GT(out.packets[0].pts, out.packets[0].dts);
}

TEST(Demuxer, RepeatedHeaderIsNoChange) {
  Demuxer d;
  EXPECT_TRUE(video(d, kAvcHeader).tracks_changed);
  EXPECT_FALSE(video(d, kAvcHeader).tracks_changed);
  EXPECT_TRUE(audio(d, "af00 1210").tracks_changed);
  EXPECT_FALSE(audio(d, "af00 1210").tracks_changed);
  EXPECT_TRUE(audio(d, "af00 1190").tracks_changed);
  EXPECT_EQ(d.tracks()[1].audio()->sample_rate, 48000);
  EXPECT_EQ(d.counts().total(), 0u);
}

TEST(Demuxer, ConvertsShortLengths) {
  // lengthSizeMinusOne is 1 in the record, 3 in what we keep.
  std::string record(kAvcHeader);
  record.replace(record.find("ffe1"), 2, "fd");
  Demuxer d;
  video(d, record);
  EXPECT_EQ(to_hex(d.tracks()[0].config), to_hex(from_hex(kAvcRecord)));
  const auto out = video(d, "2701000000 0002 419a 0001 41");
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(to_hex(out.packets[0].payload), "00000002419a0000000141");
}

TEST(Demuxer, TakesStartCodes) {
  Demuxer d;
  video(d, kAvcHeader);
  const auto out = video(d, "1701000000 00000001 65888040 000001 06f0f1");
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(to_hex(out.packets[0].payload), "00000004658880400000000306f0f1");

  Demuxer record;
  const std::string sets =
      "00000001 6764000aacd9447b011000000300100000030140f1225960 00000001 68ef839cb0";
  EXPECT_TRUE(video(record, "1700000000" + sets).tracks_changed);
  EXPECT_EQ(record.tracks()[0].video()->width, 64);
}

TEST(Demuxer, FindsKeyframesThatAreNotMarked) {
  Demuxer d;
  video(d, kAvcHeader);
  EXPECT_TRUE(video(d, "2701000000 00000002 6588").packets[0].keyframe);
  // The mark alone is enough: the source may mean a recovery point.
  EXPECT_TRUE(video(d, "1701000000 00000002 419a").packets[0].keyframe);
}

TEST(Demuxer, ReadsHevcInBothForms) {
  Demuxer old;
  EXPECT_TRUE(video(old, std::string("1c00000000") + kHevcRecord).tracks_changed);
  EXPECT_EQ(old.tracks()[0].codec, Codec::h265);
  EXPECT_EQ(video(old, "2c01000028 00000003 0201d0", 40).packets[0].pts, 80ms);

  Demuxer d;
  video(d, std::string("90 68766331") + kHevcRecord);
  EXPECT_EQ(d.tracks(), old.tracks());
  auto out = video(d, "91 68766331 000028 00000004 2601ac10", 40);
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(out.packets[0].pts, 80ms);
  EXPECT_TRUE(out.packets[0].keyframe);
  out = video(d, "a3 68766331 00000003 0201d0", 80);
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(out.packets[0].pts, 80ms);
  EXPECT_FALSE(out.packets[0].keyframe);
}

TEST(Demuxer, FillsAnAv1ConfigThatHasNoSequenceHeader) {
  Demuxer d;
  video(d, "90 61763031 81000c00");
  ASSERT_EQ(d.tracks().size(), 1u);
  EXPECT_EQ(d.tracks()[0].video()->width, 0);
  // With a temporal delimiter in front, which goes.
  const Bytes frame = sample(Codec::av1, kVideo).keyframe;
  const auto out = video(d, "91 61763031 1200" + to_hex(frame));
  EXPECT_TRUE(out.tracks_changed);
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(to_hex(out.packets[0].payload), to_hex(frame));
  EXPECT_EQ(d.tracks()[0].video()->width, 64);
  EXPECT_EQ(to_hex(d.tracks()[0].config), kAv1Record);
  EXPECT_FALSE(video(d, "90 61763031 81000c00").tracks_changed) << "the same header again";
}

TEST(Demuxer, SizesVp8AndVp9FromTheirKeyframes) {
  Demuxer d;
  EXPECT_TRUE(video(d, "90 76703038").tracks_changed);
  EXPECT_EQ(d.tracks()[0].video()->width, 0);
  EXPECT_TRUE(video(d, "91 76703038 100200 9d012a 40003000 00").tracks_changed);
  EXPECT_EQ(*d.tracks()[0].video(), (VideoParams{64, 48, 0}));
  EXPECT_FALSE(video(d, "91 76703038 100200 9d012a 40003000 00").tracks_changed);
  EXPECT_FALSE(video(d, "a1 76703038 310200 00").tracks_changed);
  EXPECT_TRUE(video(d, "91 76703038 100200 9d012a 80006000 00").tracks_changed);
  EXPECT_EQ(*d.tracks()[0].video(), (VideoParams{128, 96, 0}));

  const Sample vp9 = sample(Codec::vp9, kVideo);
  EXPECT_TRUE(video(d, "90 76703039" + to_hex(vp9.track.config)).tracks_changed);
  const auto out = video(d, "91 76703039" + to_hex(vp9.keyframe));
  EXPECT_TRUE(out.tracks_changed);
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_TRUE(out.packets[0].keyframe);
  EXPECT_EQ(*d.tracks()[0].video(), (VideoParams{64, 48, 0}));
  EXPECT_EQ(to_hex(d.tracks()[0].config), to_hex(vp9.track.config));
}

TEST(Demuxer, AppliesTimestampOffsets) {
  Demuxer d;
  audio(d, "90 4f707573" + to_hex(sample(Codec::opus, kAudio).track.config));
  const auto out = audio(d, "97 02 07a120 01 4f707573 fcfffe", 20);
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(out.packets[0].dts, 20'500us);
  EXPECT_EQ(out.packets[0].pts, 20'500us);
  EXPECT_EQ(out.packets[0].duration, 20ms);
}

TEST(Demuxer, ReadsMultitrack) {
  Demuxer d;
  video(d, kAvcHeader);
  // ManyTracksManyCodecs sequence starts for tracks 1 and 2.
  const std::string avc = to_hex(from_hex(kAvcRecord)), av1 = kAv1Record;
  const auto sized = [](const std::string& h) {
    char size[8];
    snprintf(size, sizeof size, "%06zx", h.size() / 2);
    return size + h;
  };
  EXPECT_TRUE(
      video(d, "96 20 61766331 01" + sized(avc) + "61763031 02" + sized(av1)).tracks_changed);
  ASSERT_EQ(d.tracks().size(), 3u);
  EXPECT_EQ(d.tracks()[1].id, TrackId{1});
  EXPECT_EQ(d.tracks()[2].codec, Codec::av1);
  // ManyTracks coded frames of one codec: track 0, which came as legacy, and track 1.
  const std::string frame = "000028 00000002 6588";
  const auto out = video(
      d, "96 11 61766331 00" + sized(to_hex(hex(frame))) + "01" + sized(to_hex(hex(frame))), 10);
  ASSERT_EQ(out.packets.size(), 2u);
  EXPECT_EQ(out.packets[0].track, TrackId{0});
  EXPECT_EQ(out.packets[1].track, TrackId{1});
  EXPECT_EQ(out.packets[1].pts, 50ms);
  EXPECT_EQ(d.counts().total(), 0u);
}

TEST(Demuxer, BoundsTheNumberOfTracks) {
  Demuxer d;
  for (int i = 0; i < 256; ++i) {
    char track[4];
    snprintf(track, sizeof track, "%02x", i);
    audio(d, "95 00 6d703461" + std::string(track) + "1210");
  }
  EXPECT_EQ(d.tracks().size(), 64u);
  EXPECT_EQ(d.tracks()[63].id, TrackId{127});
  EXPECT_EQ(d.counts().too_many_tracks, 192u);
}

TEST(Demuxer, ReadsAac) {
  Demuxer d;
  audio(d, "af00 1210");
  const auto out = audio(d, "af01 21100400", 23);
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(out.packets[0].track, kAudio);
  EXPECT_EQ(out.packets[0].dts, 23ms);
  EXPECT_TRUE(out.packets[0].keyframe);
  EXPECT_EQ(out.packets[0].duration, from_ticks(1024, 44100));
  // An ADTS header left on: 44.1 kHz, stereo, 11 bytes in all.
  const auto adts = audio(d, "af01 fff1 50 80 017f fc 21100400");
  ASSERT_EQ(adts.packets.size(), 1u);
  EXPECT_EQ(to_hex(adts.packets[0].payload), "21100400");
}

TEST(Demuxer, DescribesMp3FromItsFramesOrItsTag) {
  Demuxer d;
  const auto out = audio(d, "2f fffb9064 00000000");
  EXPECT_TRUE(out.tracks_changed);
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(*d.tracks()[0].audio(), (AudioParams{44100, 2}));
  EXPECT_EQ(out.packets[0].duration, from_ticks(1152, 44100));
  EXPECT_FALSE(audio(d, "2f fffb9064 00000000").tracks_changed);

  Demuxer unreadable;
  audio(unreadable, "2a 00000000");
  EXPECT_EQ(*unreadable.tracks()[0].audio(), (AudioParams{22050, 1}));
  Demuxer low;
  audio(low, "e3 00000000");
  EXPECT_EQ(*low.tracks()[0].audio(), (AudioParams{8000, 2}));
}

TEST(Demuxer, ReadsFormsOfFlacAndOpusHeaders) {
  const Sample flac = sample(Codec::flac, kAudio);
  for (const char* before : {"", "00000022", "664c614380000022"}) {
    Demuxer d;
    audio(d, std::string("90 664c6143") + before + to_hex(flac.track.config));
    ASSERT_EQ(d.tracks().size(), 1u) << before;
    EXPECT_EQ(to_hex(d.tracks()[0].config), to_hex(flac.track.config)) << before;
  }
  Demuxer d;
  audio(d, "90 4f707573");
  ASSERT_EQ(d.tracks().size(), 1u);
  EXPECT_EQ(*d.tracks()[0].audio(), (AudioParams{48000, 2}));
}

TEST(Demuxer, ACodecChangeKeepsTheTrackId) {
  Demuxer d;
  audio(d, "af00 1210");
  EXPECT_TRUE(audio(d, "90 4f707573").tracks_changed);
  ASSERT_EQ(d.tracks().size(), 1u);
  EXPECT_EQ(d.tracks()[0].codec, Codec::opus);
  // A late frame of the old codec has no track any more.
  EXPECT_TRUE(audio(d, "af01 21100400").packets.empty());
  EXPECT_EQ(d.counts().before_config, 1u);
  EXPECT_TRUE(audio(d, "2f fffb9064").tracks_changed);
  EXPECT_EQ(d.tracks()[0].codec, Codec::mp3);
  EXPECT_TRUE(d.tracks()[0].config.empty());
}

TEST(Demuxer, ReadsMetaData) {
  Demuxer d;
  const Value data = make_ecma_array({{"width", 640}, {"framerate", 25}, {"encoder", "x"}});
  for (const bool set : {true, false}) {
    const auto out =
        set ? script(d, {"@setDataFrame", "onMetaData", data}) : script(d, {"onMetaData", data});
    EXPECT_EQ(out.tracks_changed, set) << "the same again is no change";
    EXPECT_TRUE(out.packets.empty());
  }
  ASSERT_EQ(d.tracks().size(), 1u);
  EXPECT_EQ(d.tracks()[0].id, kScript);
  EXPECT_EQ(*read_all_amf0(d.tracks()[0].config), std::vector<Value>{data});
  // The picture's size is the bitstream's to tell, the rate the sender's.
  video(d, kAvcHeader);
  EXPECT_EQ(*d.tracks()[0].video(), (VideoParams{64, 48, 25}));
  EXPECT_TRUE(script(d, {"onMetaData", make_object({{"videoframerate", 50}})}).tracks_changed);
  EXPECT_EQ(d.tracks()[0].video()->frame_rate, 50);
}

TEST(Demuxer, IgnoresSillyMetaData) {
  Demuxer d;
  video(d, kAvcHeader);
  const double before = d.tracks()[0].video()->frame_rate;
  script(d, {"onMetaData", make_object({{"width", -5}, {"height", 1e300}, {"framerate", NAN}})});
  EXPECT_EQ(*d.tracks()[0].video(), (VideoParams{64, 48, before}));
  script(d, {"onMetaData", 5});
  EXPECT_EQ(d.counts().malformed, 1u);
}

TEST(Demuxer, PassesDataMessagesOn) {
  Demuxer d;
  auto out = script(d, {"onTextData", make_object({{"text", "hello"}})});
  EXPECT_TRUE(out.tracks_changed);
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(out.packets[0].track, kScript);
  EXPECT_EQ(out.packets[0].dts, 7ms);
  out = script(d, {"@setDataFrame", "onCuePoint", 1});
  ASSERT_EQ(out.packets.size(), 1u);
  EXPECT_EQ(*read_all_amf0(out.packets[0].payload), (std::vector<Value>{"onCuePoint", 1}));
  script(d, {"|RtmpSampleAccess", true, true});
  EXPECT_EQ(d.counts().ignored, 1u);
}

TEST(Demuxer, CutsWhatFollowsTheValues) {
  Demuxer d;
  d.read(TagType::script, 0, hex("02 000a 6f6e4d65746144617461 03 000009 000009"));
  ASSERT_EQ(d.tracks().size(), 1u);
  EXPECT_EQ(to_hex(d.tracks()[0].config), "03000009");
}

TEST(Demuxer, UnwrapsAmf3DataMessages) {
  EXPECT_EQ(to_hex(data_from_amf3_message(hex("00 020000"))), "020000");
  EXPECT_EQ(to_hex(data_from_amf3_message(hex("020000"))), "020000");
  EXPECT_TRUE(data_from_amf3_message({}).empty());
}

TEST(Demuxer, DropsAndCounts) {
  struct Row {
    TagType type;
    const char* body;
    uint64_t Demuxer::Counts::*count;
  };
  using Counts = Demuxer::Counts;
  const auto v = TagType::video, a = TagType::audio, s = TagType::script;
  for (const auto& [type, body, count] : {
           Row{v, "", &Counts::empty},
           Row{a, "af", &Counts::empty},
           Row{a, "af01", &Counts::empty},
           Row{a, "2f", &Counts::empty},
           Row{v, "1701000000", &Counts::empty},
           Row{v, "17", &Counts::malformed},
           Row{v, "17010000", &Counts::malformed},
           Row{v, "1709000000", &Counts::malformed},
           Row{v, "1700000000", &Counts::malformed},
           Row{v, "1700000000 0164", &Counts::malformed},
           Row{v, "1c00000000 01", &Counts::malformed},
           Row{a, "af00", &Counts::malformed},
           Row{a, "af09 00", &Counts::malformed},
           Row{v, "91", &Counts::malformed},
           Row{v, "90 61763031 00", &Counts::malformed},
           Row{a, "90 4f707573 00", &Counts::malformed},
           Row{a, "90 664c6143 00", &Counts::malformed},
           Row{a, "91 61632d33 0000", &Counts::malformed},
           Row{a, "95 11 6d703461 00 ffffff", &Counts::malformed},
           Row{s, "02", &Counts::malformed},
           Row{s, "05", &Counts::malformed},
           Row{s, "02 000d 40736574446174614672616d65", &Counts::malformed},
           Row{v, "1200", &Counts::unsupported},
           Row{v, "2400", &Counts::unsupported},
           Row{a, "0000", &Counts::unsupported},
           Row{a, "b200", &Counts::unsupported},
           Row{v, "91 78787878 00", &Counts::unsupported},
           Row{v, "91 4f707573 00", &Counts::unsupported},
           Row{v, "95 61763031 80", &Counts::unsupported},
           Row{v, "9f 61763031", &Counts::unsupported},
           Row{a, "93 4f707573", &Counts::unsupported},
           Row{TagType{15}, "00", &Counts::unsupported},
           Row{v, "1701000000 00000002 6588", &Counts::before_config},
           Row{v, "91 76703039 00", &Counts::before_config},
           Row{a, "af01 2110", &Counts::before_config},
           Row{v, "5700", &Counts::ignored},
           Row{v, "1702000000", &Counts::ignored},
           Row{v, "92 61763031", &Counts::ignored},
           Row{v, "94 61763031 05", &Counts::ignored},
           Row{v, "d1 00", &Counts::ignored},
           Row{a, "92 4f707573", &Counts::ignored},
           Row{a, "94 4f707573 0102", &Counts::ignored},
           Row{a, "90 2e6d7033", &Counts::ignored},
       }) {
    Demuxer d;
    const auto out = d.read(type, 0, hex(body));
    EXPECT_TRUE(out.packets.empty()) << body;
    EXPECT_FALSE(out.tracks_changed) << body;
    EXPECT_EQ(d.counts().*count, 1u) << body;
    EXPECT_EQ(d.counts().total(), 1u) << body;
  }
}

TEST(Demuxer, DropsFramesWhoseLengthsLie) {
  Demuxer d;
  video(d, kAvcHeader);
  EXPECT_TRUE(video(d, "1701000000 000000ff 6588").packets.empty());
  video(d, std::string("90 61763031") + kAv1Record);
  EXPECT_TRUE(video(d, "91 61763031 32ff").packets.empty());
  audio(d, "af00 1210");
  EXPECT_TRUE(audio(d, "af01 ffffffff").packets.empty());
  EXPECT_EQ(d.counts().malformed, 3u);
}

}  // namespace
}  // namespace weir::flv
