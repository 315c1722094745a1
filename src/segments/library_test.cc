// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <latch>

#include "segments/fixture.h"

namespace weir::segments {
namespace {

namespace fs = std::filesystem;
using testing::Studio;

net::Task<> keep(net::Task<ViewPtr> task, std::optional<ViewPtr>& out) {
  out = co_await std::move(task);
}

TEST(Library, EveryCoreSeesWhatIsPublished) {
  Studio s;
  EXPECT_FALSE(s.view());
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto view = s.view();
  ASSERT_TRUE(view);
  EXPECT_EQ(view->home, &s.cores[1]);
  ASSERT_EQ(view->lanes.size(), 2u);
  EXPECT_EQ(view->lanes[0]->segments->size(), 2u);
  s.end(p);
}

TEST(Library, ReadyWaitsForTheFirstPartOfEveryLane) {
  Studio s;
  std::optional<ViewPtr> nobody, got;
  s.on(0, [&] {
    s.group.spawn(keep(s.library.ready({"live", "s", {}}, Demand::cmaf, 8s), nobody));
  });
  EXPECT_TRUE(nobody && !*nobody);
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.on(0, [&] { s.group.spawn(keep(s.library.ready({"live", "s", {}}, Demand::cmaf, 8s), got)); });
  s.feed(p, 0s, 160ms);
  EXPECT_FALSE(got);
  s.feed(p, 160ms, 400ms);
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->target_duration, 2s);
  EXPECT_EQ((*got)->lanes.size(), 2u);
  s.end(p);
}

TEST(Library, ATrackThatStaysSilentIsNotWaitedFor) {
  Studio s;
  std::optional<ViewPtr> got;
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.on(0, [&] { s.group.spawn(keep(s.library.ready({"live", "s", {}}, Demand::cmaf, 8s), got)); });
  for (Time t = 0s; t < 2s; t += 40ms) {
    s.on(1, [&] {
      p.push(*mpegts::fixture::video(t, t, t % 1s == 0ns));
      p.flush();
    });
    s.cores.advance(40ms);
    if (t < 1s) EXPECT_FALSE(got) << t / 1ms;
  }
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->lanes.size(), 1u);
  s.end(p);
}

TEST(Library, AnEndedStreamStaysForTheRewindTime) {
  Studio s({.rewind = 60s});
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  s.end(p);
  s.cores.advance(59s);
  ASSERT_TRUE(s.view());
  EXPECT_TRUE(s.view()->ended);
  EXPECT_EQ(s.view()->lanes[0]->segments->size(), 3u);
  s.demand();
  EXPECT_EQ(s.view()->target_duration, 2s) << "asked for only after its end";
  s.cores.advance(2s);
  EXPECT_FALSE(s.view());
}

TEST(Library, ANewStreamTakesTheNameOfOneThatEnded) {
  Studio s;
  auto first = s.publish();
  first.announce(testing::picture_and_sound());
  s.feed(first, 0s, 5s);
  s.end(first);
  const auto old = s.view();
  auto second = s.publish();
  second.announce(testing::picture_and_sound());
  s.feed(second, 0s, 3s);
  const auto now = s.view();
  ASSERT_TRUE(old && now);
  EXPECT_GT(now->owner, old->owner);
  EXPECT_NE(now->token, old->token);
  EXPECT_FALSE(now->ended);
  EXPECT_GT(now->lanes[0]->segments->front()->number, old->lanes[0]->segments->back()->number);
  s.cores.advance(20min);
  EXPECT_TRUE(s.view()) << "the older one's end is not the younger one's";
  s.end(second);
}

// Keeps the disk's one thread until it may go on.
net::Task<> occupy(net::BlockingPool& disk, std::latch& blocked, std::latch& go) {
  auto job = [&] {
    blocked.count_down();
    go.wait();
    return true;
  };
  co_await disk.run(std::move(job));
}

struct Folder {
  Folder() { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }
  size_t files() const {
    size_t n = 0;
    if (fs::exists(path))
      for (const auto& e : fs::recursive_directory_iterator(path)) n += e.is_regular_file();
    return n;
  }
  std::string path = "/tmp/weir_rewind_" + std::to_string(getpid());
};

