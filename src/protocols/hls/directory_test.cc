// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/directory.h"

#include <gtest/gtest.h>

#include "containers/mpegts/fixture.h"
#include "net/task_group.h"
#include "protocols/hls/playlist.h"

namespace weir::hls {
namespace {

const StreamKey kKey{"live", "foo", {}};

segments::SegmentStore store() {
  return segments::SegmentStore({.window = 6s, .first_number = 10, .token = "t"});
}

segments::MadeSegment made() {
  segments::MadeSegment m;
  m.data = Bytes::copy("some bytes of a segment");
  m.duration = 2s;
  m.tracks =
      std::make_shared<const std::vector<Track>>(std::vector<Track>{mpegts::fixture::aac_track()});
  return m;
}

TEST(View, HasPlaylistsOnceThereIsASegment) {
  auto s = store();
  const auto empty = make_view(s.window(), {}, nullptr);
  EXPECT_FALSE(empty->media);
  EXPECT_EQ(empty->nothing, "");
  s.add(made(), 2s);
  const auto view = make_view(s.window(), {}, empty.get());
  ASSERT_TRUE(view->media && view->multivariant);
  EXPECT_EQ(view->media->type(), kPlaylistType);
  EXPECT_EQ(view->media->body().front().text(), media_playlist(*s.window()));
  EXPECT_FALSE(view->media->gzip().empty());
  EXPECT_NE(view->media->common_lines().find("no-cache"), std::string::npos);
  const auto content = view->find("t-10.ts");
  ASSERT_TRUE(content);
  EXPECT_EQ(content->etag(), "\"t-10.ts\"");
  EXPECT_NE(content->common_lines().find("immutable"), std::string::npos);
  EXPECT_FALSE(view->find("t-11.ts"));
  EXPECT_FALSE(view->find("10.ts"));
}

TEST(View, SegmentsAreMadeOnceAndPlaylistsDiffer) {
  auto s = store();
  s.add(made(), 2s);
  const auto one = make_view(s.window(), {}, nullptr);
  s.add(made(), 2s);
  const auto two = make_view(s.window(), {}, one.get());
  EXPECT_EQ(one->find("t-10.ts"), two->find("t-10.ts"));
  EXPECT_NE(one->media->etag(), two->media->etag());
  for (int i = 0; i < 20; ++i) s.add(made(), 2s);
  const auto later = make_view(s.window(), {}, two.get());
  EXPECT_FALSE(later->find("t-10.ts"));
  EXPECT_EQ(later->contents.size(), 3u + 4u);
  EXPECT_TRUE(later->find(later->contents.front().first->name));  // lingers, not listed
}

TEST(View, SaysWhyThereIsNothing) {
  auto s = store();
  const auto cannot = make_view(s.window(), fail(Code::unsupported, "no room for av1"), nullptr);
  EXPECT_EQ(cannot->nothing, "no room for av1");
  s.end();
  EXPECT_NE(make_view(s.window(), {}, nullptr)->nothing, "");
}

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
    ViewPtr view;
    run(core, [&] { view = directory.find(kKey); });
    return view;
  }
  void publish(int core, uint64_t owner, ViewPtr view) {
    run(core, [&] { directory.publish(kKey, owner, view); });
  }
};

ViewPtr some_view(bool ready) {
  auto s = store();
  if (ready) s.add(made(), 2s);
  return make_view(s.window(), {}, nullptr);
}

TEST(Directory, EveryCoreHasItsCopy) {
  Cluster c;
  EXPECT_FALSE(c.find(0));
  const auto view = some_view(true);
  c.publish(1, 1, view);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(c.find(i), view);
  bool ours = false;
  c.run(1, [&] { ours = c.directory.remove(kKey, 1); });
  EXPECT_TRUE(ours);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(c.find(i));
}

TEST(Directory, AnOlderOwnerNeverWins) {
  Cluster c;
  const auto old = some_view(true), young = some_view(true);
  c.publish(1, 1, old);
  c.publish(2, 2, young);
  c.publish(1, 1, old);
  bool ours = true;
  c.run(1, [&] { ours = c.directory.remove(kKey, 1); });
  EXPECT_FALSE(ours);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(c.find(i), young);
}

net::Task<> keep(const Directory& d, Time limit, std::optional<ViewPtr>& out) {
  out = co_await d.wait(kKey, limit);
}

TEST(Directory, RequestsWaitOnTheirOwnCore) {
  Cluster c;
  c.publish(0, 1, some_view(false));
  net::TaskGroup group(c.cores[2]);
  std::optional<ViewPtr> got;
  c.run(2, [&] { group.spawn(keep(c.directory, 4s, got)); });
  EXPECT_FALSE(got);
  c.publish(0, 1, some_view(false));  // a change, but not what is waited for
  EXPECT_FALSE(got);
  const auto ready = some_view(true);
  c.publish(0, 1, ready);
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, ready);
  EXPECT_EQ(group.running(), 0u);
}

TEST(Directory, WaitingIsBoundedAndSurvivesRemoval) {
  Cluster c;
  net::TaskGroup group(c.cores[1]);
  std::optional<ViewPtr> unknown, late, removed;
  c.run(1, [&] { group.spawn(keep(c.directory, 4s, unknown)); });
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(*unknown);
  c.publish(0, 1, some_view(false));
  c.run(1, [&] { group.spawn(keep(c.directory, 4s, late)); });
  c.run(1, [&] { group.spawn(keep(c.directory, 60s, removed)); });
  c.cores.advance(5s);
  ASSERT_TRUE(late);
  EXPECT_TRUE(*late && !(*late)->media);
  EXPECT_FALSE(removed);
  c.run(0, [&] { c.directory.remove(kKey, 1); });
  ASSERT_TRUE(removed);
  EXPECT_FALSE(*removed);
  EXPECT_EQ(group.running(), 0u);
}

}  // namespace
}  // namespace weir::hls
