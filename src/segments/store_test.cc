// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::segments {
namespace {

using testing::ElementsAre;

MadeSegment made(Time duration, size_t bytes = 1000, bool discontinuity = false) {
  MadeSegment m;
  m.data = Bytes::take(std::vector<uint8_t>(bytes, 0x47));
  m.duration = duration;
  m.discontinuity = discontinuity;
  m.pictures = static_cast<uint64_t>(duration / 40ms);
  return m;
}

std::vector<uint64_t> numbers(const std::vector<SegmentPtr>& segments) {
  std::vector<uint64_t> n;
  for (const auto& s : segments) n.push_back(s->number);
  return n;
}

TEST(Numbering, GrowsOverRestarts) {
  const WallTime start{std::chrono::seconds{1'795'000'000}};
  // A day of segments that are a little shorter than their target, then a restart at once.
  const uint64_t first = first_number(start, 2s);
  const uint64_t after_a_day = first + 86'400 * 10 / 19;
  EXPECT_GT(first_number(start + std::chrono::hours{24}, 2s), after_a_day);
  EXPECT_LT(first, 1u << 31);
  EXPECT_EQ(first_number(WallTime{0s}, 2s), 0u);  // a machine without the time of day
  EXPECT_GT(first_number(start, Time{0}), 0u);    // never a division by zero
  EXPECT_GT(first_discontinuity(start + 60s), first_discontinuity(start));
  EXPECT_NE(name_token(start), name_token(start + 1ms));
  EXPECT_EQ(name_token(WallTime{0s}), "0");
}

TEST(SegmentStore, ListsTheWindowAndLetsOlderOnesLinger) {
  SegmentStore store({.window = 12s, .first_number = 100, .token = "t"});
  for (int i = 0; i < 6; ++i) store.add(made(2s), 2s);
  EXPECT_THAT(numbers(store.window()->listed), ElementsAre(100, 101, 102, 103, 104, 105));
  EXPECT_TRUE(store.window()->lingering.empty());
  store.add(made(2s), 2s);
  EXPECT_THAT(numbers(store.window()->listed), ElementsAre(101, 102, 103, 104, 105, 106));
  EXPECT_THAT(numbers(store.window()->lingering), ElementsAre(100));
  EXPECT_TRUE(store.take_expired().empty());
  for (int i = 0; i < 20; ++i) store.add(made(2s), 2s);
  // Listed for 12 s, then there for that long again and its own 2 s.
  EXPECT_EQ(store.window()->listed.size(), 6u);
  EXPECT_EQ(store.window()->lingering.size(), 7u);
  EXPECT_EQ(store.take_expired().size(), 27u - 13u);
  EXPECT_TRUE(store.take_expired().empty());
  EXPECT_EQ(store.bytes(), 13'000u);
}

TEST(SegmentStore, NeverListsLessThanThreeTargetDurations) {
  SegmentStore store({.window = 12s});
  for (int i = 0; i < 10; ++i) store.add(made(8s), 8s);
  EXPECT_EQ(store.window()->listed.size(), 3u);
}

TEST(SegmentStore, SnapshotsDoNotChange) {
  SegmentStore store({.window = 6s});
  store.add(made(2s), 2s);
  const WindowPtr before = store.window();
  for (int i = 0; i < 20; ++i) store.add(made(2s), 2s);
  EXPECT_EQ(before->listed.size(), 1u);
  EXPECT_EQ(before->listed[0]->data.size(), 1000u);
  EXPECT_NE(before, store.window());
  EXPECT_EQ(store.window(), store.window());
}

TEST(SegmentStore, FindsByTheWholeName) {
  SegmentStore store({.window = 6s, .first_number = 7, .token = "k3"});
  for (int i = 0; i < 5; ++i) store.add(made(2s), 2s);
  const auto& w = *store.window();
  ASSERT_TRUE(w.find("k3-11.ts"));
  EXPECT_EQ(w.find("k3-11.ts")->number, 11u);
  ASSERT_TRUE(w.find("k3-8.ts"));  // lingers
  EXPECT_EQ(w.find("k3-8.ts")->number, 8u);
  for (const char* name :
       {"", "11.ts", "k3-11", "k4-11.ts", "k3-12.ts", "k3-011.ts", "../k3-11.ts"})
    EXPECT_FALSE(w.find(name)) << name;
}

TEST(SegmentStore, CountsDiscontinuitiesThatLeft) {
  SegmentStore store({.window = 6s, .first_discontinuity = 40});
  store.add(made(2s), 2s);
  store.add(made(2s, 1000, true), 2s);
  store.add(made(2s), 2s);
  EXPECT_EQ(store.window()->discontinuity_sequence, 40u);
  store.add(made(2s), 2s);  // the one with the mark is now first: its tag is still there
  EXPECT_EQ(store.window()->discontinuity_sequence, 40u);
  store.add(made(2s), 2s);
  EXPECT_EQ(store.window()->discontinuity_sequence, 41u);
}

TEST(SegmentStore, BytesAndCountAreBounded) {
  SegmentStore store({.window = 60s, .max_bytes = 10'000});
  for (int i = 0; i < 30; ++i) store.add(made(2s), 2s);
  EXPECT_EQ(store.bytes(), 10'000u);
  EXPECT_EQ(store.window()->listed.size(), 10u);
  store.add(made(2s, 50'000), 2s);  // the newest is always kept
  EXPECT_EQ(store.window()->listed.size(), 1u);
  EXPECT_EQ(store.take_expired().size(), 30u);

  SegmentStore few({.window = 3600s, .max_segments = 5});
  for (int i = 0; i < 30; ++i) few.add(made(100ms), 1s);
  EXPECT_EQ(few.window()->listed.size(), 5u);
}

TEST(SegmentStore, MeasuresThePeakAsHlsDefinesIt) {
  SegmentStore store({.window = 6s});
  store.add(made(2s, 250'000), 2s);
  EXPECT_EQ(store.window()->peak_rate, 1'000'000u);
  store.add(made(2s, 500'000), 2s);
  EXPECT_EQ(store.window()->peak_rate, 2'000'000u);
  // Too short to count alone, but it does with what came before: (500 + 100) kB in 2.5 s, which is
  // less.
  store.add(made(500ms, 100'000), 2s);
  EXPECT_EQ(store.window()->peak_rate, 2'000'000u);
  store.add(made(500ms, 200'000),
            2s);  // two short ones together are half of the target: 300 kB in 1 s
  EXPECT_EQ(store.window()->peak_rate, 2'400'000u);
  EXPECT_EQ(store.window()->average_rate, bit_rate(1'050'000, 5s));
  for (int i = 0; i < 20; ++i) store.add(made(2s, 1000), 2s);
  EXPECT_EQ(store.window()->peak_rate, 2'400'000u);  // what once was promised is not taken back
  EXPECT_EQ(store.window()->average_rate, 4000u);
}

TEST(SegmentStore, MeasuresThePictureRateAndEnds) {
  SegmentStore store({.window = 6s});
  EXPECT_EQ(store.window()->picture_rate, 0);
  store.add(made(2s), 2s);
  EXPECT_NEAR(store.window()->picture_rate, 25, 0.01);
  EXPECT_FALSE(store.window()->ended);
  store.end();
  EXPECT_TRUE(store.window()->ended);
  EXPECT_EQ(store.window()->listed.size(), 1u);
}

TEST(BitRate, RoundsUpAndSurvivesExtremes) {
  EXPECT_EQ(bit_rate(1, 1s), 8u);
  EXPECT_EQ(bit_rate(1, 3s), 3u);
  EXPECT_EQ(bit_rate(1, 0s), 0u);
  EXPECT_EQ(bit_rate(UINT64_MAX / 8, std::chrono::hours{24}), UINT64_MAX / 86400 + 1);
}

}  // namespace
}  // namespace weir::segments
