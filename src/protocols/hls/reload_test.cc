// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/reload.h"

#include "protocols/hls/fixture.h"

namespace weir::hls {
namespace {

using namespace fixture;

constexpr uint64_t kFirst = 59'000'000;

Query of(uint64_t msn) { return {.msn = kFirst + msn}; }
Query of(uint64_t msn, uint64_t part) { return {.msn = kFirst + msn, .part = part}; }

// Segments 0 to 3 of ten parts each, then three parts of segment 4.
struct Running : Lanes {
  Running() {
    for (int i = 0; i < 4; ++i) segment();
    begin();
    for (int i = 0; i < 3; ++i) part();
  }
};

TEST(Reload, WhatIsThereIsAnsweredAndTheNextIsWaitedFor) {
  Running l;
  const auto w = l.v1();
  struct Row {
    Query query;
    Reload expected;
    const char* why;
  };
  const Row rows[] = {
      {{}, Reload::answer, "nothing was asked for"},
      {{.skip = true}, Reload::answer, "a delta of now"},
      {{.msn = 0}, Reload::answer, "long gone, and yet the whole list is due"},
      {{.msn = 0, .part = 70}, Reload::answer, "gone"},
      {of(3), Reload::answer, "complete"},
      {of(4), Reload::wait, "begun, not complete"},
      {of(5), Reload::wait, "last + 2"},
      {of(6), Reload::too_far, "last + 3"},
      {{.msn = UINT64_MAX}, Reload::too_far, "no overflow"},
      {of(3, 9), Reload::answer, "its last part"},
      {of(3, 10), Reload::answer, "beyond its end: the first of the next, which is there"},
      {of(4, 2), Reload::answer, "the newest"},
      {of(4, 3), Reload::wait, "the next"},
      {of(4, 17), Reload::wait, "the advance part limit is 15 parts of 200 ms"},
      {of(4, 18), Reload::too_far, "beyond it"},
      {of(4, UINT64_MAX), Reload::too_far, "no overflow"},
      {of(5, 0), Reload::wait, "the next segment's first"},
      {of(5, 15), Reload::too_far, "too many parts"},
      {of(6, 0), Reload::too_far, "too many segments"},
  };
  for (const auto& row : rows) EXPECT_EQ(reload(*w, row.query), row.expected) << row.why;
}

TEST(Reload, BetweenSegments) {
  Running l;
  l.begin();
  const auto w = l.v1();  // segment 4 is complete with three parts, nothing of 5 is out
  EXPECT_EQ(reload(*w, of(4)), Reload::wait) << "told as complete with the first part of 5";
  EXPECT_EQ(reload(*w, of(4, 2)), Reload::answer);
  EXPECT_EQ(reload(*w, of(4, 3)), Reload::wait) << "the same as the first part of 5";
  EXPECT_EQ(reload(*w, of(5, 0)), Reload::wait);
  l.part();
  EXPECT_EQ(reload(*l.v1(), of(4)), Reload::answer);
  EXPECT_EQ(reload(*l.v1(), of(4, 3)), Reload::answer);
  EXPECT_EQ(reload(*l.v1(), of(4, 9)), Reload::answer);
}

TEST(Reload, BeforeTheFirstSegmentIsComplete) {
  Lanes l;
  l.begin();
  l.part();
  const auto w = l.v1();
  EXPECT_EQ(reload(*w, of(0, 0)), Reload::answer);
  EXPECT_EQ(reload(*w, of(0, 1)), Reload::wait);
  EXPECT_EQ(reload(*w, of(0)), Reload::wait);
  EXPECT_EQ(reload(*w, of(1)), Reload::wait);
  EXPECT_EQ(reload(*w, of(2)), Reload::too_far);
}

TEST(Reload, AnEndedStreamWaitsForNothing) {
  Running l;
  l.finish();
  for (const auto& q : {of(4), of(5, 0), of(500, 7)}) EXPECT_EQ(reload(*l.v1(), q), Reload::answer);
  EXPECT_FALSE(is_of_the_edge(*l.v1(), of(4, 2)));
}

TEST(Reload, LongPartsMayBeThreeAhead) {
  Running l;
  auto w = *l.v1();
  w.part_target = 1s;
  EXPECT_EQ(reload(w, of(4, 5)), Reload::wait);
  EXPECT_EQ(reload(w, of(4, 6)), Reload::too_far);
}

TEST(Reload, TheNewestThing) {
  Running l;
  EXPECT_EQ(newest(*l.v1()), (Newest{kFirst + 4, 2}));
  l.begin();
  EXPECT_EQ(newest(*l.v1()), (Newest{kFirst + 4, 2}));
  l.at += 2s;
  l.begin();  // nothing came in segment 5
  EXPECT_EQ(newest(*l.v1()), (Newest{kFirst + 5, std::nullopt}));
}

TEST(Reload, OnlyAnswersAboutTheEdgeNeverChange) {
  Running l;
  EXPECT_TRUE(is_of_the_edge(*l.v1(), of(4, 2)));
  EXPECT_FALSE(is_of_the_edge(*l.v1(), of(4, 1))) << "a later answer has more";
  EXPECT_FALSE(is_of_the_edge(*l.v1(), of(3))) << "so has this";
  EXPECT_FALSE(is_of_the_edge(*l.v1(), {}));
  l.begin();
  EXPECT_TRUE(is_of_the_edge(*l.v1(), of(4, 2)));
  l.part();
  EXPECT_TRUE(is_of_the_edge(*l.v1(), of(4)));
  EXPECT_TRUE(is_of_the_edge(*l.v1(), of(5, 0)));
  EXPECT_TRUE(is_of_the_edge(*l.v1(), of(4, 3))) << "which means the first of 5";
  EXPECT_FALSE(is_of_the_edge(*l.v1(), of(4, 2)));
}

}  // namespace
}  // namespace weir::hls
