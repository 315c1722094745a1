// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/cmaf_segmenter.h"

#include <random>

#include "segments/segmenter_fixture.h"

namespace weir::segments {
namespace {

using namespace fixture;
using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::Pointwise;
using testing::SizeIs;

Track opus_track(TrackId id) {
  return {id,
          Codec::opus,
          from_hex("4f707573486561640102380180bb0000000000"),
          AudioParams{48000, 2},
          {}};
}

struct Rate {
  const char* name;
  int64_t rate, per;
  double announced;
  bool b_frames;
  Time part;             // announced target
  uint32_t most, least;  // frames of parts that are not the last of a segment
};

void PrintTo(const Rate& r, std::ostream* out) { *out << r.name; }

class FrameRates : public testing::TestWithParam<Rate> {};

TEST_P(FrameRates, PartsAreWholeFramesWithinTheTarget) {
  const Rate& r = GetParam();
  Track track = h264_track();
  track.params = VideoParams{320, 180, r.announced};
  Chain c;
  c.info(info_of({track, aac_track()}));
  const int gop = static_cast<int>(2 * r.rate / r.per);
  c.play(Source().pictures(0s, 60s, {r.rate, r.per, gop, r.b_frames}).sound(0s, 60s));
  c.finish();
  EXPECT_EQ(c.cmaf.part_target("v1"), r.part);
  EXPECT_EQ(c.cmaf.part_target("a1"), 193ms);
  EXPECT_EQ(c.cmaf.long_parts(), 0u);
  EXPECT_EQ(c.cmaf.dropped(), 0u);
  for (const auto& [id, lane] : c.recorder.lanes) {
    SCOPED_TRACE(id);
    check_parts(lane, c.cmaf.part_target(id), id == "v1");
    check_contiguous(lane);
    check_decode_times(lane);
  }
  EXPECT_EQ(contents(c.lane("v1")), contents(c.published[kVideo]));
  EXPECT_EQ(contents(c.lane("a1")), contents(c.published[kAudio]));
  for (const auto& s : c.lane("v1").segments)
    for (size_t i = 0; i + 1 < s.parts.size(); ++i) {
      EXPECT_LE(s.parts[i].frames, r.most);
      EXPECT_GE(s.parts[i].frames, r.least);
      // RFC 8216bis 4.4.4.9
      EXPECT_GE(s.parts[i].duration * 100, c.cmaf.part_target("v1") * 85);
      EXPECT_EQ(s.parts[i].independent, i == 0);
    }
  for (const auto& s : c.lane("a1").segments)
    for (size_t i = 0; i + 1 < s.parts.size(); ++i) {
      EXPECT_EQ(s.parts[i].frames, 9u);
      EXPECT_NEAR(static_cast<double>(s.parts[i].duration.count()), 192e6, 1);
    }
}

INSTANTIATE_TEST_SUITE_P(
    All, FrameRates,
    testing::Values(Rate{"24", 24, 1, 24, false, 168ms, 4, 4},
                    Rate{"25", 25, 1, 25, false, 200ms, 5, 5},
                    Rate{"25 unannounced", 25, 1, 0, true, 200ms, 5, 5},
                    Rate{"29.97", 30000, 1001, 30000.0 / 1001, false, 168ms, 5, 5},
                    Rate{"29.97 unannounced", 30000, 1001, 0, false, 168ms, 5, 5},
                    Rate{"30", 30, 1, 30, false, 200ms, 6, 6},
                    Rate{"30 with B-frames", 30, 1, 30, true, 200ms, 6, 6},
                    Rate{"30 unannounced", 30, 1, 0, false, 168ms, 5, 5},
                    Rate{"60", 60, 1, 60, true, 200ms, 12, 12},
                    Rate{"60, wrongly announced", 60, 1, 25, false, 184ms, 11, 11}));

TEST(CmafSegmenter, DecodingAndPresentationTimesAreRoundedTicks) {
  Chain c;
  c.info(info_of({h264_track()}));
  c.play(Source().pictures(1s, 200s, {.rate = 30000, .per = 1001, .b_frames = true, .ms = false}));
  c.finish();
  const auto samples = samples_of(c.lane("v1"));
  const auto& packets = c.published[kVideo];
  ASSERT_EQ(samples.size(), packets.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto& p = *packets[i];
    ASSERT_EQ(samples[i].decode_time, static_cast<uint64_t>(to_ticks(p.dts, 90000)));
    ASSERT_EQ(samples[i].composition_offset, to_ticks(p.pts, 90000) - to_ticks(p.dts, 90000));
    ASSERT_EQ(samples[i].sync(), p.keyframe);
  }
  for (const auto& s : c.lane("v1").segments) {
    EXPECT_EQ(s.start, s.cut.start);
    EXPECT_EQ(s.start, s.parts[0].start);
  }
}

TEST(CmafSegmenter, AHeaderComesBeforeItsSegments) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().pictures(0s, 3s, {}).sound(0s, 3s));
  EXPECT_THAT(c.lane("v1").headers, SizeIs(1));
  const auto header = mp4::read_header(c.lane("v1").headers[0]);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->tracks[0].entry, "avc1");
  EXPECT_EQ(c.lane("a1").tracks[0], aac_track());
  EXPECT_TRUE(c.cmaf.carried());
  EXPECT_EQ(c.cmaf.part_target("v9"), 0s);
}

