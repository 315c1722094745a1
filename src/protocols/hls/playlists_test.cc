// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/playlists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/fixture.h"
#include "net/http/gzip.h"
#include "protocols/hls/fixture.h"

namespace weir::hls {
namespace {

using namespace fixture;
using hub::testing::World;
using testing::HasSubstr;
using testing::Not;
using Keep = Playlists::Keep;

const StreamKey kFoo{"live", "foo", {}};

struct Cache : World {
  explicit Cache(HlsConfig config = {}) : World(2) {
    on(0, [&] { playlists.emplace(cores, directory, settings_of(config)); });
  }
  void on(int core, std::function<void()> f) {
    cores[core].post([f = std::move(f)] { f(); });
    cores.run_until_idle();
  }
  segments::ViewPtr publish(const StreamKey& key, Lanes& lanes, uint64_t owner = 1) {
    auto view = std::make_shared<segments::View>();
    view->owner = owner;
    view->token = "k3v9x2a";
    view->target_duration = 2s;
    view->lanes = lanes.store.lanes();
    on(0, [&] { directory.publish(key, view); });
    return view;
  }
  ContentPtr media(const segments::ViewPtr& view, const std::string& lane = "v1", Query q = {},
                   Keep keep = Keep::poll, const StreamKey& key = kFoo, int core = 0) {
    ContentPtr content;
    on(core, [&] { content = playlists->media(key, *view, lane, q, keep); });
    return content;
  }

