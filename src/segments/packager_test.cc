// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/packager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "containers/mpegts/fixture.h"
#include "hub/fixture.h"

namespace weir::segments {
namespace {

using namespace mpegts::fixture;
using hub::testing::World;
using ::testing::ElementsAre;

// A packager on core 0 of a manual-clock world, and what it told.
struct Room : World {
  explicit Room(Packager::Options options = {}) : World(1, {}), group(cores[0]), o(options) {}
  ~Room() {
    on([this] { packager.stop(); });
  }
  void on(std::function<void()> f) {
    cores[0].post([f = std::move(f)] { f(); });
    cores.run_until_idle();
  }
  void start() {
    on([this] { group.spawn(packager.run()); });
  }
  // 25 pictures a second with sound, a keyframe each second, on the publisher's own timeline.
  void feed(hub::Publication& p, Time from, Time to) {
    for (Time t = from; t < to; t += 40ms) {
      on([&p, t] {
        p.push(*video(t, t, t % 1s == 0ns));
        p.push(*audio(t));
        p.flush();
      });
      cores.advance(40ms);
    }
  }
  void end(hub::Publication& p, hub::Ending how) {
    on([&p, how] { p.end(how); });
  }
  const View& view() const { return *views.back(); }
  std::vector<int> milliseconds(const WindowPtr& lane) const {
    std::vector<int> d;
    if (lane)
      for (const auto& s : *lane->segments) d.push_back(static_cast<int>(s->duration / 1ms));
    return d;
  }
  std::vector<int> pictures() const { return milliseconds(view().lane("v1")); }