TEST(CmafSegmenter, LongGroupsOfPicturesAreOneSegmentOrCutAsPromised) {
  Source source;
  source.pictures(0s, 30s, {.rate = 25, .gop = 250}).sound(0s, 30s);
  Chain late;
  late.info(info_of({h264_track(), aac_track()}));
  late.play(source);
  late.finish();
  EXPECT_THAT(late.lane("v1").durations(), ElementsAre(10, 10, 10));
  EXPECT_THAT(late.lane("a1").durations(), Pointwise(DoubleNear(0.03), {10.0, 10.0, 10.0}));
  Chain early;
  early.boundaries.promise();
  early.info(info_of({h264_track(), aac_track()}));
  early.play(source);
  early.finish();
  for (const auto& [id, lane] : early.recorder.lanes) {
    check_parts(lane, early.cmaf.part_target(id), id == "v1");
    check_contiguous(lane);
    for (const auto& s : lane.segments) EXPECT_LE(s.end - s.start, 2450ms);
  }
  EXPECT_FALSE(early.lane("v1").segments[1].cut.independent);
  EXPECT_TRUE(early.lane("a1").segments[1].cut.independent);
  EXPECT_EQ(contents(early.lane("v1")), contents(early.published[kVideo]));
}

TEST(CmafSegmenter, SoundAheadOrBehindIsCutWhereThePictureIs) {
  for (const Time ahead : {-300ms, -20ms, 0ms, 20ms, 300ms}) {
    SCOPED_TRACE(ahead.count());
    Chain c;
    c.info(info_of({h264_track(), aac_track()}));
    c.play(Source().pictures(0s, 10s, {.b_frames = true}).sound(0s, 10s, ahead));
    c.finish();
    check_parts(c.lane("a1"), 193ms, false);
    check_contiguous(c.lane("a1"));
    EXPECT_EQ(contents(c.lane("a1")), contents(c.published[kAudio]));
    ASSERT_EQ(c.lane("a1").ordinals(), c.lane("v1").ordinals());
    for (size_t i = 1; i < c.lane("a1").segments.size(); ++i) {
      const auto& s = c.lane("a1").segments[i];
      EXPECT_NEAR(static_cast<double>((s.start - s.cut.start).count()), 0, 10.7e6);
    }
  }
}

TEST(CmafSegmenter, SoundFarAheadIsNotHeldBackForever) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().pictures(0s, 6s, {}).sound(0s, 6s, 900ms));
  const auto parts = c.lane("a1").parts();
  const Time held = c.published[kAudio].back()->pts - (parts.back().start + parts.back().duration);
  EXPECT_LT(held, 800ms);
  c.finish();
  EXPECT_EQ(contents(c.lane("a1")), contents(c.published[kAudio]));
  check_contiguous(c.lane("a1"));
}

