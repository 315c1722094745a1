// Weir live-streaming server. MIT licence, see LICENSE.

// The module's life: configuration, viewers, publishers that come back, files. Single answers are
// in routes_test.cc; the real thing over sockets, read by ffprobe, is in watch_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "protocols/hls/server_fixture.h"

namespace weir::hls {
namespace {

using namespace fixture;
using segments::testing::picture_and_sound;
using testing::HasSubstr;
using testing::Not;

TEST(HlsService, AStreamFromItsFirstPartToItsEnd) {
  segments::SegmentsConfig cut;
  cut.rewind = 10s;
  Server s({}, cut);
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 1s);
  EXPECT_EQ(s.status("/live/s/index.m3u8"), 200);
  EXPECT_FALSE(s.playlist("/live/s/v1.m3u8").ended);
  s.feed(p, 1s, 30s);
  const auto list = s.playlist("/live/s/v1.m3u8");
  for (const auto& segment : list.segments) EXPECT_EQ(s.status("/live/s/" + segment.uri), 200);
  EXPECT_GE(list.segments.size(), 5u);
  EXPECT_LE(list.segments.size(), 7u);
  s.end(p);
  EXPECT_TRUE(s.playlist("/live/s/v1.m3u8").ended);
  EXPECT_EQ(s.status("/live/s/index.m3u8"), 200);
  s.cores.advance(60s);
  EXPECT_EQ(s.status("/live/s/v1.m3u8"), 404);
  EXPECT_EQ(s.status("/live/s/index.m3u8"), 404);
}

TEST(HlsService, ThePublisherMayReturn) {
  Server s;
  auto first = s.publish();
  first.announce(picture_and_sound());
  s.feed(first, 0s, 15s);
  s.get("/live/s/v1.m3u8");
  const auto before = s.playlist("/live/s/v1.m3u8");
  s.end(first, hub::Ending::lost);
  s.cores.advance(5s);
  EXPECT_FALSE(s.playlist("/live/s/v1.m3u8").ended) << "held: neither ended nor gone";
  auto second = s.publish();
  second.announce(picture_and_sound());
  s.feed(second, 0s, 15s);
  const auto after = s.playlist("/live/s/v1.m3u8");
  size_t changes = 0;
  for (const auto& segment : after.segments) changes += segment.discontinuity;
  EXPECT_EQ(changes, 1u);
  // A segment keeps its number and its name.
  for (const auto& old : before.segments) {
    if (old.number < after.first) continue;
    EXPECT_EQ(after.segments[old.number - after.first].uri, old.uri);
  }
  // What a player merges is what it would have got whole.
  const auto delta = s.playlist("/live/s/v1.m3u8?_HLS_skip=YES");
  EXPECT_GT(delta.skipped, 0u);
  EXPECT_EQ(merge(after, delta).segments.size(), after.segments.size());
  s.end(second);
}

TEST(HlsService, NumbersAndNamesAreNeverUsedTwice) {
  Server s;
  uint64_t last = 0;
  std::string name;
  for (int round = 0; round < 3; ++round) {  // published anew while the ended one still lingers
    auto p = s.publish();
    p.announce(picture_and_sound());
    s.feed(p, 0s, 5s);
    s.get("/live/s/v1.m3u8");
    const auto list = s.playlist("/live/s/v1.m3u8");
    EXPECT_FALSE(list.ended);
    EXPECT_GT(list.segments.back().number, last);
    EXPECT_NE(list.segments.back().uri, name);
    if (round > 0) EXPECT_EQ(s.status("/live/s/" + name), 404);
    last = list.segments.back().number;
    name = list.segments.back().uri;
    s.end(p);
  }
}

TEST(HlsService, AppsMayHaveSlashesAndStreamsAreApart) {
  Server s;
  auto one = s.publish("one"), two = s.publish("two");
  auto who = std::make_shared<hub::Peer>();
  who->core = &s.cores[1];
  auto deep = *s.wait(s.hub.publish({"a/b", "one", {}}, who), 1);
  for (auto* p : {&one, &two, &deep}) p->announce(picture_and_sound());
  s.feed(one, 0s, 3s);
  s.feed(deep, 0s, 3s);
  EXPECT_EQ(s.status("/live/one/v1.m3u8"), 200);
  EXPECT_EQ(s.status("/a/b/one/v1.m3u8"), 200);
  EXPECT_EQ(s.status("/a/b/one/index.m3u8"), 200);
  for (auto* p : {&one, &two, &deep}) s.end(*p);
}

TEST(HlsService, ViewersOfPlaylistsAreCounted) {
  Server s;
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 3s);
  s.get("/live/s/v1.m3u8");
  s.get("/live/s/a1.m3u8");  // the same viewer
  s.cores.advance(3s);
  s.cores.run_until_idle();
  size_t viewers = 0;
  s.on(0, [&] {
    for (const auto& stream : s.hub.list()) viewers += stream.audience;
  });
  EXPECT_EQ(viewers, 1u);
  s.end(p);
}

TEST(HlsService, FilesFollowTheStream) {
  HlsConfig config;
  config.path = mpegts::fixture::temp_path("hls_service");
  {
    Server s(config);
    auto p = s.publish();
    p.announce(picture_and_sound());
    s.feed(p, 0s, 7s);
    const std::string list = config.path + "/live/s/index.m3u8";
    EXPECT_TRUE(s.eventually([&] { return std::filesystem::exists(list); }));
    s.end(p);
  }
  std::filesystem::remove_all(config.path);
}

TEST(HlsService, ReloadChangesWhatPlaylistsSay) {
  Server s;
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 3s);
  s.get("/live/s/index.m3u8");
  EXPECT_EQ(s.playlist("/live/s/v1.m3u8").head.count("#EXT-X-PLAYLIST-TYPE"), 0u);
  HlsConfig event;
  event.type = PlaylistType::event;
  s.on(0, [&] { (*s.service)->reload(config_of(event)); });
  s.feed(p, 3s, 4s);
  EXPECT_EQ(s.playlist("/live/s/v1.m3u8").head.count("#EXT-X-PLAYLIST-TYPE"), 1u);
  s.end(p);
}

TEST(HlsService, CanBeTurnedOff) {
  HlsConfig config;
  config.enabled = false;
  Server s(config);
  net::http::Request r;
  r.path = "/live/s/index.m3u8";
  EXPECT_FALSE(s.router.find(r).handler);
}

TEST(HlsConfig, VariantsAreReadWhenTheConfigurationIs) {
  ConfigSchema schema;
  module.declare(schema);
  ConfigDraft draft(schema);
  EXPECT_TRUE(draft.set("hls", "format", "ts"));
  EXPECT_FALSE(draft.set("hls", "type", "vod"));
  HlsConfig wrong;
  wrong.variants = {"_low", "_hi BANDWIDTH"};
  draft.edit<HlsConfig>("hls") = wrong;
  const auto mistakes = draft.check();
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_THAT(mistakes[0].what, HasSubstr("\"_hi BANDWIDTH\": expected NAME=value"));
}

}  // namespace
}  // namespace weir::hls