  std::vector<ViewPtr> views;
  net::TaskGroup group;
  Packager::Options o;
  Packager packager{
      hub, {"live", "s", {}}, o, clock, [this](ViewPtr v) { views.push_back(std::move(v)); }};
};

std::vector<Track> tracks() { return {h264_track(), aac_track()}; }

TEST(Packager, ListsSegmentsWhileTheStreamRunsAndEndsWithIt) {
  Room room;
  auto publication = room.publish();
  room.start();
  ASSERT_EQ(room.views.size(), 1u);
  EXPECT_TRUE(room.view().lanes.empty());
  publication.announce(tracks());
  room.feed(publication, 0s, 5s);
  ASSERT_EQ(room.view().lanes.size(), 2u);
  EXPECT_EQ(room.view().lanes[0]->id, "v1");
  EXPECT_EQ(room.view().lanes[1]->id, "a1");
  EXPECT_THAT(room.pictures(), ElementsAre(2000, 2000));
  EXPECT_EQ(room.view().lanes[0]->open->parts.size(), 4u);  // the fifth waits for its end
  EXPECT_FALSE(room.view().ended);
  room.end(publication, hub::Ending::clean);
  EXPECT_THAT(room.pictures(), ElementsAre(2000, 2000, 1000));
  EXPECT_TRUE(room.view().ended);
  EXPECT_TRUE(room.view().lanes[0]->ended);
  EXPECT_FALSE(room.view().lanes[0]->open);
  EXPECT_EQ(room.group.running(), 0u);
}

// Of 1 MiB a segment gets an eighth: no keyframe comes, and the sound's clock stands still.
TEST(Packager, ASegmentIsAShareOfTheStreamsMemory) {
  Room room({.max_bytes = 1u << 20});
  auto publication = room.publish();
  room.start();
  publication.announce(tracks());
  room.on([&] {
    publication.push(*video(0s, 0s, true));
    publication.flush();
  });
  for (int i = 0; i < 3000; ++i)
    room.on([&] {
      Packet p = *audio(300ms);
      p.payload = Bytes::copy(std::string(1000, 'x'));
      publication.push(p);
      publication.flush();
    });
  const auto sound = room.view().lane("a1");
  ASSERT_TRUE(sound);
  EXPECT_GE(sound->segments->size(), 3u);
  for (const auto& s : *sound->segments) EXPECT_LT(s->size, 160'000u);
  size_t open = 0;
  if (sound->open)
    for (const auto& p : sound->open->parts) open += p->content->size();
  EXPECT_LT(open, 160'000u);
  room.end(publication, hub::Ending::clean);
}

TEST(Packager, TellsOfPartsAndOfNothingLess) {
  Room room;
  auto publication = room.publish();
  room.start();
  publication.announce(tracks());
  room.feed(publication, 0s, 2s);
  const size_t before = room.views.size();
  room.feed(publication, 2s, 4s);
  // Ten parts of each lane and the segments' ends among them; a hundred packets.
  EXPECT_LE(room.views.size() - before, 22u);
  EXPECT_GE(room.views.size() - before, 10u);
}

TEST(Packager, GoesOnWhenThePublisherReturns) {
  Room room;
  auto first = room.publish();
  room.start();
  first.announce(tracks());
  room.feed(first, 0s, 5s);
  room.end(first, hub::Ending::lost);
  EXPECT_THAT(room.pictures(), ElementsAre(2000, 2000));  // the third is still open: who knows
  room.cores.advance(3s);
  auto second = room.publish();
  second.announce(tracks());
  room.feed(second, 0s, 5s);
  EXPECT_THAT(room.pictures(), ElementsAre(2000, 2000, 1000, 2000, 2000));
  std::vector<bool> marks;
  const auto& all = *room.view().lanes[0]->segments;
  for (const auto& s : all) marks.push_back(s->discontinuity);
  EXPECT_THAT(marks, ElementsAre(false, false, false, true, false));
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[4]->number, all[0]->number + 4);
  EXPECT_EQ(all[3]->start, 5s);
  EXPECT_EQ(all[3]->wall, all[2]->wall + all[2]->duration + 3s) << "time passed between them";
  room.end(second, hub::Ending::clean);
}

TEST(Packager, TheTargetDurationIsPromisedWhenSomebodyAsks) {
  Room room;
  auto publication = room.publish();
  room.start();
  publication.announce(tracks());
  room.feed(publication, 0s, 3s);
  EXPECT_EQ(room.view().target_duration, 0s);
  room.on([&] { room.packager.demand(Demand::cmaf); });
  EXPECT_EQ(room.view().target_duration, 2s);
  EXPECT_EQ(room.view().lanes[0]->target_duration, 2s);
  EXPECT_FALSE(room.view().ts);
  room.end(publication, hub::Ending::clean);
}

TEST(Packager, TheTsLaneBeginsWithWhatWasKept) {
  Room room;
  auto publication = room.publish();
  room.start();
  publication.announce(tracks());
  room.feed(publication, 0s, 7s);
  EXPECT_FALSE(room.view().ts);
  room.on([&] { room.packager.demand(Demand::ts); });
  ASSERT_TRUE(room.view().ts) << "at once, with a whole segment";
  const auto& cmaf = *room.view().lanes[0]->segments;
  const auto ts = room.view().ts->segments;
  ASSERT_EQ(ts->size(), 1u);
  EXPECT_EQ(ts->front()->number, cmaf.back()->number);
  EXPECT_EQ(ts->front()->start, cmaf.back()->start);
  EXPECT_EQ(ts->front()->wall, cmaf.back()->wall);
  room.feed(publication, 7s, 11s);
  EXPECT_THAT(room.milliseconds(room.view().ts), ElementsAre(2000, 2000, 2000));
  for (const auto& s : *room.view().ts->segments)
    EXPECT_EQ((*room.view().lanes[0]->find(s->number))->start, s->start);
  room.end(publication, hub::Ending::clean);
}

TEST(Packager, SaysWhyThereIsNothing) {
  Room room;
  auto publication = room.publish();
  room.start();
  publication.announce({Track{kVideo, Codec::vp8, {}, VideoParams{}, {}}});
  room.feed(publication, 0s, 3s);
  EXPECT_TRUE(room.view().lanes.empty());
  EXPECT_NE(room.view().nothing, "");
  publication.announce(tracks());
  room.feed(publication, 3s, 6s);
  EXPECT_EQ(room.view().nothing, "");
  EXPECT_EQ(room.view().lanes.size(), 2u);
  room.end(publication, hub::Ending::clean);
}

TEST(Packager, WhatTsCannotCarryIsSaidOfTsAlone) {
  Room room;
  auto publication = room.publish();
  room.start();
  publication.announce({Track{kAudio,
                              Codec::opus,
                              from_hex("4f707573486561640102380180bb0000000000"),
                              AudioParams{48000, 2},
                              {}}});
  room.on([&] { room.packager.demand(Demand::ts); });
  room.feed(publication, 0s, 1s);
  EXPECT_EQ(room.view().nothing, "");
  EXPECT_NE(room.view().no_ts, "");
  room.end(publication, hub::Ending::clean);
}

TEST(Packager, StopsInTheMiddle) {
  Room room;
  auto publication = room.publish();
  room.start();
  publication.announce(tracks());
  room.feed(publication, 0s, 3s);
  EXPECT_EQ(room.group.running(), 1u);
  room.on([&] { room.packager.stop(); });
  EXPECT_EQ(room.group.running(), 0u);
  EXPECT_FALSE(room.view().ended);
  room.end(publication, hub::Ending::clean);
}

TEST(Packager, IsNotAViewer) {
  Room room;
  auto publication = room.publish();
  room.start();
  ASSERT_EQ(room.hub.list().size(), 1u);
  EXPECT_TRUE(room.hub.list()[0].viewers.empty());
  room.end(publication, hub::Ending::clean);
}

}  // namespace
}  // namespace weir::segments