TEST(CmafSegmenter, SoundBeforeTheFirstPictureIsKept) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source()
             .sound(0s, 3s)
             .add(frame(kVideo, 480ms, 480ms, false))
             .pictures(520ms, 3s, {.rate = 25}));
  c.finish();
  EXPECT_EQ(c.lane("a1").segments[0].start, 0s);
  EXPECT_EQ(c.lane("v1").segments[0].start, 520ms);
  EXPECT_EQ(c.cmaf.dropped(), 1u);
  EXPECT_EQ(contents(c.lane("a1")), contents(c.published[kAudio]));
}

TEST(CmafSegmenter, EarlySoundIsBounded) {
  Chain c({.duration = 20s}, {.max_early_audio = 100});
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().sound(0s, 5s).pictures(5s, 6s, {}));
  EXPECT_EQ(c.cmaf.dropped(), c.published[kAudio].size() - 100);
}

// A clock that stands still just ahead of the only picture.
TEST(CmafSegmenter, SoundThatWaitsForThePictureIsBounded) {
  Chain c({.max_bytes = 100'000}, {.max_part_bytes = 10'000, .max_early_audio = 50});
  c.info(info_of({h264_track(), aac_track()}));
  c.packet(frame(kVideo, 0s, 0s, true));
  size_t sent = 0;
  for (int i = 0; i < 5000; ++i, ++sent) {
    c.packet(frame(kAudio, 300ms, 300ms, true, 1000));
    const auto& segments = c.lane("a1").segments;
    size_t out = 0;
    for (const auto& s : segments)
      for (const auto& p : s.parts) out += p.frames;
    ASSERT_LE(sent - out, 70u);  // those that wait and the open part
    ASSERT_TRUE(segments.empty() || segments.back().parts.size() < 25);
  }
  EXPECT_GT(c.lane("a1").segments.size(), 40u);
}