net::Task<> read(const Library& l, SegmentPtr s, std::optional<Result<ContentPtr>>& out) {
  out = co_await l.read(std::move(s));
}

TEST(Library, OldSegmentsGoToDiskAndAreReadFromThere) {
  const Folder folder;
  fs::create_directories(folder.path + "/live/s");
  std::ofstream(folder.path + "/live/s/old-v1-0-7.m4s") << "of a run that crashed";
  std::ofstream(folder.path + "/live/s/notes.txt") << "not ours";
  {
    Studio s({.memory = 6s, .rewind = 60s, .rewind_path = folder.path});
    auto p = s.publish();
    p.announce(testing::picture_and_sound());
    s.feed(p, 0s, 20s);
    const auto on_disk = [&] {
      const auto v = s.view();
      return v && !v->lanes.empty() && !v->lanes[0]->segments->front()->file.empty();
    };
    ASSERT_TRUE(s.eventually(on_disk));
    const auto oldest = s.view()->lanes[0]->segments->front();
    EXPECT_FALSE(oldest->content);
    EXPECT_EQ(s.view()->lanes[0]->segments->size(), 9u);
    std::optional<Result<ContentPtr>> bytes;
    s.on(0, [&] { s.group.spawn(read(s.library, oldest, bytes)); });
    ASSERT_TRUE(s.eventually([&] { return bytes.has_value(); }));
    ASSERT_TRUE(*bytes);
    EXPECT_EQ((**bytes)->size(), oldest->size);
    EXPECT_EQ((**bytes)->type(), "video/mp4");
    std::optional<Result<ContentPtr>> again;
    s.on(0, [&] { s.group.spawn(read(s.library, oldest, again)); });
    ASSERT_TRUE(again && *again) << "shared as long as somebody has it";
    EXPECT_EQ(**again, **bytes);
    EXPECT_FALSE(fs::exists(folder.path + "/live/s/old-v1-0-7.m4s"));
    s.end(p);
    s.cores.advance(61s);
    ASSERT_TRUE(s.eventually([&] { return folder.files() == 1; })) << folder.files();
  }
  EXPECT_TRUE(fs::exists(folder.path + "/live/s/notes.txt"));
}

TEST(Library, TheNextStreamOfANameHasItsFolderToo) {
  const Folder folder;
  Studio s({.memory = 6s, .rewind = 60s, .rewind_path = folder.path}, {}, 1);
  for (int round = 0; round < 2; ++round) {
    auto p = s.publish();
    p.announce(testing::picture_and_sound());
    s.feed(p, 0s, 20s);
    const auto on_disk = [&] { return !s.view()->lanes[0]->segments->front()->file.empty(); };
    ASSERT_TRUE(s.eventually(on_disk)) << round;
    s.end(p);
  }
}

TEST(Library, WhatIsStillQueuedForASlowDiskIsNotKeptForIt) {
  const Folder folder;
  Studio s({.memory = 6s, .rewind = 600s, .rewind_path = folder.path, .max_bytes = mib(1)});
  std::latch blocked(1), go(1);
  s.on(0, [&] { s.group.spawn(occupy(s.disk, blocked, go)); });
  blocked.wait();
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 20s);
  const std::weak_ptr<const net::http::Content> watched =
      s.view()->lanes[0]->segments->front()->content;
  ASSERT_FALSE(watched.expired());
  s.feed(p, 20s, 300s);
  EXPECT_TRUE(watched.expired());
  go.count_down();
  s.end(p);
}

TEST(Library, WithoutItsFolderTheStreamGoesOn) {
  Studio s({.memory = 6s, .rewind = 60s, .rewind_path = "/proc/nowhere"});
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 20s);
  const auto gap = [&] { return s.view()->lanes[0]->segments->front()->gap; };
  ASSERT_TRUE(s.eventually(gap));
  EXPECT_TRUE(s.view()->lanes[0]->segments->back()->content);
  s.end(p);
}

}  // namespace
}  // namespace weir::segments
