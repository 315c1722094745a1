// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/dash/periods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "protocols/dash/fixture.h"

namespace weir::dash {
namespace {

using testing::FakeStream;
using testing::picture;
using testing::picture_and_sound;
using testing::sound;

// "100@0+2000 v1,a1" per Period: id, start and nominal in ms; "T" for a timeline, "-104" its last.
std::string text(const Planner& planner) {
  std::string out;
  for (const Period& p : planner.periods()) {
    if (!out.empty()) out += " | ";
    out += std::to_string(p.first) + "@" + std::to_string(p.start / 1ms) + "+" +
           std::to_string(p.nominal / 1ms) + (p.addressing == Addressing::timeline ? "T" : "");
    char separator = ' ';
    for (const auto& lane : p.lanes) {
      out += std::exchange(separator, ',') + lane.lane;
      if (!lane.stream.rendition.empty()) out += "@" + lane.stream.rendition;
    }
    if (p.last) out += " -" + std::to_string(*p.last) + "@" + std::to_string(p.end / 1ms);
  }
  return out;
}

// What must never change once it was said, and what must hold in every plan.
class Historian {
 public:
  void note(const Planner& planner) {
    const Period* before = nullptr;
    for (const Period& p : planner.periods()) {
      ASSERT_GT(p.nominal, 0ns);
      ASSERT_FALSE(p.lanes.empty());
      if (before) {
        ASSERT_GT(p.start, before->start);
        ASSERT_LE(before->end, p.start);
        ASSERT_EQ(before->last, p.first - 1);
      }
      before = &p;
      const auto [it, fresh] = said_.try_emplace(p.first, p);
      if (fresh) continue;
      const Period& old = it->second;
      ASSERT_EQ(p.start, old.start) << p.first;
      ASSERT_EQ(p.nominal, old.nominal) << p.first;
      ASSERT_EQ(p.addressing, old.addressing) << p.first;
      ASSERT_EQ(p.lanes.size(), old.lanes.size()) << p.first;
      for (size_t i = 0; i < p.lanes.size(); ++i) {
        ASSERT_EQ(p.lanes[i].lane, old.lanes[i].lane);
        ASSERT_EQ(p.lanes[i].init->name, old.lanes[i].init->name);
        ASSERT_EQ(p.lanes[i].first, old.lanes[i].first);
        ASSERT_EQ(p.lanes[i].media, old.lanes[i].media);
        if (old.lanes[i].last) ASSERT_EQ(p.lanes[i].last, old.lanes[i].last);
        ASSERT_EQ(p.lanes[i].part, old.lanes[i].part);
        ASSERT_EQ(p.lanes[i].frame_rate, old.lanes[i].frame_rate);
      }
      if (old.last) ASSERT_EQ(p.last, old.last);
      it->second = p;
    }
  }
  size_t periods() const { return said_.size(); }

 private:
  std::map<uint64_t, Period> said_;
};

TEST(Planner, ARegularStreamIsOnePeriod) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  s.open();
  p.update(s.sources(), s.now());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1");
  s.close(2s);
  for (int i = 0; i < 1000; ++i) {
    s.segment(2s);
    p.update(s.sources(), s.now());
  }
  EXPECT_EQ(text(p), "100@0+2000 v1,a1");
  s.end();
  p.update(s.sources(), s.now());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1 -1100@2002000");
}

TEST(Planner, WhoComesLateMeasures) {
  FakeStream s = picture_and_sound();
  for (int i = 0; i < 20; ++i) s.segment(i % 2 ? 2083ms : 2084ms);
  Planner p(2s);
  p.update(s.sources(), s.now());
  ASSERT_EQ(p.periods().size(), 1u);
  EXPECT_EQ(p.periods()[0].nominal, 2083500us);
}

TEST(Planner, AWrongGuessIsMendedOnce) {
  for (const Time real : std::vector<Time>{1s, 1500ms, 2500ms, 3s, 10s}) {
    FakeStream s = picture_and_sound();
    Planner p(2s);
    for (int i = 0; i < 100; ++i) {
      s.open();
      p.update(s.sources(), s.now());
      s.close(real);
    }
    ASSERT_EQ(p.periods().size(), 2u) << real / 1ms;
    EXPECT_EQ(p.periods()[1].nominal, real);
    EXPECT_EQ(p.periods()[1].addressing, Addressing::number);
  }
}

TEST(Planner, ADiscontinuityBeginsAPeriodAtItsWallClockTime) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  s.segments(5, 2s);
  p.update(s.sources(), s.now());
  s.away(7s);
  s.open();
  p.update(s.sources(), s.now());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1 -104@10000 | 105@17000+2000 v1,a1");
  EXPECT_EQ(p.periods()[1].lanes[0].media, 10s);
}