TEST(CmafSegmenter, SoundThatWaitsIsBoundedInBytes) {
  Chain c({}, {.max_part_bytes = 100'000});
  c.info(info_of({h264_track(), aac_track()}));
  c.packet(frame(kVideo, 0s, 0s, true));
  for (int i = 0; i < 40; ++i) c.packet(frame(kAudio, 300ms, 300ms, true, 50'000));
  size_t out = 0;
  for (const auto& p : c.lane("a1").parts()) out += p.data.size();
  EXPECT_GT(out, 1'700'000u);
}

// Sound of no known length whose clock stands still behind the picture's never gets to a cut.
TEST(CmafSegmenter, ALaneThatReachesNoCutEndsItsSegmentsAllTheSame) {
  Track flac{kAudio, Codec::mp3, {}, AudioParams{48000, 2}, {}};
  Chain c({.max_bytes = 100'000}, {.max_part_bytes = 10'000});
  c.info(info_of({h264_track(), flac}));
  c.packet(frame(kVideo, 0s, 0s, true));
  c.packet(frame(kAudio, 0s, 0s, true));
  c.packet(frame(kVideo, 500ms, 500ms, false));
  for (int i = 0; i < 2000; ++i) c.packet(frame(kAudio, 0s, 0s, true, 1000));
  ASSERT_FALSE(c.lane("a1").segments.empty());
  for (const auto& s : c.lane("a1").segments) EXPECT_LT(s.parts.size(), 80u);
}

TEST(CmafSegmenter, ASecondCameraIsCutWithoutTheFirst) {
  Track camera = h264_track();
  camera.id = TrackId{7};
  Chain c;
  c.info(info_of({h264_track(), camera}));
  c.boundaries.promise();
  c.play(Source()
             .pictures(0s, 3s, {.rate = 25, .gop = 50})
             .pictures(0s, 12s, {.rate = 25, .gop = 50}, camera.id));
  c.finish();
  EXPECT_THAT(c.lane("v2").durations(), ElementsAre(2, 2, 2, 2, 2, 2));
  check_contiguous(c.lane("v2"));
}

TEST(CmafSegmenter, SoundAlone) {
  Chain c;
  c.info(info_of({aac_track()}));
  c.play(Source().sound(0s, 7s));
  c.finish();
  EXPECT_THAT(c.lane("a1").durations(), Pointwise(DoubleNear(0.03), {2.0, 2.0, 2.0, 1.0}));
  EXPECT_EQ(contents(c.lane("a1")), contents(c.published[kAudio]));
  EXPECT_EQ(c.recorder.lanes.size(), 1u);
  check_decode_times(c.lane("a1"));
}

TEST(CmafSegmenter, ACameraThatIsSwitchedOffLeavesSegmentsOut) {
  Chain c;
  c.boundaries.promise();
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source()
             .sound(0s, 14s)
             .pictures(0s, 2500ms, {.rate = 25, .gop = 50})
             .pictures(9s, 14s, {.rate = 25, .gop = 50}));
  c.finish();
  EXPECT_EQ(contents(c.lane("a1")), contents(c.published[kAudio]));
  EXPECT_EQ(contents(c.lane("v1")), contents(c.published[kVideo]));
  EXPECT_THAT(c.lane("a1").ordinals(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(c.lane("v1").ordinals(), ElementsAre(0, 1, 5, 6, 7));
  EXPECT_EQ(c.lane("v1").segments[1].end, 2520ms);
  EXPECT_EQ(c.lane("v1").segments[2].start, 9s);
  check_contiguous(c.lane("a1"));
  for (const auto& s : c.lane("a1").segments) EXPECT_LE(s.end - s.start, 2450ms);
}

TEST(CmafSegmenter, SoundThatVanishesAndReturns) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().pictures(0s, 12s, {}).sound(0s, 3s).sound(8500ms, 12s));
  c.finish();
  EXPECT_THAT(c.lane("a1").ordinals(), ElementsAre(0, 1, 4, 5));
  EXPECT_THAT(c.lane("v1").ordinals(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_NEAR(c.lane("a1").segments[1].seconds(), 1, 0.03);
  EXPECT_EQ(c.lane("a1").segments[2].start, 8500ms);
  EXPECT_EQ(contents(c.lane("a1")), contents(c.published[kAudio]));
  check_parts(c.lane("a1"), 193ms, false);
}

TEST(CmafSegmenter, SoundFollowsThePacketClockOnlyWhenTheyPart) {
  Chain c;
  c.info(info_of({aac_track()}));
  // Packets say 21.1 ms a frame: sound is too long by one part in a hundred; then too short.
  Source s;
  for (int i = 0; i < 1000; ++i) s.add(frame(kAudio, to_ms(i * 21120us), to_ms(i * 21120us), true));
  for (int i = 0; i < 1000; ++i) {
    const Time t = to_ms(21120ms + i * 21547us);
    s.add(frame(kAudio, t, t, true));
  }
  c.play(s);
  c.finish();
  const auto samples = samples_of(c.lane("a1"));
  const auto& packets = c.published[kAudio];
  ASSERT_EQ(samples.size(), packets.size());
  int other = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const Time at = from_ticks(static_cast<int64_t>(samples[i].decode_time), 48000);
    EXPECT_LE(std::chrono::abs(at - packets[i]->pts), 21ms);
    other += samples[i].duration != 1024;
  }
  EXPECT_GT(other, 10);
  EXPECT_LT(other, 50);
  check_decode_times(c.lane("a1"));
  check_parts(c.lane("a1"), 193ms, false);
}

TEST(CmafSegmenter, MillisecondsDoNotMoveSound) {
  Chain c;
  c.info(info_of({aac_track()}));
  c.play(Source().sound(5ms, 100s));
  c.finish();
  for (const auto& s : samples_of(c.lane("a1"))) ASSERT_EQ(s.duration, 1024u);
}

TEST(CmafSegmenter, AFrameLongerThanTheTargetIsALongPart) {
  Chain c;
  c.info(info_of({h264_track()}));
  Source s;
  for (int i = 0; i < 20; ++i) s.add(frame(kVideo, i * 500ms, i * 500ms, i % 4 == 0));
  c.play(s);
  c.finish();
  EXPECT_EQ(c.cmaf.long_parts(), 20u);
  EXPECT_EQ(c.cmaf.part_target("v1"), 200ms);
  for (const auto& p : c.lane("v1").parts()) {
    EXPECT_EQ(p.frames, 1u);
    EXPECT_EQ(p.duration, 500ms);
  }
}

TEST(CmafSegmenter, UnevenPicturesNeverMakePartsTooLong) {
  Chain c;
  c.info(info_of({h264_without_rate()}));
  std::mt19937 random(7);
  Source s;
  Time t{};
  for (int i = 0; i < 3000; ++i) {
    s.add(frame(kVideo, t, t, i % 40 == 0));
    t += std::chrono::milliseconds(10 + random() % 120);
  }
  c.play(s);
  c.finish();
  EXPECT_EQ(c.cmaf.long_parts(), 0u);
  check_parts(c.lane("v1"), c.cmaf.part_target("v1"), true);
  check_contiguous(c.lane("v1"));
  EXPECT_EQ(contents(c.lane("v1")), contents(c.published[kVideo]));
}

TEST(CmafSegmenter, AHoleIsNotSegmentTime) {
  Chain c;
  c.info(info_of({h264_track()}));
  c.play(Source()
             .pictures(0s, 3s, {.rate = 25, .gop = 50})
             .pictures(9s, 12s, {.rate = 25, .gop = 50}));
  c.finish();
  EXPECT_THAT(c.lane("v1").durations(), ElementsAre(2, 1, 2, 1));
  EXPECT_EQ(c.lane("v1").segments[2].start, 9s);
  EXPECT_TRUE(c.lane("v1").segments[2].cut.discontinuity);
  EXPECT_EQ(c.cmaf.long_parts(), 0u);
}

TEST(CmafSegmenter, APictureThatStandsStillKeepsThePromise) {
  Chain c;
  c.boundaries.promise();
  c.info(info_of({h264_track()}));
  Source s;
  s.pictures(0s, 2s, {.rate = 25, .gop = 1000});
  for (Time t = 2900ms; t < 4s; t += 40ms) s.add(frame(kVideo, t, t, false));
  c.play(s);
  c.finish();
  EXPECT_EQ(c.lane("v1").segments[0].end, 2400ms);
  EXPECT_EQ(c.lane("v1").segments[1].start, 2900ms);
  EXPECT_FALSE(c.lane("v1").segments[1].cut.discontinuity);
  check_decode_times(c.lane("v1"));  // shown until the next
}

TEST(CmafSegmenter, AnotherSizeIsAnotherHeader) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().pictures(0s, 3s, {.rate = 25, .gop = 50}).sound(0s, 3s));
  Track other = h264_track("67640029acd94141fb0110");
  c.info(info_of({other, aac_track()}));
  c.play(Source().pictures(3s, 6s, {.rate = 25, .gop = 50}).sound(3008ms, 6s));
  c.finish();
  EXPECT_THAT(c.lane("v1").headers, SizeIs(2));
  EXPECT_THAT(c.lane("a1").headers, SizeIs(2));
  EXPECT_THAT(c.lane("v1").durations(), ElementsAre(2, 1, 2, 1));
  EXPECT_EQ(c.lane("v1").segments[2].header, 1u);
  EXPECT_EQ(c.lane("v1").tracks[1], other);
  for (const auto& [id, lane] : c.recorder.lanes) {
    EXPECT_TRUE(lane.segments[2].cut.discontinuity);
    EXPECT_FALSE(lane.segments[3].cut.discontinuity);
    check_contiguous(lane);
  }
  EXPECT_EQ(contents(c.lane("a1")), contents(c.published[kAudio]));
}

TEST(CmafSegmenter, APublishersReturnEndsWhatIsOpen) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().pictures(0s, 3s, {.rate = 25, .gop = 50}).sound(0s, 3s));
  c.info(info_of({h264_track(), aac_track()}, 2));
  EXPECT_EQ(c.lane("v1").segments.back().end, 3s);
  c.play(Source()
             .sound(5s, 8s)
             .add(frame(kVideo, 5s, 5s, false))
             .pictures(5040ms, 8s, {.rate = 25, .gop = 50}));
  c.finish();
  EXPECT_EQ(c.cmaf.dropped(), 1u);
  EXPECT_THAT(c.lane("v1").ordinals(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(c.lane("v1").ordinals(), c.lane("a1").ordinals());
  EXPECT_EQ(c.lane("v1").segments[2].start, 5040ms);
  EXPECT_EQ(c.lane("a1").segments[2].start, 5s);
  EXPECT_TRUE(c.lane("a1").segments[2].cut.discontinuity);
  EXPECT_EQ(contents(c.lane("a1")), contents(c.published[kAudio]));
  EXPECT_EQ(samples_of(c.lane("v1")).size(), c.published[kVideo].size() - 1);
}

TEST(CmafSegmenter, AnotherLanguageGoesOnWithoutACut) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().pictures(0s, 1s, {.gop = 30}).sound(0s, 1s));
  Track german = aac_track();
  german.language = "de";
  c.info(info_of({h264_track(), german}));
  c.play(Source().pictures(1s, 3s, {.gop = 30}).sound(1003ms, 3s));
  c.finish();
  EXPECT_THAT(c.lane("v1").headers, SizeIs(1));
  ASSERT_THAT(c.lane("a1").tracks, SizeIs(2));
  EXPECT_EQ(c.lane("a1").tracks[1].language, "de");
  EXPECT_THAT(c.lane("a1").ordinals(), ElementsAre(0, 1));
  EXPECT_EQ(c.lane("a1").segments[1].header, 1u);
  EXPECT_FALSE(c.lane("a1").segments[1].cut.discontinuity);
}

