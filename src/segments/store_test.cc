// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "segments/store_fixture.h"

namespace weir::segments {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string text(const ContentPtr& c) {
  std::string s;
  for (const auto& piece : c->body()) s += piece.text();
  return s;
}

TEST(Numbering, GrowsOverRestarts) {
  const WallTime start = kEpoch;
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

TEST(Store, NamesAndDescribesWhatItIsGiven) {
  Feed f({.first_number = 100, .token = "k3"});
  EXPECT_EQ(f.store.next_number(), 100u);
  EXPECT_EQ(f.store.ts(), nullptr);
  f.init("v1", "header");
  EXPECT_THAT(f.ids(), IsEmpty());  // nothing inside yet
  f.open("v1", 4);
  EXPECT_THAT(f.ids(), IsEmpty());
  f.part("v1", 4, 0);
  auto w = f.window("v1");
  ASSERT_TRUE(w && w->open);
  EXPECT_EQ(w->first_number, 104u);
  EXPECT_EQ(w->open->number, 104u);
  EXPECT_EQ(w->open->name, "k3-v1-0-104.m4s");
  EXPECT_EQ(w->open->wall, kEpoch + 8s);
  EXPECT_EQ(w->open->parts[0]->content->etag(), "\"k3-v1-0-104.0.m4s\"");
  EXPECT_EQ(w->open->parts[0]->content->type(), "video/mp4");
  f.part("v1", 4, 1, 300);
  f.close("v1", 4);
  w = f.window("v1");
  EXPECT_FALSE(w->open);
  const SegmentPtr s = w->segments->back();
  EXPECT_EQ(s->name, "k3-v1-0-104.m4s");
  EXPECT_EQ(s->start, 8s);
  EXPECT_EQ(s->duration, 2s);
  EXPECT_EQ(s->frames, 50u);
  EXPECT_EQ(s->size, 800u);
  EXPECT_TRUE(s->independent);
  EXPECT_EQ(s->tracks->size(), 1u);
  EXPECT_EQ(s->content->etag(), "\"k3-v1-0-104.m4s\"");
  EXPECT_EQ(s->init->name, "k3-v1-i0.mp4");
  EXPECT_EQ(s->init->content->type(), "video/mp4");
  EXPECT_EQ(text(s->init->content), "header");
  EXPECT_EQ(f.store.next_number(), 105u);
}

TEST(Store, TypesAndOrderOfLanes) {
  Feed f({.token = "k"});
  for (const char* lane : {"a2", "v10", "a1", "v2"}) {
    f.init(lane, lane);
    f.segment(lane, 0);
  }
  f.ts(0);
  EXPECT_THAT(f.ids(), ElementsAre("v2", "v10", "a1", "a2"));
  EXPECT_EQ(f.window("a1")->segments->back()->content->type(), "audio/mp4");
  EXPECT_EQ(f.window("a1")->segments->back()->init->content->type(), "audio/mp4");
  const SegmentPtr ts = f.store.ts()->segments->back();
  EXPECT_EQ(ts->content->type(), "video/mp2t");
  EXPECT_EQ(ts->name, "k-0.ts");
  EXPECT_EQ(ts->init, nullptr);
  EXPECT_EQ(ts->wall, kEpoch);
}

TEST(Store, JoinsPartsIntoOneBuffer) {
  Feed f({.token = "k"});
  f.open("v1", 0);
  f.part("v1", 0, 0, 300);
  f.part("v1", 0, 1, 200);
  const auto before = f.window("v1");
  f.close("v1", 0);
  const Segment& s = *f.window("v1")->segments->back();
  ASSERT_EQ(s.parts.size(), 2u);
  ASSERT_EQ(s.content->body().size(), 1u);
  const Bytes& whole = s.content->body()[0];
  EXPECT_EQ(text(s.content), std::string(300, '\0') + std::string(200, '\1'));
  EXPECT_EQ(s.parts[0]->content->body()[0].data(), whole.data());
  EXPECT_EQ(s.parts[1]->content->body()[0].data(), whole.data() + 300);
  EXPECT_EQ(s.parts[1]->content->etag(), "\"k-v1-0-0.1.m4s\"");
  EXPECT_EQ(s.parts[1]->start, 1s);
  EXPECT_TRUE(s.parts[0]->independent);
  EXPECT_FALSE(s.parts[1]->independent);
  EXPECT_EQ(f.store.bytes(), 500u);
  EXPECT_EQ(before->open->parts[0]->content->size(), 300u);  // snapshots do not change
}

TEST(Store, EveryHeaderHasItsOwnNumberEvenTheSameOne) {
  Feed f({.token = "k"});
  for (const char* header : {"one", "one", "two"}) {
    f.init("v1", header);
    f.segment("v1", f.store.next_number());
  }
  const auto& all = *f.window("v1")->segments;
  EXPECT_EQ(all[1]->init->name, "k-v1-i1.mp4");
  EXPECT_EQ(all[2]->init->name, "k-v1-i2.mp4");
  EXPECT_EQ(all[2]->init->number, 2u);
}

TEST(Store, NamesSayWhichHeaderIsNeeded) {
  Feed f({.token = "k"});
  f.init("v1", "one");
  f.init("a1", "one");
  f.run({"v1", "a1"}, 0, 2);
  f.open("v1", 2);
  f.part("v1", 2, 0);
  f.init("v1", "two");  // for what begins from now on
  f.part("v1", 2, 1);
  const auto open = *f.window("v1")->open;
  EXPECT_EQ(open.name, "k-v1-0-2.m4s");
  EXPECT_EQ(open.parts[1]->content->etag(), "\"k-v1-0-2.1.m4s\"");
  f.close("v1", 2);
  f.run({"v1"}, 5, 8);  // behind a hole, and without sound
  const auto names = [&](const std::string& lane) {
    std::vector<std::string> names;
    for (const auto& s : *f.window(lane)->segments) names.push_back(s->name);
    return names;
  };
  EXPECT_THAT(names("v1"),
              ElementsAre("k-v1-0-0.m4s", "k-v1-0-1.m4s", "k-v1-0-2.m4s", "k-v1-1-3.m4s",
                          "k-v1-1-4.m4s", "k-v1-1-5.m4s", "k-v1-1-6.m4s", "k-v1-1-7.m4s"));
  EXPECT_THAT(gaps(f.window("v1")), ElementsAre(3, 4));
  const SegmentPtr s = *f.window("v1")->find(5);
  EXPECT_EQ(s->parts[1]->content->etag(), "\"k-v1-1-5.1.m4s\"");
  EXPECT_EQ(s->init_number(), 1u);
  f.ts(8);
  EXPECT_EQ(f.window("ts")->segments->back()->name, "k-8.ts");
  EXPECT_EQ(f.window("ts")->segments->back()->init_number(), 0u);
}

TEST(Store, AFirstFrameThatIsNoKeyframeIsSaidSo) {
  Feed f({});
  f.open("v2", 0);  // the cut is at a keyframe of v1
  f.store.part("v2", {Bytes::copy("x"), 0s, 1s, false, 1});
  EXPECT_FALSE(f.window("v2")->open->independent);
  f.close("v2", 0);
  EXPECT_FALSE(f.window("v2")->segments->back()->independent);
}

TEST(Store, SnapshotsAreSharedAndDoNotChange) {
  Feed f({.rewind = 6s});
  f.run({"v1", "a1"}, 0, 3);
  const auto before = f.window("v1");
  EXPECT_EQ(f.window("v1"), before);
  f.open("v1", 3);
  f.part("v1", 3, 0);
  const auto grown = f.window("v1");
  EXPECT_NE(grown, before);
  EXPECT_EQ(grown->segments, before->segments);  // parts do not copy the list
  EXPECT_FALSE(before->open);
  f.store.set_part_target("v1", 200ms);
  EXPECT_EQ(f.window("v1")->part_target, 200ms);
  EXPECT_EQ(f.window("v1")->segments, before->segments);
  const auto sound = f.window("a1");
  f.part("v1", 3, 1);
  EXPECT_EQ(f.window("a1"), sound);  // other lanes are left alone
  f.run({"v1"}, 4, 30);
  EXPECT_EQ(before->segments->size(), 3u);
  EXPECT_EQ(before->segments->front()->content->size(), 1000u);
}

TEST(Store, HolesOfALaneAreFilled) {
  Feed f({});
  f.run({"v1"}, 0, 1);
  f.run({"a1"}, 0, 1);
  f.open("v1", 1, true);
  f.part("v1", 1, 0);
  f.part("v1", 1, 1);
  f.open("v1", 2);  // closes the one before
  f.part("v1", 2, 0);
  f.segment("a1", 3);
  const auto w = f.window("a1");
  EXPECT_THAT(listed(w), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(gaps(w), ElementsAre(1, 2));
  const Segment& copied = **w->find(1);
  EXPECT_EQ(copied.start, 2s);
  EXPECT_EQ(copied.duration, 2s);
  EXPECT_EQ(copied.wall, kEpoch + 2s);
  EXPECT_TRUE(copied.discontinuity);
  EXPECT_TRUE(copied.independent);
  EXPECT_EQ(copied.content, nullptr);
  EXPECT_EQ(copied.size, 0u);
  EXPECT_EQ(copied.name, "-a1-0-1.m4s");
  const Segment& open_elsewhere = **w->find(2);
  EXPECT_EQ(open_elsewhere.start, 4s);
  EXPECT_EQ(open_elsewhere.duration, 2s);
  EXPECT_FALSE(open_elsewhere.discontinuity);
}

TEST(Store, HolesOfAllLanesAreEstimated) {
  Feed f({});
  f.run({"v1"}, 0, 2);
  f.segment("v1", 5);
  const auto w = f.window("v1");
  EXPECT_THAT(gaps(w), ElementsAre(2, 3, 4));
  for (uint64_t n = 2; n < 5; ++n) {
    EXPECT_EQ((*w->find(n))->start, f.at(n));
    EXPECT_EQ((*w->find(n))->duration, 2s);
    EXPECT_EQ((*w->find(n))->wall, kEpoch + f.at(n));
  }
  f.segment("v1", 100'000);  // more than anybody could list: it begins anew
  EXPECT_THAT(listed(f.window("v1")), ElementsAre(100'000));
  EXPECT_EQ(f.store.take_expired().size(), 6u);
}

TEST(Store, ASegmentWithoutPartsIsAGap) {
  Feed f({});
  f.run({"v1"}, 0, 1);
  f.open("v1", 1);
  f.close("v1", 1);
  EXPECT_THAT(gaps(f.window("v1")), ElementsAre(1));
  EXPECT_EQ((*f.window("v1")->find(1))->duration, 2s);
}

TEST(Store, ALateLaneBeginsWhereItBegins) {
  Feed f({.first_number = 10});
  f.run({"v1"}, 0, 5);
  f.run({"v1", "a1", "ts"}, 5, 8);
  EXPECT_THAT(listed(f.window("a1")), ElementsAre(15, 16, 17));
  EXPECT_THAT(listed(f.window("ts")), ElementsAre(15, 16, 17));
  EXPECT_EQ(f.window("a1")->first_number, 15u);
  EXPECT_EQ(f.window("v1")->first_number, 10u);
}

TEST(Store, ALateLaneDoesNotCutTheOthersShort) {
  Feed f({.rewind = 12s});
  f.run({"a1"}, 0, 10);
  f.run({"a1", "v1"}, 10, 12);
  EXPECT_EQ(listed(f.window("a1")).size(), 6u);
  EXPECT_EQ(listed(f.window("v1")).size(), 2u);
}

TEST(Store, AStoppedLaneFollowsWithGaps) {
  Feed f({});
  f.run({"v1", "a1"}, 0, 3);
  f.segment("v1", 3);
  EXPECT_EQ(newest(f.window("a1")), 2u);  // late, perhaps
  f.segment("v1", 4);
  EXPECT_EQ(newest(f.window("a1")), 3u);
  f.run({"v1"}, 5, 8);
  EXPECT_EQ(newest(f.window("a1")), 6u);
  EXPECT_THAT(gaps(f.window("a1")), ElementsAre(3, 4, 5, 6));
  EXPECT_EQ((*f.window("a1")->find(5))->start, 10s);
  f.run({"v1", "a1"}, 8, 10);  // it is back
  EXPECT_EQ(newest(f.window("a1")), 9u);
  EXPECT_THAT(gaps(f.window("a1")), ElementsAre(3, 4, 5, 6, 7));
  EXPECT_EQ(f.store.dropped(), 0u);
}

TEST(Store, WhatWasOpenInAStoppedLaneIsClosed) {
  Feed f({});
  f.run({"v1", "a1"}, 0, 2);
  f.open("v1", 2);
  f.part("v1", 2, 0);
  f.run({"a1"}, 2, 4);  // the picture froze
  const auto w = f.window("v1");
  EXPECT_FALSE(w->open);
  EXPECT_EQ(newest(w), 2u);
  EXPECT_EQ((*w->find(2))->duration, 2s);  // up to where the next begins elsewhere
  EXPECT_EQ((*w->find(2))->size, 500u);
  EXPECT_THAT(gaps(w), IsEmpty());
  f.part("v1", 2, 1);  // too late
  EXPECT_EQ(f.store.dropped(), 25u);
  f.close("v1", 2);
  EXPECT_EQ(f.window("v1"), w);
  f.run({"v1"}, 4, 5);
  EXPECT_THAT(gaps(f.window("v1")), ElementsAre(3));
}

TEST(Store, MediaForAGapIsCountedAndDropped) {
  Feed f({});
  f.run({"v1", "a1", "ts"}, 0, 1);
  f.run({"v1"}, 1, 6);
  f.segment("a1", 2);
  f.ts(3);
  EXPECT_EQ(f.store.dropped(), 100u);
  EXPECT_THAT(gaps(f.window("a1")), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(newest(f.window("ts")), 4u);
  f.segment("a1", 5);
  EXPECT_EQ((*f.window("a1")->find(5))->size, 1000u);
}

TEST(Store, ShortSegmentsGetMorePatience) {
  Feed f({}, 200ms);
  f.run({"v1", "a1"}, 0, 3);
  f.run({"v1"}, 3, 8);
  EXPECT_THAT(gaps(f.window("a1")), IsEmpty());
  f.run({"v1"}, 8, 9);
  EXPECT_THAT(gaps(f.window("a1")), ElementsAre(3));
}

TEST(Store, ALaneOfGapsGoesAway) {
  Feed f({.rewind = 12s, .token = "k"});
  f.init("a1", "one");
  f.run({"v1", "a1"}, 0, 3);
  f.run({"v1"}, 3, 14);
  EXPECT_THAT(f.ids(), ElementsAre("v1", "a1"));
  f.run({"v1"}, 14, 30);
  EXPECT_THAT(f.ids(), ElementsAre("v1"));
  f.init("a1", "two");
  f.run({"v1", "a1"}, 30, 32);
  EXPECT_THAT(listed(f.window("a1")), ElementsAre(30, 31));
  EXPECT_EQ(f.window("a1")->segments->back()->init->name, "k-a1-i1.mp4");
  EXPECT_EQ(f.window("a1")->first_number, 0u);
}

TEST(Store, CountsDiscontinuitiesThatLeft) {
  Feed f({.rewind = 6s, .first_discontinuity = 40});
  const auto both = [&](uint64_t ordinal, bool discontinuity) {
    f.segment("v1", ordinal, 1000, discontinuity);
    f.segment("a1", ordinal, 1000, discontinuity);
    EXPECT_EQ(f.window("v1")->discontinuity_sequence, f.window("a1")->discontinuity_sequence);
    return f.window("v1")->discontinuity_sequence;
  };
  EXPECT_EQ(both(0, false), 40u);
  EXPECT_EQ(both(1, true), 40u);
  EXPECT_EQ(both(2, false), 40u);
  EXPECT_EQ(both(3, false), 40u);  // the one with the mark is now first: its tag is still there
  EXPECT_EQ(both(4, false), 41u);
  for (uint64_t i = 5; i < 40; ++i) EXPECT_EQ(both(i, i == 30), i < 33 ? 41u : 42u) << i;
}

TEST(Store, ALateLaneHasTheSameDiscontinuitySequence) {
  Feed f({});
  f.segment("v1", 0);
  f.segment("v1", 1, 1000, true);
  f.segment("v1", 2);
  f.segment("v1", 3, 1000, true);
  f.segment("a1", 2);
  f.ts(3, 1000, true);
  EXPECT_EQ(f.window("v1")->discontinuity_sequence, 0u);
  EXPECT_EQ(f.window("a1")->discontinuity_sequence, 1u);
  EXPECT_EQ(f.window("ts")->discontinuity_sequence, 1u);
  f.open("a2", 4);
  f.part("a2", 4, 0);
  EXPECT_EQ(f.window("a2")->discontinuity_sequence, 2u);
}

TEST(Store, Ends) {
  Feed f({});
  f.run({"v1"}, 0, 2);
  f.segment("a1", 0);
  f.open("v1", 2);
  f.part("v1", 2, 0);
  f.open("a1", 1);
  EXPECT_FALSE(f.window("v1")->ended);
  f.store.end();
  const auto v = f.window("v1"), a = f.window("a1");
  EXPECT_TRUE(v->ended);
  EXPECT_TRUE(a->ended);
  EXPECT_FALSE(v->open);
  EXPECT_FALSE(a->open);
  EXPECT_EQ((*v->find(2))->duration, 1s);  // nothing is lost
  EXPECT_EQ(newest(a), 0u);
  EXPECT_EQ(f.store.bytes(), 3500u);
}

}  // namespace
}  // namespace weir::segments