TEST(Planner, NothingIsPromisedWhileThePublisherIsSilent) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  s.segments(5, 2s);
  s.open();
  const WallTime lost = s.now();
  p.update(s.sources(), lost);
  p.update(s.sources(), lost + 1600ms);
  EXPECT_FALSE(p.silent());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1");
  p.update(s.sources(), lost + 1800ms);
  EXPECT_TRUE(p.silent());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1 -105@12000");
  EXPECT_EQ(p.periods()[0].lanes[1].last, 105u);
  s.close(40ms);
  s.away(5s);
  s.open();
  p.update(s.sources(), s.now());
  EXPECT_FALSE(p.silent());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1 -105@10040 | 106@15040+2000 v1,a1");
}

TEST(Planner, AnInterruptedNetworkCostsOnePeriod) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  s.segments(5, 2s);
  s.open();
  p.update(s.sources(), s.now());
  p.update(s.sources(), s.now() + 1900ms);
  EXPECT_TRUE(p.silent());
  for (int i = 0; i < 50; ++i) {  // all later by as much from now on
    s.close(2s);
    s.open();
    p.update(s.sources(), s.now() + 1900ms);
    EXPECT_FALSE(p.silent());
  }
  EXPECT_EQ(text(p), "100@0+2000 v1,a1 -105@12000 | 106@12000+2000 v1,a1");
}

TEST(Planner, ASlowClockIsNotSilence) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  for (int i = 0; i < 3000; ++i) {
    s.open();
    p.update(s.sources(), s.now() + i * 2ms);  // a thousandth
    EXPECT_FALSE(p.silent());
    s.close(2s);
  }
  EXPECT_EQ(p.periods().size(), 1u);
}

TEST(Planner, AReturnInFrontOfTheEndDoesNotTurnBack) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  s.segments(1, 2s);
  p.update(s.sources(), s.now());
  s.away(-30s);
  s.segments(3, 2s);
  p.update(s.sources(), s.now());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1 -100@100 | 101@100+2000 v1,a1");
}

TEST(Planner, AnotherHeaderBeginsAPeriod) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  s.segments(5, 2s);
  p.update(s.sources(), s.now());
  s.lane("v1", picture(640, 360));
  s.open();
  p.update(s.sources(), s.now());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1 -104@10000 | 105@10000+2000 v1,a1");
  EXPECT_EQ(p.periods()[1].lanes[0].init->name, "tok-v1-i2.mp4");
  EXPECT_EQ(p.periods()[1].lanes[1].init->name, "tok-a1-i1.mp4");
  // Another language is another header, though nothing is cut for it.
  s.close(2s);
  s.lane("a1", sound("de"));
  s.open();
  p.update(s.sources(), s.now());
  EXPECT_EQ(text(p),
            "100@0+2000 v1,a1 -104@10000 | 105@10000+2000 v1,a1 -105@12000 | "
            "106@12000+2000 v1,a1");
  EXPECT_EQ(p.periods()[2].lanes[0].init, p.periods()[1].lanes[0].init);
  EXPECT_EQ(p.periods()[2].lanes[1].init->name, "tok-a1-i3.mp4");
}

TEST(Planner, WaitsForEveryLaneOfANewPeriodButNotForever) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  s.segments(2, 2s);
  p.update(s.sources(), s.now());
  s.lane("v1", picture(640, 360));
  s.open_only("v1");
  p.update(s.sources(), s.now());
  EXPECT_EQ(p.periods().size(), 1u);
  s.close(2s);  // no sound came
  p.update(s.sources(), s.now());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1 -101@4000 | 102@4000+2000 v1");
  s.open();
  p.update(s.sources(), s.now());
  EXPECT_EQ(text(p),
            "100@0+2000 v1,a1 -101@4000 | 102@4000+2000 v1 -102@6000 | 103@6000+2000 v1,a1");
}

TEST(Planner, ALaneThatLeavesIsNotWaitedFor) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  s.segments(2, 2s);
  p.update(s.sources(), s.now());
  s.drop("a1");
  s.away(0s);
  s.open();
  p.update(s.sources(), s.now());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1 -101@4000 | 102@4000+2000 v1");
}

