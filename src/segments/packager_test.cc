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
using testing::ElementsAre;

// A packager on core 0 of a manual-clock world, and what it told.
struct Room : World {
  explicit Room(hub::HubConfig config = {}) : World(1, config), group(cores[0]) {}
  ~Room() {
    cores[0].post([this] { packager.stop(); });
    cores.run_until_idle();
  }
  void start() {
    cores[0].post([this] { group.spawn(packager.run()); });
    cores.run_until_idle();
  }
  // 25 pictures a second with sound, a keyframe each second, on the publisher's own timeline.
  void feed(hub::Publication& p, Time from, Time to) {
    for (Time t = from; t < to; t += 40ms) {
      cores[0].post([&p, t] {
        p.push(*video(t, t, t % 1s == 0ns));
        p.push(*audio(t));
        p.flush();
      });
      clock.advance(40ms);
      cores.run_until_idle();
    }
  }
  void end(hub::Publication& p, hub::Ending how) {
    cores[0].post([&p, how] { p.end(how); });
    cores.run_until_idle();
  }
  const Window& window() const { return *updates.back().window; }
  std::vector<double> durations() const {
    std::vector<double> d;
    for (const auto& s : window().listed)
      d.push_back(static_cast<double>(s->duration.count()) / 1e9);
    return d;
  }

  std::vector<Update> updates;
  net::TaskGroup group;
  Packager packager{
      hub, {"live", "s", {}}, {}, clock, [this](Update u) { updates.push_back(std::move(u)); }};
};

std::vector<Track> tracks() { return {h264_track(), aac_track()}; }

TEST(Packager, ListsSegmentsWhileTheStreamRunsAndEndsWithIt) {
  Room room;
  auto publication = room.publish();
  room.start();
  ASSERT_EQ(room.updates.size(), 1u);
  EXPECT_TRUE(room.window().listed.empty());
  publication.announce(tracks());
  room.feed(publication, 0s, 5s);
  EXPECT_THAT(room.durations(), ElementsAre(2, 2));
  EXPECT_FALSE(room.window().ended);
  room.end(publication, hub::Ending::clean);
  EXPECT_THAT(room.durations(), ElementsAre(2, 2, 1));
  EXPECT_TRUE(room.window().ended);
  EXPECT_EQ(room.group.running(), 0u);
}

TEST(Packager, GoesOnWhenThePublisherReturns) {
  Room room;
  auto first = room.publish();
  room.start();
  first.announce(tracks());
  room.feed(first, 0s, 5s);
  room.end(first, hub::Ending::lost);
  EXPECT_THAT(room.durations(), ElementsAre(2, 2));  // the third is still open: who knows
  auto second = room.publish();
  second.announce(tracks());
  room.feed(second, 0s, 5s);
  EXPECT_THAT(room.durations(), ElementsAre(2, 2, 1, 2, 2));
  std::vector<bool> marks;
  for (const auto& s : room.window().listed) marks.push_back(s->discontinuity);
  EXPECT_THAT(marks, ElementsAre(false, false, false, true, false));
  ASSERT_EQ(marks.size(), 5u);
  EXPECT_EQ(room.window().listed[4]->number, room.window().listed[0]->number + 4);
  EXPECT_EQ(room.window().listed[3]->start, 5s);
  room.end(second, hub::Ending::clean);
}

TEST(Packager, SaysWhyThereIsNothing) {
  Room room;
  auto publication = room.publish();
  room.start();
  publication.announce({Track{kVideo, Codec::vp9, {}, VideoParams{}, {}}});
  room.feed(publication, 0s, 3s);
  EXPECT_TRUE(room.window().listed.empty());
  ASSERT_FALSE(room.updates.back().carried);
  EXPECT_EQ(room.updates.back().carried.error().code, Code::unsupported);
  publication.announce(tracks());
  room.feed(publication, 3s, 6s);
  EXPECT_TRUE(room.updates.back().carried);
  EXPECT_EQ(room.window().listed.size(), 1u);
  room.end(publication, hub::Ending::clean);
}

TEST(Packager, StopsInTheMiddle) {
  Room room;
  auto publication = room.publish();
  room.start();
  publication.announce(tracks());
  room.feed(publication, 0s, 3s);
  EXPECT_EQ(room.group.running(), 1u);
  room.cores[0].post([&] { room.packager.stop(); });
  room.cores.run_until_idle();
  EXPECT_EQ(room.group.running(), 0u);
  EXPECT_FALSE(room.window().ended);
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
