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

}  // namespace
}  // namespace weir