TEST(CmafSegmenter, LanesAreNamedByKindAndOrder) {
  const Track vp8{TrackId{3}, Codec::vp8, {}, VideoParams{320, 180, 25}, {}};
  Track second = aac_track();
  second.id = TrackId{7};
  const Track data{TrackId{9}, Codec::script, {}, DataParams{}, {}};
  Chain c;
  c.info(info_of({data, vp8, second, h264_track(), aac_track()}));
  c.play(Source()
             .pictures(0s, 5s, {}, TrackId{3})
             .pictures(0s, 5s, {})
             .sound(0s, 5s)
             .sound(0s, 5s, {}, TrackId{7})
             .add(frame(TrackId{9}, 1s, 1s, true)));
  c.finish();
  EXPECT_EQ(c.recorder.lanes.size(), 3u);
  EXPECT_EQ(c.lane("a1").tracks.at(0).id, TrackId{7});
  EXPECT_EQ(c.lane("a2").tracks.at(0).id, kAudio);
  EXPECT_EQ(c.lane("v1").tracks.at(0).id, kVideo);
  EXPECT_EQ(c.cmaf.dropped(), c.published[TrackId{3}].size());
  for (const auto& [id, lane] : c.recorder.lanes)
    EXPECT_THAT(lane.ordinals(), ElementsAre(0, 1, 2));

  Chain none;
  none.info(info_of({vp8}));
  none.play(Source().pictures(0s, 5s, {}, TrackId{3}));
  none.finish();
  EXPECT_TRUE(none.recorder.lanes.empty());
  ASSERT_FALSE(none.cmaf.carried());
  EXPECT_EQ(none.cmaf.carried().error().code, Code::unsupported);
}

