// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/boundaries.h"

#include "segments/segmenter_fixture.h"

namespace weir::segments {
namespace {

using namespace fixture;
using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::Pointwise;

constexpr TrackId kCamera{7};

Track second_camera() {
  Track t = h264_track();
  t.id = kCamera;
  return t;
}

struct Bench {
  explicit Bench(Boundaries::Options o = {}) : boundaries(o) {}
  void info(const StreamInfoPtr& i) { boundaries.info(i); }
  void play(const Source& s) {
    for (const auto& p : s.packets())
      if (const auto cut = boundaries.packet(*p)) cuts.push_back(*cut);
  }
  std::vector<double> starts() const {
    std::vector<double> d;
    for (const auto& c : cuts) d.push_back(static_cast<double>(c.start.count()) / 1e9);
    return d;
  }
  std::vector<bool> independent() const {
    std::vector<bool> d;
    for (const auto& c : cuts) d.push_back(c.independent);
    return d;
  }
  Boundaries boundaries;
  std::vector<Cut> cuts;
};

TEST(Boundaries, CutsOnKeyframesAtTheDuration) {
  Bench b;
  b.info(info_of({h264_track(), aac_track()}));
  b.play(Source().pictures(0s, 7s, {.gop = 30}).sound(0s, 7s));
  EXPECT_THAT(b.starts(), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(b.independent(), Each(true));
  for (size_t i = 0; i < b.cuts.size(); ++i) {
    EXPECT_EQ(b.cuts[i].ordinal, i);
    EXPECT_FALSE(b.cuts[i].discontinuity);
  }
}

TEST(Boundaries, WithBFramesCutsAreAtPresentationTimes) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.play(Source().pictures(0s, 5s, {.gop = 60, .b_frames = true}));
  EXPECT_THAT(b.starts(), ElementsAre(0.033, 2.033, 4.033));
}

TEST(Boundaries, MillisecondClocksDoNotDoubleSegments) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.play(Source().pictures(0s, 8s, {.rate = 30000, .per = 1001, .gop = 59}));  // 1.9686 s
  EXPECT_THAT(b.starts(), Pointwise(DoubleNear(0.002), {0.0, 1.969, 3.937, 5.906, 7.875}));
}

TEST(Boundaries, TheGridMovesSegmentsTogether) {
  Bench early({.slicing = Slicing::aligned}), late({.slicing = Slicing::aligned});
  early.info(info_of({h264_track()}));
  late.info(info_of({h264_track()}));
  early.play(Source().pictures(0s, 7s, {.rate = 25, .gop = 25}));
  late.play(Source().pictures(3s, 7s, {.rate = 25, .gop = 25}));
  EXPECT_THAT(early.starts(), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(late.starts(), ElementsAre(3, 4, 6));
  Bench rounded({.slicing = Slicing::aligned});
  rounded.info(info_of({h264_track()}));
  rounded.play(Source().pictures(0s, 5s, {.rate = 30000, .per = 1001, .gop = 60}));
  EXPECT_THAT(rounded.starts(), Pointwise(DoubleNear(0.001), {0.0, 2.002, 4.004}));
}

TEST(Boundaries, ThePromiseKnowsLongGroupsOfPictures) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.play(Source().pictures(0s, 25s, {.rate = 25, .gop = 250}));
  EXPECT_EQ(b.boundaries.target_duration(), 0s);
  b.boundaries.promise();
  EXPECT_EQ(b.boundaries.target_duration(), 10s);
  b.boundaries.promise();
  EXPECT_EQ(b.boundaries.target_duration(), 10s);
  EXPECT_THAT(b.starts(), ElementsAre(0, 10, 20));
  Bench odd;
  odd.info(info_of({h264_track()}));
  odd.play(Source().pictures(0s, 8s, {.rate = 25, .gop = 62}));  // 2.48 s must not be cut at 2.4
  odd.boundaries.promise();
  EXPECT_EQ(odd.boundaries.target_duration(), 3s);
}

TEST(Boundaries, AnEarlyPromiseHolds) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.boundaries.promise();
  EXPECT_EQ(b.boundaries.target_duration(), 2s);
  b.play(Source().pictures(0s, 20s, {.rate = 25, .gop = 250}));
  EXPECT_THAT(b.starts(), ElementsAre(0, 2.4, 4.8, 7.2, 9.6, 10, 12.4, 14.8, 17.2, 19.6));
  // Each group of pictures begins a segment, so that players can begin.
  EXPECT_THAT(b.independent(),
              ElementsAre(true, false, false, false, false, true, false, false, false, false));
}

