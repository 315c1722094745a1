// Weir live-streaming server. MIT licence, see LICENSE.

// What the store keeps: by time, count and bytes, in memory and on disk; and what it measures.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "segments/store_fixture.h"

namespace weir::segments {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(StoreLimits, ListsTheRewindAndLetsOlderOnesLinger) {
  Feed f({.rewind = 12s, .first_number = 100});
  f.run({"v1", "a1"}, 0, 6);
  for (const char* lane : {"v1", "a1"})
    EXPECT_THAT(listed(f.window(lane)), ElementsAre(100, 101, 102, 103, 104, 105));
  f.run({"v1", "a1"}, 6, 7);
  EXPECT_THAT(listed(f.window("v1")), ElementsAre(101, 102, 103, 104, 105, 106));
  EXPECT_EQ(oldest(f.window("v1")), 100u);
  EXPECT_THAT(f.store.take_expired(), IsEmpty());
  f.run({"v1", "a1"}, 7, 27);
  for (const char* lane : {"v1", "a1"}) {
    const auto w = f.window(lane);
    EXPECT_THAT(listed(w), ElementsAre(121, 122, 123, 124, 125, 126));
    EXPECT_EQ(oldest(w), 115u);  // there for 12 s more
    EXPECT_TRUE(without_holes(w));
  }
  EXPECT_EQ(f.store.take_expired().size(), 30u);
  EXPECT_THAT(f.store.take_expired(), IsEmpty());
  EXPECT_EQ(f.store.bytes(), 24'000u);
}

TEST(StoreLimits, NeverListsLessThanThreeTargetDurations) {
  Feed f({.rewind = 0s}, 8s);
  f.run({"v1"}, 0, 3);
  EXPECT_THAT(listed(f.window("v1")), ElementsAre(2));  // nothing is promised yet
  Feed g({.rewind = 4s}, 8s);
  g.store.set_target_duration(8s);
  g.run({"v1"}, 0, 20);
  EXPECT_THAT(listed(g.window("v1")), ElementsAre(17, 18, 19));
  EXPECT_EQ(oldest(g.window("v1")), 14u);  // three targets linger
  EXPECT_EQ(g.window("v1")->target_duration, 8s);
}

TEST(StoreLimits, LanesAreTrimmedTogether) {
  Feed f({.rewind = 20s});
  for (uint64_t i = 0; i < 100; ++i) {
    f.segment("v1", i);
    // Sound segments differ by some frames in length.
    f.store.open("a1", {i, f.at(i)}, f.at(i) + 7ms * (i % 3));
    f.store.part("a1", {Bytes::copy("x"), f.at(i) + 7ms * (i % 3), 1s, true, 50});
    f.store.close("a1", f.at(i + 1) + 7ms * ((i + 1) % 3));
    const auto v = f.window("v1"), a = f.window("a1");
    ASSERT_EQ(oldest(v), oldest(a));
    ASSERT_EQ(listed(v), listed(a));
  }
  EXPECT_LE(listed(f.window("v1")).size(), 11u);
}

TEST(StoreLimits, FiveThousandSegments) {
  Feed f({.rewind = std::chrono::hours{10}, .max_segments = 5000, .first_number = 7});
  f.run({"v1", "a1", "ts"}, 0, 6000, 10);
  for (const char* lane : {"v1", "a1", "ts"}) {
    const auto w = f.window(lane);
    EXPECT_EQ(w->segments->size(), 5000u);
    EXPECT_EQ(w->first_listed, 0u);
    EXPECT_EQ(oldest(w), 1007u);
    EXPECT_EQ(newest(w), 6006u);
    EXPECT_EQ((*w->find(3000))->number, 3000u);
    EXPECT_EQ(w->first_number, 7u);
  }
  EXPECT_EQ(f.store.bytes(), 150'000u);
  EXPECT_EQ(f.store.take_expired().size(), 3000u);
}

TEST(StoreLimits, PartsGoWhenTheyAreOld) {
  Feed f({});
  f.run({"v1"}, 0, 20);
  const auto kept = [&] {
    size_t n = 0;
    for (const auto& s : *f.window("v1")->segments) n += !s->parts.empty();
    return n;
  };
  EXPECT_EQ(kept(), 5u);  // those that end up to 8 s ago
  f.store.set_target_duration(4s);
  f.run({"v1"}, 20, 40);
  EXPECT_EQ(kept(), 9u);
  for (const auto& s : *f.window("v1")->segments) EXPECT_EQ(s->content->size(), 1000u);
}

TEST(StoreLimits, BytesAreBounded) {
  Feed f({.rewind = 60s, .max_bytes = 20'000});
  f.run({"v1", "a1"}, 0, 30);
  EXPECT_EQ(f.store.bytes(), 20'000u);
  EXPECT_EQ(listed(f.window("v1")), listed(f.window("a1")));
  EXPECT_EQ(listed(f.window("v1")).size(), 10u);
  f.run({"v1"}, 30, 31, 50'000);  // the newest is always kept
  EXPECT_THAT(listed(f.window("v1")), ElementsAre(30));
  EXPECT_THAT(listed(f.window("a1")), ElementsAre(29));
  EXPECT_EQ(f.store.take_expired().size(), 59u);

  Feed g({.max_bytes = 3000});  // what is open counts, and stays
  g.run({"v1"}, 0, 3);
  g.open("v1", 3);
  for (size_t i = 0; i < 20; ++i) g.part("v1", 3, i);
  EXPECT_THAT(listed(g.window("v1")), ElementsAre(2));
  EXPECT_EQ(g.window("v1")->open->parts.size(), 20u);
  EXPECT_EQ(g.store.bytes(), 11'000u);
}

TEST(StoreLimits, OlderOnesGoToDiskOnce) {
  Feed f({.memory = 12s, .rewind = 60s, .disk = true, .token = "k"});
  f.run({"v1", "a1"}, 0, 6);
  EXPECT_THAT(f.store.take_spills(), IsEmpty());
  f.run({"v1", "a1"}, 6, 7);
  const auto spills = f.store.take_spills();
  ASSERT_EQ(spills.size(), 2u);
  EXPECT_EQ(spills[0].segment->number, 0u);
  EXPECT_EQ(spills[1].segment->number, 0u);
  EXPECT_NE(spills[0].lane, spills[1].lane);
  EXPECT_THAT(f.store.take_spills(), IsEmpty());
  EXPECT_EQ(f.store.bytes(), 14'000u);  // until the answer comes

  f.store.spilled("v1", 0, "/rewind/k-v1-0-0.m4s");
  EXPECT_EQ(f.store.bytes(), 13'000u);
  const SegmentPtr s = *f.window("v1")->find(0);
  EXPECT_EQ(s->file, "/rewind/k-v1-0-0.m4s");
  EXPECT_EQ(s->content, nullptr);
  EXPECT_EQ(s->size, 1000u);
  EXPECT_FALSE(s->gap);
  EXPECT_THAT(s->parts, IsEmpty());

  f.store.lost("a1", 0);
  EXPECT_EQ(f.store.bytes(), 12'000u);
  EXPECT_THAT(gaps(f.window("a1")), ElementsAre(0));
  EXPECT_THAT(f.store.take_expired(), IsEmpty());
}

TEST(StoreLimits, FilesAreGivenBackWhenTheyExpire) {
  Feed f({.memory = 12s, .rewind = 60s, .disk = true});
  for (uint64_t i = 0; i < 100; ++i) {
    f.run({"v1", "a1"}, i, i + 1);
    f.to_disk();
    ASSERT_LE(f.store.bytes(), 2 * 6 * 1000u);
  }
  EXPECT_EQ(f.window("v1")->segments->size(), 36u);
  EXPECT_EQ(f.window("v1")->average_rate, 4000u);  // what is on disk counts
  const auto expired = f.store.take_expired();
  EXPECT_EQ(expired.size(), 128u);
  for (const auto& e : expired) EXPECT_EQ(e.segment->file, "/rewind/" + e.segment->name);
}

TEST(StoreLimits, AnAnswerThatComesTooLateLeavesAFile) {
  Feed f({.memory = 12s, .rewind = 20s, .disk = true});
  f.run({"v1"}, 0, 40);
  EXPECT_FALSE(f.store.take_spills().empty());
  EXPECT_FALSE(f.store.take_expired().empty());
  f.store.spilled("v1", 0, "/rewind/0");
  f.store.spilled("v7", 0, "/rewind/7");
  f.store.lost("v1", 1);
  f.store.lost("v7", 1);
  const auto expired = f.store.take_expired();
  ASSERT_EQ(expired.size(), 2u);
  EXPECT_EQ(expired[0].segment->file, "/rewind/0");
  EXPECT_EQ(expired[0].lane, "v1");
  EXPECT_EQ(expired[1].segment->file, "/rewind/7");
}

TEST(StoreLimits, AFileThatIsLostBecomesAGap) {
  Feed f({.memory = 12s, .rewind = 60s, .disk = true});
  f.run({"v1"}, 0, 10);
  f.to_disk();
  f.store.lost("v1", 1);
  EXPECT_THAT(gaps(f.window("v1")), ElementsAre(1));
  EXPECT_EQ((*f.window("v1")->find(1))->file, "");
  EXPECT_EQ(f.store.take_expired().size(), 1u);  // with what may be left of the file
}

TEST(StoreLimits, TheTsLaneStaysInMemory) {
  Feed f({.memory = 14s, .rewind = 60s, .disk = true, .first_discontinuity = 5});
  for (uint64_t i = 0; i < 40; ++i) {
    f.segment("v1", i, 1000, i == 20);
    f.ts(i, 1000, i == 20);
    for (const auto& s : f.store.take_spills()) {
      EXPECT_EQ(s.lane, "v1");
      f.store.spilled(s.lane, s.segment->number, "/x");
    }
  }
  EXPECT_EQ(listed(f.window("v1")).size(), 30u);
  EXPECT_EQ(f.window("v1")->discontinuity_sequence, 5u);
  EXPECT_EQ(listed(f.window("ts")).size(), 7u);
  EXPECT_EQ(f.window("ts")->segments->size(), 13u);
  EXPECT_EQ(f.window("ts")->discontinuity_sequence, 6u);
  for (const auto& s : *f.window("ts")->segments) EXPECT_TRUE(s->content);

  Feed g({.rewind = 60s});  // without a disk it is like the others
  g.run({"v1", "ts"}, 0, 40);
  EXPECT_EQ(listed(g.window("ts")), listed(g.window("v1")));
}

TEST(StoreLimits, LittleMemoryIsSpilledEarly) {
  Feed f({.memory = 60s, .rewind = 120s, .disk = true, .max_bytes = 10'000});
  for (uint64_t i = 0; i < 50; ++i) {
    f.run({"v1"}, i, i + 1);
    f.to_disk();
    ASSERT_LE(f.store.bytes(), 6000u);
  }
  EXPECT_THAT(gaps(f.window("v1")), IsEmpty());
  EXPECT_EQ(f.window("v1")->segments->size(), 50u);
}

TEST(StoreLimits, ADiskThatStallsCostsTheOldestInMemoryOnly) {
  Feed f({.memory = 12s, .rewind = 600s, .disk = true, .max_bytes = 20'000});
  for (uint64_t i = 0; i < 20; ++i) {
    f.run({"v1", "a1"}, i, i + 1);
    f.to_disk();
  }
  const uint64_t pending_from = 15;
  f.run({"v1", "a1"}, 20, 40);  // no answers any more
  EXPECT_LE(f.store.bytes(), 20'000u);
  const auto w = f.window("v1");
  EXPECT_EQ(oldest(w), 0u);
  EXPECT_TRUE(without_holes(w));
  EXPECT_EQ((*w->find(pending_from - 1))->file, "/rewind/-v1-0-14.m4s");
  EXPECT_EQ(gaps(w).front(), pending_from);
  EXPECT_EQ(gaps(w).back(), 29u);
  EXPECT_EQ(gaps(w), gaps(f.window("a1")));

  Feed g({.memory = 12s, .rewind = 600s, .disk = true, .max_bytes = 20'000});
  g.run({"v1", "a1"}, 0, 40);  // nothing is on disk: nothing to spare
  EXPECT_EQ(oldest(g.window("v1")), 30u);
  EXPECT_EQ(oldest(g.window("a1")), 30u);
  EXPECT_THAT(gaps(g.window("v1")), IsEmpty());
}

struct Rates {
  const char* what;
  Time target;
  std::vector<std::pair<Time, size_t>> segments;
  uint64_t peak, average;
};

TEST(StoreLimits, MeasuresThePeakAsItIsDefined) {
  const Rates table[] = {
      {"one", 2s, {{2s, 250'000}}, 1'000'000, 1'000'000},
      {"not promised", 0s, {{2s, 250'000}, {2s, 500'000}}, 2'000'000, 1'500'000},
      {"the larger", 2s, {{2s, 500'000}, {2s, 250'000}}, 2'000'000, 1'500'000},
      {"too short to count alone", 2s, {{2s, 250'000}, {500ms, 187'500}}, 1'400'000, 1'400'000},
      {"two short ones", 2s, {{2s, 0}, {500ms, 100'000}, {500ms, 200'000}}, 2'400'000, 800'000},
      {"half of the target", 2s, {{2s, 0}, {1s, 250'000}}, 2'000'000, 666'667},
      {"runs up to 1.5", 4s, {{2s, 100'000}, {2s, 300'000}, {2s, 100'000}}, 1'200'000, 666'667},
      {"too long: the average", 2s, {{4s, 500'000}, {4s, 250'000}}, 750'000, 750'000},
      {"never above", 2s, {{1500ms, 300'000}, {200ms, 100'000}}, 1'882'353, 1'882'353},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.what);
    Store store({});
    store.set_target_duration(row.target);
    Time at{};
    uint64_t ordinal = 0;
    for (const auto& [duration, bytes] : row.segments) {
      MadeTs made;
      made.cut = {ordinal++, at};
      at += duration;
      made.end = at;
      made.data = Bytes::take(std::vector<uint8_t>(bytes));
      store.add(std::move(made));
    }
    EXPECT_EQ(store.ts()->peak_rate, row.peak);
    EXPECT_EQ(store.ts()->average_rate, row.average);
  }
}

TEST(StoreLimits, RatesBeforeAndAfterTheFirstSegment) {
  Feed f({.rewind = 6s});
  f.open("v1", 0);
  f.part("v1", 0, 0, 250'000);
  EXPECT_EQ(f.window("v1")->peak_rate, 2'000'000u);
  EXPECT_EQ(f.window("v1")->average_rate, 2'000'000u);
  EXPECT_NEAR(f.window("v1")->frame_rate, 25, 0.01);
  f.part("v1", 0, 1, 0);
  EXPECT_EQ(f.window("v1")->peak_rate, 1'000'000u);
  f.close("v1", 0);
  EXPECT_EQ(f.window("v1")->peak_rate, 1'000'000u);
  f.run({"v1", "a1"}, 1, 30);
  EXPECT_EQ(f.window("v1")->peak_rate, 1'000'000u);  // what once was said is not taken back
  EXPECT_EQ(f.window("v1")->average_rate, 4000u);
  EXPECT_NEAR(f.window("v1")->frame_rate, 25, 0.01);
  EXPECT_EQ(f.window("a1")->frame_rate, 0);
  f.segment("v1", 32);
  EXPECT_EQ(f.window("v1")->average_rate, 4000u);  // gaps do not count
}

TEST(StoreLimits, APromiseMeasuresAnew) {
  Feed f({});
  f.segment("v1", 0, 250'000);
  f.segment("v1", 1, 750'000);
  EXPECT_EQ(f.window("v1")->peak_rate, 3'000'000u);
  f.store.set_target_duration(6s);
  EXPECT_EQ(f.window("v1")->peak_rate, 2'000'000u);
}

// Bytes in memory by what the windows show.
size_t bytes_of(const WindowPtr& w) {
  size_t n = 0;
  for (const auto& s : *w->segments) n += s->content ? s->content->size() : 0;
  if (w->open)
    for (const auto& p : w->open->parts) n += p->content->size();
  return n;
}

struct Seen {
  uint64_t listed = 0, newest = 0, discontinuities = 0;
};

// No holes, and nothing that players count goes back.
void check_window(const WindowPtr& w, Seen& seen) {
  ASSERT_TRUE(without_holes(w));
  if (w->segments->empty()) return;
  ASSERT_LT(w->first_listed, w->segments->size());
  const Seen now{(*w->segments)[w->first_listed]->number, newest(w), w->discontinuity_sequence};
  ASSERT_GE(now.listed, seen.listed);
  ASSERT_GE(now.newest, seen.newest);
  ASSERT_GE(now.discontinuities, seen.discontinuities);
  if (w->open) ASSERT_EQ(w->open->number, now.newest + 1);
  for (const auto& s : *w->segments) ASSERT_EQ(s->gap, !s->content && s->file.empty());
  seen = now;
}

// One of everything that may happen, with lanes up to four ordinals apart.
void happen(Feed& f, uint32_t dice, uint64_t ordinal) {
  static constexpr const char* kLanes[] = {"v1", "a1", "a2"};
  const std::string lane = kLanes[dice % 3];
  const size_t bytes = dice >> 4 & 1023;
  switch (dice >> 16 & 7) {
    case 0: return f.open(lane, ordinal, (dice >> 20 & 15) == 0);
    case 1: return f.close(lane, ordinal);
    case 2: return f.segment(lane, ordinal, bytes);
    case 3: return f.ts(ordinal, bytes);
    case 4:
      for (const auto& s : f.store.take_spills())
        dice & 1 ? f.store.lost(s.lane, s.segment->number)
                 : f.store.spilled(s.lane, s.segment->number, "/x");
      return;
    default: return f.part(lane, ordinal, dice >> 20 & 3, bytes);
  }
}

TEST(StoreLimits, HoldWhateverHappens) {
  for (const bool disk : {false, true}) {
    Feed f({.rewind = 40s, .disk = disk, .max_segments = 15, .max_bytes = 30'000});
    std::map<std::string, Seen> seen;
    uint32_t seed = 1;
    for (uint64_t i = 0; i < 20'000; ++i) {
      seed = seed * 1664525 + 1013904223;
      happen(f, seed >> 4, i / 20 + (seed >> 28 & 3));
      auto windows = f.store.lanes();
      if (const auto ts = f.store.ts()) windows.push_back(ts);
      size_t bytes = 0;
      for (const auto& w : windows) {
        ASSERT_NO_FATAL_FAILURE(check_window(w, seen[w->id])) << i << " " << w->id;
        ASSERT_LE(w->segments->size(), 15u);
        bytes += bytes_of(w);
      }
      ASSERT_EQ(f.store.bytes(), bytes) << i;
      f.store.take_expired();
    }
    EXPECT_EQ(seen.size(), 4u);
    EXPECT_GT(seen["v1"].listed, 900u);
    EXPECT_GT(seen["v1"].discontinuities, 10u);
  }
}

}  // namespace
}  // namespace weir::segments