TEST(Planner, SoundAloneSetsThePace) {
  FakeStream s;
  s.lane("a1", sound());
  Planner p(2s);
  for (int i = 0; i < 50; ++i) {
    s.open();
    p.update(s.sources(), s.now());
    s.close(i % 3 ? 1984ms : 2005ms);
  }
  EXPECT_EQ(text(p), "100@0+2000 a1");
}

TEST(Planner, AGapChangesNothing) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  for (int i = 0; i < 10; ++i) {
    s.segment(2s);
    if (i == 4) s.make_gap("v1");
    if (i == 7) s.make_gap("a1");
    p.update(s.sources(), s.now());
  }
  EXPECT_EQ(text(p), "100@0+2000 v1,a1");
}

TEST(Planner, ASegmentThatLeavesTheGridAnchorsANewPeriod) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  s.segments(20, 2s);
  s.segment(2700ms);  // 35 %
  s.open();
  p.update(s.sources(), s.now());
  EXPECT_EQ(p.periods().size(), 1u);
  s.close(2200ms);  // 45 % in all
  s.open();
  p.update(s.sources(), s.now());
  ASSERT_EQ(p.periods().size(), 2u);
  EXPECT_EQ(p.periods()[1].first, 122u);
  EXPECT_EQ(p.periods()[1].start, 44900ms);
}

TEST(Planner, AStreamThatKeepsLeavingItIsListedForGood) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  Historian h;
  s.segments(10, 2s);
  const Time odd[] = {5s, 2s, 7s, 2500ms, 9s, 3s};
  for (const Time d : odd) {
    s.segment(d);
    p.update(s.sources(), s.now());
    h.note(p);
  }
  EXPECT_EQ(p.periods().back().addressing, Addressing::timeline);
  const size_t count = p.periods().size();
  EXPECT_LE(count, 4u);
  s.segments(100, 2s);
  p.update(s.sources(), s.now());
  EXPECT_EQ(p.periods().size(), count);
  s.away(3s);
  s.segments(5, 2s);
  p.update(s.sources(), s.now());
  EXPECT_EQ(p.periods().size(), count + 1);
  EXPECT_EQ(p.periods().back().addressing, Addressing::timeline);
}

TEST(Planner, RareSurprisesDoNotMakeAStreamIrregular) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  for (int i = 0; i < 10; ++i) {
    s.segments(20, 2s);
    s.segment(3s);
    p.update(s.sources(), s.now());
  }
  ASSERT_EQ(p.periods().size(), 10u);
  EXPECT_EQ(p.periods().back().addressing, Addressing::number);
}

TEST(Planner, ForgetsPeriodsWhoseSegmentsAreGone) {
  FakeStream s = picture_and_sound();
  s.window(10);
  Planner p(2s);
  s.segments(5, 2s);
  p.update(s.sources(), s.now());
  s.away(1s);
  s.segments(9, 2s);
  p.update(s.sources(), s.now());
  EXPECT_EQ(p.periods().size(), 2u);
  s.segments(1, 2s);
  p.update(s.sources(), s.now());
  ASSERT_EQ(p.periods().size(), 1u);
  EXPECT_EQ(p.periods()[0].first, 105u);
  s.segments(50, 2s);  // nobody asked for longer than the window
  p.update(s.sources(), s.now());
  EXPECT_EQ(text(p), "105@11000+2000 v1,a1");
}

TEST(Planner, RenditionsJoinByTheClock) {
  FakeStream source = picture_and_sound();
  FakeStream low({"live", "s", "low"}, "low", 7000);
  low.lane("v1", picture(640, 360));
  const auto sources = [&] {
    Sources all = source.sources();
    all.push_back(low.sources().front());
    return all;
  };
  Planner p(2s);
  source.segments(3, 2s);
  p.update(source.sources(), source.now());
  low.skip(6s);  // begins with the fourth of the source
  source.open();
  low.open();
  p.update(sources(), source.now());
  EXPECT_EQ(text(p), "100@0+2000 v1,a1 -102@6000 | 103@6000+2000 v1,v1@low,a1");
  EXPECT_EQ(p.periods()[1].lanes[1].first, 7000u);
  EXPECT_EQ(p.periods()[1].lanes[1].media, 6s);
  source.close(2s);
  low.close(2s);
  // A step behind the source: the plan waits for it.
  source.lane("v1", picture(1920, 1080));
  source.open();
  p.update(sources(), source.now());
  EXPECT_EQ(p.periods().size(), 2u);
  low.lane("v1", picture(480, 270));
  low.open();
  p.update(sources(), source.now());
  ASSERT_EQ(p.periods().size(), 3u);
  EXPECT_EQ(p.periods()[2].lanes[1].first, 7001u);
  EXPECT_EQ(p.periods()[2].lanes[1].init->name, "low-v1-i1.mp4");
}