TEST(Boundaries, APromiseInTheMiddleOfALongGroupLeavesRoom) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.play(Source().pictures(0s, 4120ms, {.rate = 25, .gop = 250}));
  b.boundaries.promise();
  EXPECT_EQ(b.boundaries.target_duration(), 9s);  // twice 4.12 s, rounded up
  Bench usual;
  usual.info(info_of({h264_track()}));
  usual.play(Source().pictures(0s, 2s, {.rate = 25, .gop = 50}));
  usual.boundaries.promise();
  EXPECT_EQ(usual.boundaries.target_duration(), 2s);
}

TEST(Boundaries, KeyframesThatDoNotFitThePromiseShortenSegments) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.boundaries.promise();
  b.play(Source().pictures(0s, 8s, {.rate = 25, .gop = 33}));  // two groups: 2.64 s
  EXPECT_THAT(b.starts(), Pointwise(DoubleNear(0.001), {0.0, 1.32, 2.64, 3.96, 5.28, 6.6, 7.92}));
  EXPECT_THAT(b.independent(), Each(true));
}

TEST(Boundaries, CutsAtTheLongestWhenNoKeyframeEverComes) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.play(Source().pictures(0s, 30s, {.rate = 25, .gop = 10000}));
  EXPECT_THAT(b.starts(), ElementsAre(0, 20));
  b.boundaries.promise();
  EXPECT_EQ(b.boundaries.target_duration(), 20s);
}

TEST(Boundaries, NothingBeginsBeforeTheFirstKeyframe) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.play(Source().add(frame(kVideo, 0s, 0s, false)).pictures(40ms, 1s, {.rate = 25}));
  EXPECT_THAT(b.starts(), ElementsAre(0.04));
}

TEST(Boundaries, SoundAheadOfTheFirstPictureBeginsItsSegment) {
  Bench b;
  b.info(info_of({h264_track(), aac_track()}));
  b.play(Source().sound(0s, 3s).pictures(300ms, 3s, {.rate = 25, .gop = 50}));
  EXPECT_THAT(b.starts(), ElementsAre(0, 2.3));
}

TEST(Boundaries, SoundAloneIsCutAtTheDuration) {
  Bench b;
  b.info(info_of({aac_track()}));
  b.play(Source().sound(1s, 8s));
  EXPECT_THAT(b.starts(), Pointwise(DoubleNear(0.03), {1.0, 3.0, 5.0, 7.0}));
  EXPECT_THAT(b.independent(), Each(true));
  b.boundaries.promise();
  EXPECT_EQ(b.boundaries.target_duration(), 2s);
}

TEST(Boundaries, ACameraThatIsOffDoesNotStopSound) {
  Bench never;
  never.info(info_of({h264_track(), aac_track()}));
  never.play(Source().sound(0s, 5s));
  EXPECT_THAT(never.starts(), Pointwise(DoubleNear(0.04), {0.0, 2.0, 4.0}));
  EXPECT_THAT(never.independent(), Each(true));

  Bench later;
  later.info(info_of({h264_track(), aac_track()}));
  later.boundaries.promise();
  later.play(Source()
                 .sound(0s, 9s)
                 .pictures(0s, 2500ms, {.rate = 25, .gop = 50})
                 .pictures(7s, 9s, {.rate = 25, .gop = 50}));
  // The segment of the last pictures ends as promised; the camera's return begins one.
  EXPECT_THAT(later.starts(), Pointwise(DoubleNear(0.03), {0.0, 2.0, 4.4, 6.4, 7.0}));
  EXPECT_FALSE(later.cuts[4].discontinuity);  // nothing is missing from the timeline
  EXPECT_TRUE(later.cuts[4].independent);
  EXPECT_FALSE(later.cuts[2].independent);
}

TEST(Boundaries, SoundThatIsAheadDoesNotCutForThePicture) {
  Bench b;
  b.info(info_of({h264_track(), aac_track()}));
  b.boundaries.promise();
  b.play(Source().sound(0s, 8s, 300ms).pictures(0s, 8s, {.rate = 25, .gop = 59}));  // 2.36 s
  EXPECT_THAT(b.starts(), Pointwise(DoubleNear(0.001), {0.0, 2.36, 4.72, 7.08}));
}

