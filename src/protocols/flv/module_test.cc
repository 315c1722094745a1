// Weir live-streaming server. MIT licence, see LICENSE.

// Who is let in, who is not, and how all are sent home; and the module as the server starts it.
#include "protocols/flv/module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/flv/fixture.h"

namespace weir::flv_play {
namespace {

using namespace testing;
using net::http::Opcode;
using ::testing::EndsWith;
using ::testing::HasSubstr;

const auto kWs = Carrier::websocket;

TEST(FlvViewers, AMissingStreamIsNotFoundBeforeAnythingIsTakenOver) {
  Server s({}, {.missing = hub::MissingStream::not_found});
  for (const Carrier c : {Carrier::body, kWs}) {
    const auto p = s.get("/live/nobody.flv", c);
    EXPECT_EQ(p->status(), 404);
    EXPECT_THAT(p->body(), HasSubstr("nobody publishes live/nobody"));
    EXPECT_FALSE(p->theirs);
  }
  auto pub = s.publish();
  pub.announce(video_and_audio());
  s.push(pub, {video(0, true)});
  EXPECT_EQ(s.get("/live/s.flv")->status(), 200);
}

TEST(FlvViewers, AConnectionThatIsNeverTakenLeavesNothingBehind) {
  Server s;
  auto p = s.ask("/live/s.flv");
  EXPECT_TRUE(p->response.takeover);
  EXPECT_EQ(s.hub.list().size(), 1u);
  EXPECT_EQ(s.viewers->count(), 1);
  s.cores[0].post([&] { p.reset(); });
  s.cores.run_until_idle();
  EXPECT_TRUE(s.hub.list().empty());
  EXPECT_EQ(s.viewers->count(), 0);
}

TEST(FlvViewers, RefusesWhatMakesNoSense) {
  Server s;
  EXPECT_EQ(s.get("/live/s.flv?audio=0&video=0")->status(), 400);
  EXPECT_EQ(s.get("/live/50%.flv")->status(), 400);
  auto p = s.ask("/live/s.flv", kWs);
  p->request.headers.pop_back();  // the key
  p->response = s.wait(s.router.find(p->request).handler->async(p->request));
  EXPECT_EQ(p->status(), 400);
  EXPECT_TRUE(s.hub.list().empty());
}

TEST(FlvViewers, NoMoreThanAllowed) {
  Server s({.max_viewers = 2});
  const auto a = s.get("/live/s.flv"), b = s.get("/live/s.flv", kWs);
  const auto c = s.get("/live/s.flv");
  EXPECT_EQ(c->status(), 503);
  EXPECT_THAT(c->body(), HasSubstr("flv.max_viewers"));
  a->theirs->close();
  s.cores.run_until_idle();
  EXPECT_EQ(s.get("/live/s.flv")->status(), 200);
}

TEST(FlvViewers, ANewConfigurationIsForThoseThatComeAfter) {
  Server s;
  const auto before = s.get("/live/s.flv");
  s.viewers->reconfigure(std::make_shared<const Config>(Config{.enabled = false}));
  EXPECT_EQ(s.get("/live/s.flv")->status(), 404);
  EXPECT_EQ(s.read(*before), "Hav");
  EXPECT_FALSE(before->closed);
}

TEST(FlvViewers, StopEndsAllOnAllCoresUnderLoad) {
  Server s({}, {}, 2);
  auto pub = s.publish();
  pub.announce(video_and_audio());
  s.push(pub, {video(0, true), audio(21)});
  std::vector<std::unique_ptr<Player>> players;
  for (int i = 0; i < 40; ++i) {
    const Carrier carrier = i % 2 == 0 ? Carrier::body : kWs;
    // Every third has no room for what comes.
    players.push_back(s.get("/live/s.flv", carrier, i % 3 == 0 ? 500 : 1 << 20, i / 2 % 2));
  }
  EXPECT_EQ(s.viewers->count(), 40);
  for (int t = 40; t < 4000; t += 40) s.push(pub, {video(t, t % 1000 == 0)});
  s.stop();
  EXPECT_EQ(s.viewers->count(), 0);
  EXPECT_TRUE(s.hub.list().front().viewers.empty());
  for (size_t i = 0; i < players.size(); ++i) {
    const std::string seen = s.read(*players[i]);
    EXPECT_TRUE(players[i]->closed) << i;
    if (i % 3 == 0) continue;
    EXPECT_TRUE(players[i]->notes.whole()) << i;
    if (i % 2 == 1) {
      EXPECT_THAT(seen, EndsWith("X1001"));
    }
  }
  EXPECT_EQ(s.get("/live/s.flv")->status(), 503);
  EXPECT_FALSE(s.get("/live/s.flv")->theirs);
}

TEST(FlvViewers, AConnectionHandedOverAfterTheEndIsClosed) {
  Server s;
  const auto p = s.ask("/live/s.flv");
  s.stop();
  s.connect(*p, 1000);
  EXPECT_EQ(s.read(*p), "");
  EXPECT_TRUE(p->closed);
}

net::Task<> keep(net::Task<service::Started> task, service::Started& out) { out = co_await task; }

TEST(FlvModule, StartsServesAndStops) {
  World w;
  ConfigSchema schema;
  module.declare(schema);
  ConfigDraft draft(schema);
  EXPECT_TRUE(draft.set("flv", "wait", "5s"));
  EXPECT_FALSE(draft.set("flv", "max_viewers", "0"));
  net::http::Router router;
  net::BlockingPool disk{1};
  segments::Library library(w.hub, disk, std::make_shared<segments::SegmentsConfig>());
  service::Context context{w.cores, w.hub, router, library, disk, std::move(draft).finish()};
  EXPECT_EQ(context.config->get<Config>("flv").wait, 5s);
  service::Started started = fail(Code::internal, "not started");
  net::TaskGroup group(w.cores[0]);
  w.cores[0].post([&] { group.spawn(keep(module.start(context), started)); });
  w.cores.run_until_idle();
  ASSERT_TRUE(started);
  net::http::Request r;
  r.path = "/a/b/c.flv";
  ASSERT_TRUE(router.find(r).handler);
  EXPECT_EQ(r.param("app"), "a/b");
  EXPECT_EQ(r.param("stream"), "c");
  w.cores[0].post([&] { group.spawn((*started)->stop()); });
  w.cores.run_until_idle();
  EXPECT_EQ(group.running(), 0u);
}

}  // namespace
}  // namespace weir::flv_play