  segments::Directory directory{cores};
  std::optional<Playlists> playlists;
};

std::string text(const ContentPtr& c) { return std::string(c->body().front().text()); }

TEST(Playlists, OneBufferForAVersionOnACore) {
  Cache cache;
  Lanes l;
  l.segment();
  auto view = cache.publish(kFoo, l);
  const auto first = cache.media(view), again = cache.media(view);
  EXPECT_EQ(first, again);
  EXPECT_EQ(first->gzip(), net::http::gzip(first->body().front()));
  // Blocking answers share bytes and validators; only the cache rule differs.
  const auto edge = cache.media(view, "v1", {}, Keep::edge);
  EXPECT_EQ(edge->body().front().data(), first->body().front().data());
  EXPECT_EQ(edge->gzip().data(), first->gzip().data());
  EXPECT_EQ(edge->etag(), first->etag());
  EXPECT_THAT(first->common_lines(), HasSubstr("Cache-Control: public, max-age=1\r\n"));
  EXPECT_THAT(edge->common_lines(), HasSubstr("Cache-Control: public, max-age=12\r\n"));
  // Another core makes its own, of the same text.
  const auto other = cache.media(view, "v1", {}, Keep::poll, kFoo, 1);
  EXPECT_NE(other, first);
  EXPECT_EQ(text(other), text(first));

  l.segment();
  const auto old = std::exchange(view, nullptr);  // a request may still hold it
  view = cache.publish(kFoo, l);
  EXPECT_NE(cache.media(view), first);
  cache.on(0, [&] { EXPECT_EQ(cache.playlists->size(), 1u); });
}

TEST(Playlists, FormsAreApart) {
  Cache cache;
  Lanes l;
  for (int i = 0; i < 12; ++i) l.segment();
  const auto view = cache.publish(kFoo, l);
  EXPECT_THAT(text(cache.media(view)), Not(HasSubstr("EXT-X-SKIP")));
  EXPECT_THAT(text(cache.media(view, "v1", {.skip = true})), HasSubstr("EXT-X-SKIP"));
  EXPECT_THAT(text(cache.media(view, "v1", {.type = PlaylistType::event})),
              HasSubstr("PLAYLIST-TYPE:EVENT"));
  EXPECT_THAT(text(cache.media(view)), Not(HasSubstr("PLAYLIST-TYPE")));
  l.finish();
  const auto ended = cache.publish(kFoo, l);
  EXPECT_THAT(text(cache.media(ended, "v1", {.skip = true})), Not(HasSubstr("EXT-X-SKIP")));
}

TEST(Playlists, TheConfiguredFormAndItsReload) {
  HlsConfig config;
  config.type = PlaylistType::event;
  Cache cache(config);
  Lanes l;
  l.segment();
  auto view = cache.publish(kFoo, l);
  EXPECT_THAT(text(cache.media(view)), HasSubstr("PLAYLIST-TYPE:EVENT"));
  EXPECT_THAT(text(cache.media(view, "v1", {.type = PlaylistType::live})),
              Not(HasSubstr("PLAYLIST-TYPE")));
  cache.on(0, [&] { cache.playlists->reconfigure(settings_of(HlsConfig{})); });
  l.segment();
  view = cache.publish(kFoo, l);
  EXPECT_THAT(text(cache.media(view)), Not(HasSubstr("PLAYLIST-TYPE")));
}

TEST(Playlists, ReportsAreOfAllOthersAndAsNewAsTheText) {
  HlsConfig config;
  config.variants = {"_low"};
  Cache cache(config);
  Lanes foo(store_options(), true), rendition, low;
  for (auto* l : {&foo, &rendition, &low}) {
    l->begin();
    l->part();
  }
  foo.part();
  foo.part();
  low.part();
  cache.publish({"live", "foo", "720p"}, rendition);
  const auto of_low = cache.publish({"live", "foo_low", {}}, low);
  const auto view = cache.publish(kFoo, foo);
  auto p = read(text(cache.media(view)));
  ASSERT_EQ(p.reports.size(), 3u);
  EXPECT_EQ(p.reports["a1.m3u8"], "URI=\"a1.m3u8\",LAST-MSN=59000000,LAST-PART=1");
  EXPECT_EQ(attribute(p.reports["v1@720p.m3u8"], "LAST-PART"), "0");
  EXPECT_EQ(attribute(p.reports["../foo_low/v1.m3u8"], "LAST-PART"), "1");
  p = read(text(cache.media(view, "a1", {.type = PlaylistType::event})));
  EXPECT_EQ(p.reports.count("v1.m3u8?type=event"), 1u);
  EXPECT_EQ(p.reports.count("v1@720p.m3u8?type=event"), 1u);
  p = read(text(cache.media(of_low, "v1", {}, Keep::poll, {"live", "foo_low", {}})));
  EXPECT_EQ(p.reports.count("../foo/a1.m3u8"), 1u);
  EXPECT_EQ(p.reports.count("../foo/v1@720p.m3u8"), 1u);
  EXPECT_EQ(p.reports.size(), 3u);
}

TEST(Playlists, TheHoldBackIsThatOfTheLongestPart) {
  Cache cache;
  Lanes l(store_options(), true);
  l.segment();
  const auto p = read(text(cache.media(cache.publish(kFoo, l))));
  EXPECT_EQ(attribute(p.head.at("#EXT-X-SERVER-CONTROL"), "PART-HOLD-BACK"), "0.732");
  EXPECT_EQ(p.head.at("#EXT-X-PART-INF"), "PART-TARGET=0.200000");
}

TEST(Playlists, WhatIsGoneIsNotKept) {
  Cache cache;
  std::weak_ptr<const segments::Window> window;
  {
    Lanes l;
    l.segment();
    auto view = cache.publish(kFoo, l);
    cache.media(view);
    window = view->lanes[0];
    cache.on(0, [&] { cache.directory.remove(kFoo, 1); });
  }
  EXPECT_TRUE(window.expired()) << "texts keep no media";
  Lanes l;
  l.segment();
  const StreamKey bar{"live", "bar", {}};
  cache.media(cache.publish(bar, l), "v1", {}, Keep::poll, bar);
  cache.on(0, [&] { EXPECT_EQ(cache.playlists->size(), 1u); });
}

TEST(Playlists, TheMultivariantIsMadeOncePerView) {
  Cache cache;
  Lanes l(store_options(), true);
  l.segment();
  cache.publish(kFoo, l);
  const auto ask = [&] {
    ContentPtr content;
    cache.on(0, [&] {
      content = cache.playlists->multivariant(kFoo, family(cache.directory, kFoo, {}), {});
    });
    return content;
  };
  const auto first = ask();
  ASSERT_TRUE(first);
  EXPECT_EQ(ask(), first);
  EXPECT_THAT(text(first), HasSubstr("\nv1.m3u8\n"));
  EXPECT_THAT(first->common_lines(), HasSubstr("Cache-Control: no-cache\r\n"));
  l.segment();
  cache.publish(kFoo, l);
  EXPECT_NE(ask(), first);
  cache.on(0, [&] { cache.directory.remove(kFoo, 1); });
  EXPECT_EQ(ask(), nullptr);
}

}  // namespace
}  // namespace weir::hls