TEST(Boundaries, AnotherPublisherIsADiscontinuity) {
  Boundaries b({});
  EXPECT_FALSE(b.info(info_of({h264_track()})));
  EXPECT_FALSE(b.packet(*frame(kVideo, 0s, 0s, true))->discontinuity);
  EXPECT_TRUE(b.info(info_of({h264_track()}, 2)));
  EXPECT_FALSE(b.packet(*frame(kVideo, 40ms, 40ms, false)));
  const auto cut = b.packet(*frame(kVideo, 80ms, 80ms, true));
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->discontinuity);
  EXPECT_EQ(cut->ordinal, 1u);
  EXPECT_FALSE(b.packet(*frame(kVideo, 120ms, 120ms, true)));
}

TEST(Boundaries, AHoleInTheTimelineIsADiscontinuity) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.play(Source()
             .pictures(0s, 3s, {.rate = 25, .gop = 50})
             .pictures(4100ms, 7s, {.rate = 25, .gop = 50})
             .pictures(7600ms, 8s, {.rate = 25, .gop = 50}));
  EXPECT_THAT(b.starts(), ElementsAre(0, 2, 4.1, 6.1));
  EXPECT_FALSE(b.cuts[1].discontinuity);
  EXPECT_TRUE(b.cuts[2].discontinuity);
  EXPECT_FALSE(b.cuts[3].discontinuity);
}

TEST(Boundaries, APictureThatStandsStillIsNoHole) {
  Bench b;
  b.info(info_of({h264_track()}));
  Source s;
  s.pictures(0s, 1s, {.rate = 25, .gop = 50});
  for (Time t = 3s; t < 6s; t += 40ms) s.add(frame(kVideo, t, t, t == 5s));
  b.play(s);
  EXPECT_THAT(b.starts(), ElementsAre(0, 5));
  Bench slow;  // a slide each two seconds
  slow.info(info_of({h264_track()}));
  Source slides;
  for (Time t{}; t < 9s; t += 2s) slides.add(frame(kVideo, t, t, true));
  slow.play(slides);
  EXPECT_THAT(slow.starts(), ElementsAre(0, 2, 4, 6, 8));
  for (const auto& c : slow.cuts) EXPECT_FALSE(c.discontinuity);
}