TEST(CmafSegmenter, HeadersOfSoundThatDescribesItselfNeedTheFirstFrame) {
  Chain c;
  c.info(info_of({{kAudio, Codec::mp3, {}, AudioParams{48000, 2}, {}}}));
  // ISO/IEC 11172-3 2.4.2.3: layer III, 128 kbit/s, 48 kHz: 384 bytes, 24 ms.
  std::vector<uint8_t> mp3(384, 0);
  const Bytes head = from_hex("fffb9400");
  std::ranges::copy(head.span(), mp3.begin());
  const Bytes payload = Bytes::copy(mp3);
  for (int i = 0; i < 50; ++i)
    c.packet(std::make_shared<Packet>(Packet{kAudio, i * 24ms, i * 24ms, 0ns, true, payload}));
  c.finish();
  ASSERT_THAT(c.lane("a1").headers, SizeIs(1));
  EXPECT_EQ(c.cmaf.part_target("a1"), 193ms);
  EXPECT_THAT(c.lane("a1").durations(), ElementsAre(1.2));
}

TEST(CmafSegmenter, OpusPartsAreTenFrames) {
  Chain c;
  c.info(info_of({opus_track(kAudio)}));
  const Bytes payload = from_hex("fc0102030405");  // RFC 6716 3.1: 20 ms
  for (int i = 0; i < 150; ++i)
    c.packet(std::make_shared<Packet>(Packet{kAudio, i * 20ms, i * 20ms, 0ns, true, payload}));
  c.finish();
  EXPECT_EQ(c.cmaf.part_target("a1"), 200ms);
  EXPECT_THAT(c.lane("a1").durations(), ElementsAre(2, 1));
  for (const auto& p : c.lane("a1").parts()) EXPECT_EQ(p.frames, 10u);
}

