// Weir live-streaming server. MIT licence, see LICENSE.
#include "media/timeline.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

Packet at(Time dts, Time pts, uint8_t track = 0) {
  Packet p;
  p.track = TrackId{track};
  p.dts = dts;
  p.pts = pts;
  return p;
}

Time placed(Timeline& t, Time dts, uint8_t track = 0) {
  auto p = at(dts, dts, track);
  t.place(p);
  return p.dts;
}

TEST(Timeline, StartsNearZeroFromAnywhere) {
  Timeline t;
  EXPECT_EQ(placed(t, 4'000'000s), 0s);
  EXPECT_EQ(placed(t, 4'000'000s + 40ms), 40ms);
  EXPECT_EQ(placed(t, 4'000'000s + 21ms, 1), 21ms);
  EXPECT_EQ(t.counts().jumps, 0u);
}

TEST(Timeline, ANearStartIsKeptSoThatAnEarlierTrackFits) {
  Timeline t;
  EXPECT_EQ(placed(t, 23ms), 23ms);
  EXPECT_EQ(placed(t, 0ms, 1), 0ms);
}

TEST(Timeline, ClosesUpJumpsBothWays) {
  Timeline t;
  placed(t, 0s);
  placed(t, 40ms);
  EXPECT_EQ(placed(t, 10s + 40ms), 80ms);
  EXPECT_EQ(placed(t, 10s + 80ms), 120ms);
  EXPECT_EQ(placed(t, 0s), 160ms);
  EXPECT_EQ(t.counts().jumps, 2u);
}

TEST(Timeline, AudioFollowsAJumpOfVideo) {
  Timeline t;
  placed(t, 0s, 0);
  placed(t, 10ms, 1);
  placed(t, 40ms, 0);
  EXPECT_EQ(placed(t, 60s, 0), 80ms);
  EXPECT_EQ(placed(t, 60s + 5ms, 1), 85ms);
  EXPECT_EQ(t.counts().jumps, 1u);
}

// Audio that was sent after video had leapt, but is from before: neither leaps again nor adds time.
TEST(Timeline, TracksCrossAJumpOneAfterTheOther) {
  for (const Time leap : {Time{60s}, Time{-60s}, Time{3100ms}, Time{-3100ms}}) {
    Timeline t;
    for (int ms = 0; ms <= 400; ms += 20) {
      placed(t, 100s + ms * 1ms, 0);
      placed(t, 100s + ms * 1ms, 1);
    }
    Time video = 100s + 420ms + leap;
    EXPECT_EQ(placed(t, video, 0), 420ms);
    for (int ms = 420; ms <= 500; ms += 20) {
      EXPECT_EQ(placed(t, 100s + ms * 1ms, 1), ms * 1ms);
      EXPECT_EQ(placed(t, video += 20ms, 0), (ms + 20) * 1ms);
    }
    EXPECT_EQ(placed(t, video, 1), 520ms);  // audio is in step again, to the tick
    EXPECT_EQ(t.counts().jumps, 1u);
    EXPECT_EQ(t.counts().reordered, 0u);
  }
}

// The leap of one track is just beyond the limit, the other's just within.
TEST(Timeline, ALeapAtTheLimitKeepsTracksTogether) {
  Timeline t;
  placed(t, 0ms, 0);
  placed(t, 30ms, 1);
  placed(t, 40ms, 0);
  EXPECT_EQ(placed(t, 3050ms, 0), 80ms);
  EXPECT_EQ(placed(t, 3025ms, 1), 55ms);
  EXPECT_EQ(t.counts().jumps, 1u);
}

TEST(Timeline, TracksOnClocksOfTheirOwnDoNotChaseEachOther) {
  Timeline t;
  for (int ms = 0; ms <= 1000; ms += 20) {
    EXPECT_EQ(placed(t, ms * 1ms, 0), ms * 1ms);
    EXPECT_EQ(placed(t, 5000s + ms * 1ms, 1), ms * 1ms + 1ms);
  }
  EXPECT_EQ(t.counts().jumps, 1u);
}

// 32-bit milliseconds that leap half their range each time, unwrapped beyond 64 bits of
// nanoseconds.
TEST(Timeline, HostileClocksStayWithinBounds) {
  Timeline t;
  std::array<Time, 2> last{};
  int64_t ms = 0;
  for (int i = 0; i < 20'000; ++i) {
    ms += i % 3 == 2 ? -((int64_t{1} << 31) - 1) : (int64_t{1} << 31) - 1;
    auto p = at(from_ticks(ms, 1000), from_ticks(ms + (1 << 23), 1000), i % 2);
    t.place(p);
    ASSERT_GE(p.dts, last[i % 2]);
    ASSERT_LE(p.dts - last[i % 2], 10ms);
    last[i % 2] = p.dts;
  }
  auto far = at(Time::max(), Time::min());
  t.place(far);
  far = at(Time::min(), Time::max());
  t.place(far);
  EXPECT_LE(far.dts - last[0], 10ms);
}

TEST(Timeline, NeverGoesBackWithinATrack) {
  Timeline t;
  placed(t, 0s);
  placed(t, 100ms);
  EXPECT_EQ(placed(t, 60ms), 100ms);
  EXPECT_EQ(placed(t, 140ms), 140ms);
  EXPECT_EQ(t.counts().reordered, 1u);
}

TEST(Timeline, KeepsCompositionOffsets) {
  Timeline t;
  auto p = at(5s, 5s + 80ms);
  t.place(p);
  EXPECT_EQ(p.dts, 0s);
  EXPECT_EQ(p.pts, 80ms);
  auto early = at(5s + 40ms, 5s);
  t.place(early);
  EXPECT_EQ(early.pts, early.dts);
  EXPECT_EQ(t.counts().early_pts, 1u);
}

// RTMP's 24 bits of composition time reach 8388 s: whoever waits for such a picture waits for ever.
TEST(Timeline, CompositionOffsetsAreBounded) {
  Timeline t;
  const auto delay = [&](Time dts, Time pts) {
    auto p = at(dts, pts);
    t.place(p);
    return p.pts - p.dts;
  };
  EXPECT_EQ(delay(0s, 10s), 10s);
  EXPECT_EQ(t.counts().far_pts, 0u);
  EXPECT_EQ(delay(40ms, 8388s), 10s);
  EXPECT_EQ(delay(80ms, 80ms), 0s);
  EXPECT_EQ(t.counts().far_pts, 1u);
  EXPECT_EQ(delay(0s, Time::max()), 10s);
  EXPECT_EQ(t.counts().far_pts, 2u);
  EXPECT_EQ(t.counts().early_pts, 0u);
}

}  // namespace
}  // namespace weir