TEST(Boundaries, BytesAreBounded) {
  Bench b({.max_bytes = 100'000});
  b.info(info_of({h264_track()}));
  Source s;
  for (int i = 0; i < 100; ++i) s.add(frame(kVideo, i * 40ms, i * 40ms, i == 0, 20'000));
  b.play(s);
  EXPECT_GT(b.cuts.size(), 15u);
}

// 2 MB of another track while the picture's clock and its own stand still, or the picture is gone.
TEST(Boundaries, BytesAreBoundedWhateverTrackTheyCameIn) {
  for (const TrackId track : {kAudio, kCamera})
    for (const Time at : {Time{0ms}, Time{300ms}, Time{1500ms}}) {
      Bench b({.max_bytes = 100'000});
      b.info(info_of({h264_track(), aac_track(), second_camera()}));
      b.boundaries.packet(*frame(kVideo, 100ms, 100ms, true));
      size_t since = 0, cuts = 0;
      Time start{};
      for (int i = 0; i < 100; ++i) {
        const auto cut = b.boundaries.packet(*frame(track, at, at, false, 20'000));
        since = cut ? 0 : since + 20'000;
        ASSERT_LE(since, 100'000u);
        if (!cut) continue;
        ++cuts;
        EXPECT_GE(cut->start, start);  // never back, nor ahead of what is to follow it
        EXPECT_LE(cut->start, std::max(at, Time{100ms}));
        start = cut->start;
      }
      EXPECT_GT(cuts, 15u);
    }
}

TEST(Boundaries, ASecondCameraGoesOnWithoutTheFirst) {
  Bench b;
  b.info(info_of({h264_track(), second_camera()}));
  b.boundaries.promise();
  b.play(Source()
             .pictures(0s, 3s, {.rate = 25, .gop = 50})
             .pictures(0s, 12s, {.rate = 25, .gop = 50}, kCamera)
             .pictures(10200ms, 12s, {.rate = 25, .gop = 50}));
  EXPECT_THAT(b.starts(), ElementsAre(0, 2, 4, 6, 8, 10, 10.2));
  Bench rare;  // without a keyframe in time
  rare.info(info_of({h264_track(), second_camera()}));
  rare.boundaries.promise();
  rare.play(Source()
                .pictures(0s, 1s, {.rate = 25, .gop = 50})
                .pictures(0s, 6s, {.rate = 25, .gop = 5000}, kCamera));
  EXPECT_THAT(rare.starts(), Pointwise(DoubleNear(0.05), {0.0, 2.4, 4.8}));
}

TEST(Boundaries, DataTracksAndStrangersAreNothing) {
  Boundaries b({});
  EXPECT_FALSE(b.packet(*frame(kVideo, 0s, 0s, true)));
  b.info(info_of({{TrackId{9}, Codec::script, {}, DataParams{}, {}}, h264_track()}));
  EXPECT_FALSE(b.packet(*frame(TrackId{9}, 0s, 0s, true)));
  EXPECT_FALSE(b.packet(*frame(TrackId{5}, 0s, 0s, true)));
  EXPECT_TRUE(b.packet(*frame(kVideo, 0s, 0s, true)));
}

TEST(Boundaries, WhatIsTheSameMedia) {
  const auto base = info_of({h264_track(), aac_track()});
  auto with = [&](auto change) {
    StreamInfo i = *base;
    change(i.tracks);
    return same_media(*base, i);
  };
  using Tracks = std::vector<Track>;
  EXPECT_TRUE(with([](Tracks& t) { t[1].language = "de"; }));
  EXPECT_TRUE(with([](Tracks& t) { t[0].params = VideoParams{320, 180, 50}; }));
  EXPECT_TRUE(with([](Tracks& t) { t[0].params = VideoParams{}; }));
  EXPECT_TRUE(with([](Tracks& t) {
    t.push_back({TrackId{9}, Codec::script, from_hex("00"), DataParams{}, {}});
  }));
  EXPECT_FALSE(with([](Tracks& t) { t[0].params = VideoParams{640, 360, 25}; }));
  EXPECT_FALSE(with([](Tracks& t) { t[0].config = from_hex("0164001f"); }));
  EXPECT_FALSE(with([](Tracks& t) { t[1].params = AudioParams{44100, 2}; }));
  EXPECT_FALSE(with([](Tracks& t) { t.pop_back(); }));
  EXPECT_FALSE(with([](Tracks& t) { t[1].codec = Codec::opus; }));
}

TEST(PictureClock, KeyframesAreAtTheirPresentationTimeAndNothingGoesBack) {
  PictureClock c;
  EXPECT_EQ(c.take(*frame(kVideo, 0ms, 80ms, true)), 80ms);
  EXPECT_EQ(c.take(*frame(kVideo, 40ms, 200ms, false)), 120ms);
  EXPECT_EQ(c.take(*frame(kVideo, 80ms, 120ms, false)), 160ms);
  EXPECT_EQ(c.take(*frame(kVideo, 120ms, 140ms, true)), 160ms);  // less delayed than before
  EXPECT_EQ(c.take(*frame(kVideo, 160ms, 180ms, false)), 180ms);
}

TEST(FrameRate, SeesThroughRoundedClocks) {
  FrameRate r;
  EXPECT_FALSE(r.known());
  for (int i = 0; i < 2000; ++i) r.add(to_ms(from_ticks(i + 1, 30)) - to_ms(from_ticks(i, 30)));
  EXPECT_FALSE(r.even());
  EXPECT_NEAR(static_cast<double>(r.mean().count()), 1e9 / 30, 2e4);
  EXPECT_TRUE(r.confirms(30));
  EXPECT_TRUE(r.confirms(29.97));
  EXPECT_FALSE(r.confirms(25));
  EXPECT_FALSE(r.confirms(0));
  EXPECT_EQ(r.nominal(25), r.mean());
  EXPECT_EQ(r.nominal(30), 33'333'333ns);
  r.add(500ms);
  EXPECT_EQ(r.mean(), 500ms);
  EXPECT_TRUE(r.even());
}

}  // namespace
}  // namespace weir::segments