// The time of the process, not of the wall: a step per pair of segments would take minutes.
TEST(Planner, ALongFirstPlanWithRenditionsIsNoMoreThanItsSegments) {
  constexpr int kMany = 20'000;
  Sources sources;
  WallTime now{};
  for (const char* rendition : {"", "720", "480", "240"}) {
    FakeStream s({"live", "s", rendition}, "tok", 100 + sources.size());
    s.lane("v1", picture());
    s.window(kMany + 1);
    s.segments(kMany, 2s);
    s.open();
    sources.emplace_back(s.key(), s.view());
    now = s.now();
  }
  Planner p(2s);
  const std::clock_t before = std::clock();
  p.update(sources, now);
  EXPECT_LT(std::clock() - before, 2 * CLOCKS_PER_SEC);
  EXPECT_EQ(text(p), "100@0+2000 v1,v1@720,v1@480,v1@240");
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(p.periods()[0].lanes[i].first, 100 + i);
}

TEST(Planner, RatesAreAnnouncedWithHeadRoomAndSeldomChange) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  s.segments(1, 2s);
  const auto rate = [&](uint64_t peak) {
    s.rate("v1", peak);
    p.update(s.sources(), s.now());
    return p.periods()[0].lanes[0].bandwidth;
  };
  EXPECT_EQ(rate(0), 2'500'000u);
  EXPECT_EQ(rate(1'000'000), 1'300'000u);
  EXPECT_EQ(rate(1'200'000), 1'300'000u);
  EXPECT_EQ(rate(1'250'000), 1'600'000u);
  EXPECT_EQ(rate(900'000), 1'600'000u);
}

TEST(Planner, FrameRatesAreThoseThatWereMeant) {
  for (const auto& [said, meant] : std::vector<std::pair<double, double>>{
           {25, 25}, {29.97, 30000.0 / 1001}, {59.94, 60000.0 / 1001}, {24.004, 24}, {15.02, 15}}) {
    FakeStream s;
    s.lane("v1", picture(640, 360, said));
    s.open();
    Planner p(2s);
    p.update(s.sources(), s.now());
    EXPECT_DOUBLE_EQ(p.periods()[0].lanes[0].frame_rate, meant);
  }
}

// Hours of everything that happens to a stream, looked at now and then.
TEST(Planner, NeverContradictsItself) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
    FakeStream s = picture_and_sound();
    s.window(50);
    Planner p(2s);
    Historian h;
    const bool wild = seed % 4 == 0;
    for (int i = 0; i < 2000; ++i) {
      if (chance(1)) s.away(std::chrono::milliseconds(random() % 20000));
      if (chance(1)) s.lane("v1", picture(chance(50) ? 640 : 1280, 360));
      if (chance(1)) s.lane("a1", sound(chance(50) ? "en" : "de"));
      if (chance(1)) s.skip(std::chrono::milliseconds(random() % 1500));
      if (chance(20)) {
        s.open_only("v1");
        p.update(s.sources(), s.now());
        h.note(p);
      }
      s.open();
      if (chance(50)) {
        p.update(s.sources(), s.now());
        h.note(p);
      }
      s.close(wild ? std::chrono::milliseconds(500 + random() % 5000)
                   : std::chrono::milliseconds(1990 + random() % 20));
      if (chance(2)) p.update(s.sources(), s.now() + std::chrono::milliseconds(random() % 5000));
      if (chance(3)) s.make_gap(chance(50) ? "v1" : "a1");
      if (chance(70)) {
        p.update(s.sources(), s.now());
        h.note(p);
      }
      if (HasFatalFailure()) FAIL() << "seed " << seed << " segment " << s.number();
    }
    EXPECT_GT(h.periods(), 20u);
    s.end();
    p.update(s.sources(), s.now());
    h.note(p);
    ASSERT_TRUE(p.periods().back().last);
    EXPECT_EQ(*p.periods().back().last, s.number() - 1);
  }
}

TEST(Planner, AStreamThatEndsBeforeASegmentHasNoPeriod) {
  FakeStream s = picture_and_sound();
  Planner p(2s);
  p.update(s.sources(), s.now());
  EXPECT_TRUE(p.periods().empty());
  s.open();
  p.update(s.sources(), s.now());
  EXPECT_EQ(p.periods().size(), 1u);
  s.end();
  p.update(s.sources(), s.now());
  EXPECT_TRUE(p.periods().empty());
}

}  // namespace
}  // namespace weir::dash