TEST(CmafSegmenter, PartsAreBoundedInBytes) {
  Chain c({}, {.max_part_bytes = 10'000});
  c.info(info_of({h264_track()}));
  Source s;
  for (int i = 0; i < 50; ++i) s.add(frame(kVideo, i * 40ms, i * 40ms, i == 0, 4000));
  c.play(s);
  c.finish();
  for (const auto& p : c.lane("v1").parts()) EXPECT_LE(p.data.size(), 10'000u);
  EXPECT_EQ(c.cmaf.part_target("v1"), 200ms);  // a part that large says nothing about the rate
}

TEST(CmafSegmenter, AStreamOfOnePicture) {
  Chain c;
  c.info(info_of({h264_track()}));
  c.packet(frame(kVideo, 0s, 0s, true));
  c.finish();
  EXPECT_THAT(c.lane("v1").durations(), ElementsAre(0.04));
  EXPECT_EQ(c.lane("v1").segments[0].parts.size(), 1u);
  c.finish();
  EXPECT_THAT(c.lane("v1").durations(), SizeIs(1));
}

// Whatever a publisher does, each frame it sent is in exactly one part, in order.
class AnyStream : public testing::TestWithParam<unsigned> {};

TEST_P(AnyStream, EachFrameIsThereOnce) {
  std::mt19937 random(GetParam());
  const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
  Chain c({.slicing = below(4) == 0 ? Slicing::aligned : Slicing::plain});
  const bool video = below(5) != 0, sound = !video || below(4) != 0;
  std::vector<Track> tracks;
  if (video) tracks.push_back(below(2) ? h264_track() : h264_without_rate());
  if (sound) tracks.push_back(aac_track());
  const int promise_at = below(6);
  Time at{};
  std::vector<PacketPtr> useless;  // no decoder could use them
  for (int stretch = 0; stretch < 6; ++stretch) {
    c.info(info_of(tracks, static_cast<uint32_t>(stretch / 2)));
    if (stretch == promise_at) c.boundaries.promise();
    const Time length = 1s * (3 + below(12));
    Source s;
    const int64_t rates[] = {10, 24, 25, 30, 50, 60};
    const Source::Picture o{.rate = rates[below(6)],
                            .per = 1,
                            .gop = 5 + below(300),
                            .b_frames = below(2) == 0,
                            .ms = below(3) != 0};
    if (video && below(6) == 0 && stretch % 2 == 0) {
      useless.push_back(frame(kVideo, at, at, false));
      s.add(useless.back());
    }
    if (video) s.pictures(at + 40ms, at + length, o);
    if (sound) s.sound(at, at + length, 1ms * (below(700) - 350));
    c.play(s);
    at += length + 1ms * (300 + below(3) * 400);
  }
  c.finish();
  EXPECT_EQ(c.cmaf.dropped(), useless.size());
  for (const auto& p : useless) std::erase(c.published[kVideo], p);
  for (const auto& [id, lane] : c.recorder.lanes) {
    SCOPED_TRACE(id);
    check_parts(lane, c.cmaf.part_target(id), id == "v1");
    EXPECT_EQ(contents(lane), contents(c.published[id == "v1" ? kVideo : kAudio]));
    for (size_t i = 1; i < lane.segments.size(); ++i)
      EXPECT_GE(lane.segments[i].start + 1ms, lane.segments[i - 1].end);
    // Sound that is off by this much is so where there is no picture to go by: at both ends of what
    // a publisher sends.
    const auto off = [&](const LaneSegment& s) {
      const bool last = &s == &lane.segments.back() || (&s)[1].cut.discontinuity;
      return id == "a1" && (last || s.cut.discontinuity || s.cut.ordinal == 0) ? 400ms : 0ms;
    };
    if (promise_at == 0)
      for (const auto& s : lane.segments)
        EXPECT_LT(s.end - s.start, c.boundaries.target_duration() + 500ms + off(s));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyStream, testing::Range(0u, 60u));

}  // namespace
}  // namespace weir::segments
