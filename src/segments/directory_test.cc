// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/task_group.h"

namespace weir::segments {
namespace {

using ::testing::ElementsAre;

const StreamKey kKey{"live", "foo", {}};

WindowPtr lane(std::string id, size_t parts) {
  auto w = std::make_shared<Window>();
  w->id = std::move(id);
  w->segments = std::make_shared<const std::vector<SegmentPtr>>();
  w->open.emplace();
  w->open->number = 10;
  w->open->parts.resize(parts, std::make_shared<const Part>());
  return w;
}

ViewPtr view(uint64_t owner, WindowPtr video, WindowPtr sound) {
  auto v = std::make_shared<View>();
  v->owner = owner;
  v->lanes = {std::move(video), std::move(sound)};
  return v;
}
ViewPtr view(uint64_t owner) { return view(owner, lane("v1", 1), lane("a1", 1)); }

// Three cores without threads: what is posted to a core runs when the test says so.
struct Cluster {
  ManualClock clock;
  net::Cores cores{3, clock};
  Directory directory{cores};

  void run(int core, std::function<void()> f) {
    cores[core].post([f = std::move(f)] { f(); });
    cores.run_until_idle();
  }
  ViewPtr find(int core) {
    ViewPtr found;
    run(core, [&] { found = directory.find(kKey); });
    return found;
  }
  void publish(int core, ViewPtr v, StreamKey key = kKey) {
    run(core, [&] { directory.publish(key, v); });
  }
};

TEST(View, FindsLanesById) {
  auto v = std::make_shared<View>(*view(1));
  EXPECT_EQ(v->lane("a1"), v->lanes[1]);
  EXPECT_FALSE(v->lane("a2"));
  EXPECT_FALSE(v->lane("ts"));
  v->ts = lane("ts", 0);
  EXPECT_EQ(v->lane("ts"), v->ts);
}

TEST(Directory, EveryCoreHasItsCopy) {
  Cluster c;
  EXPECT_FALSE(c.find(0));
  const auto v = view(1);
  c.publish(1, v);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(c.find(i), v);
  bool ours = false;
  c.run(1, [&] { ours = c.directory.remove(kKey, 1); });
  EXPECT_TRUE(ours);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(c.find(i));
}

TEST(Directory, AnOlderOwnerNeverWins) {
  Cluster c;
  const auto young = view(2);
  c.publish(1, view(1));
  c.publish(2, young);
  c.publish(1, view(1));
  bool ours = true;
  c.run(1, [&] { ours = c.directory.remove(kKey, 1); });
  EXPECT_FALSE(ours);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(c.find(i), young);
}

TEST(Directory, ListsRenditionsSourceFirst) {
  Cluster c;
  for (const char* name : {"fo", "foo", "foo2"})
    for (const char* rendition : {"720p", "", "360p"})
      c.publish(0, view(1), {"live", name, rendition});
  c.publish(0, view(1), {"other", "foo", ""});
  std::vector<std::string> names;
  c.run(2, [&] {
    for (const auto& [key, v] : c.directory.renditions(kKey)) names.push_back(key.to_string());
  });
  EXPECT_THAT(names, ElementsAre("live/foo", "live/foo@360p", "live/foo@720p"));
}

struct Waiting {
  bool done = false;
  ViewPtr got;
  int looks = 0;
};

net::Task<> keep(const Directory& d, std::string lane, Time limit, Directory::Predicate p,
                 Waiting& out) {
  out.got = co_await d.wait(kKey, std::move(lane), limit, std::move(p));
  out.done = true;
}

// A request for this part of this lane, on core 2.
void ask(Cluster& c, net::TaskGroup& group, std::string id, size_t part, Time limit, Waiting& out) {
  const auto there = [id, part, &out](const View& v) {
    ++out.looks;
    const WindowPtr w = v.lane(id);
    return w && w->has_part(10, part);
  };
  c.run(2, [&] { group.spawn(keep(c.directory, id, limit, there, out)); });
}

TEST(Directory, RequestsWaitOnTheirOwnCoreForTheirOwnLane) {
  Cluster c;
  const auto video = lane("v1", 1), sound = lane("a1", 1);
  c.publish(0, view(1, video, sound));
  net::TaskGroup group(c.cores[2]);
  Waiting out;
  ask(c, group, "v1", 1, 6s, out);
  EXPECT_EQ(out.looks, 1);
  c.publish(0, view(1, video, lane("a1", 2)));
  EXPECT_EQ(out.looks, 1) << "sound is no reason to look";
  c.run(2, [&] { EXPECT_EQ(c.directory.waiting(), 1u); });
  const auto news = view(1, lane("v1", 2), sound);
  c.publish(0, news);
  ASSERT_TRUE(out.done);
  EXPECT_EQ(out.got, news);
  EXPECT_EQ(group.running(), 0u);
  c.run(2, [&] { EXPECT_EQ(c.directory.waiting(), 0u); });
}

TEST(Directory, WaitingIsBoundedAndSurvivesRemoval) {
  Cluster c;
  net::TaskGroup group(c.cores[2]);
  Waiting unknown, late, removed, replaced;
  ask(c, group, "v1", 9, 4s, unknown);
  EXPECT_TRUE(unknown.done && !unknown.got);
  c.publish(0, view(1));
  ask(c, group, "v1", 9, 4s, late);
  ask(c, group, "a1", 9, 60s, removed);
  c.cores.advance(5s);
  EXPECT_TRUE(late.done && late.got);
  EXPECT_FALSE(removed.done);
  c.publish(0, view(2));  // another stream of that name: worth a look
  EXPECT_EQ(removed.looks, 2);
  c.run(0, [&] { c.directory.remove(kKey, 2); });
  EXPECT_TRUE(removed.done && !removed.got);
  EXPECT_EQ(group.running(), 0u);
}

TEST(Directory, CloseEndsEveryWait) {
  Cluster c;
  net::TaskGroup group(c.cores[2]);
  Waiting before, after;
  c.publish(0, view(1));
  ask(c, group, "v1", 9, 60s, before);
  c.run(0, [&] { c.directory.close(); });
  EXPECT_TRUE(before.done && before.got);
  ask(c, group, "v1", 9, 60s, after);
  EXPECT_TRUE(after.done);
}

}  // namespace
}  // namespace weir::segments
