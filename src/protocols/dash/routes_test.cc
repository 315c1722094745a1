// Weir live-streaming server. MIT licence, see LICENSE.

// The module as the server runs it: published streams on one core, requests on another, on a manual
// clock; media and manifests must fit together.
#include "protocols/dash/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <regex>

#include "protocols/dash/module.h"
#include "segments/fixture.h"
#include "segments/routes.h"

namespace weir::dash {
namespace {

using net::http::Response;
using segments::testing::Studio;
using ::testing::HasSubstr;
using ::testing::Not;

struct Answer {
  bool done = false;
  Response response;
  std::string text() const {
    return response.content ? std::string(response.content->body().front().text()) : "";
  }
};

net::Task<> keep_answer(net::Task<Response> task, Answer& out) {
  out.response = co_await std::move(task);
  out.done = true;
}

net::Task<> keep_service(net::Task<service::Started> task, service::Started& out) {
  out = co_await std::move(task);
}

ConfigPtr config_of(const DashConfig& section) {
  ConfigSchema schema;
  module.declare(schema);
  ConfigDraft draft(schema);
  draft.edit<DashConfig>("dash") = section;
  return std::move(draft).finish();
}

struct Shop : Studio {
  explicit Shop(DashConfig section = {}, hub::HubConfig hub_config = {})
      : Studio({}, hub_config), context{cores, hub, router, library, disk, config_of(section)} {
    segments::add_routes(router, library);
    on(0, [&] { group.spawn(keep_service(module.start(context), service)); });
    EXPECT_TRUE(service);
  }
  ~Shop() {
    on(0, [&] { group.spawn((*service)->stop()); });
  }
  std::shared_ptr<Answer> get(std::string path, int core = 0) {
    auto answer = std::make_shared<Answer>();
    on(core, [&] {
      paths.push_back(std::move(path));
      auto request = std::make_unique<net::http::Request>();
      request->path = paths.back();
      request->peer_address = "10.0.0.1";
      const auto match = router.find(*request);
      ASSERT_TRUE(match.handler) << request->path;
      if (match.handler->sync) {
        answer->response = match.handler->sync(*request);
        answer->done = true;
      } else {
        group.spawn(keep_answer(match.handler->async(*request), *answer));
      }
      requests.push_back(std::move(request));
    });
    return answer;
  }
  std::string mpd(const std::string& name = "s") {
    const auto a = get("/live/" + name + "/manifest.mpd");
    EXPECT_TRUE(a->done);
    EXPECT_EQ(a->response.status, 200) << a->text();
    return a->text();
  }

  net::http::Router router;
  service::Context context;
  service::Started service = fail(Code::internal, "not started");
  std::deque<std::string> paths;
  std::vector<std::unique_ptr<net::http::Request>> requests;
};

std::vector<std::string> all(const std::string& text, const char* pattern) {
  std::vector<std::string> found;
  const std::regex regex(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it)
    found.push_back((*it)[1]);
  return found;
}

TEST(DashRoutes, AStreamFromItsFirstPartToItsEnd) {
  Shop s;
  auto p = s.publish();
  p.announce(segments::testing::picture_and_sound());
  const auto waiting = s.get("/live/s/manifest.mpd");
  EXPECT_FALSE(waiting->done);
  s.feed(p, 0s, 400ms);
  ASSERT_TRUE(waiting->done);
  EXPECT_EQ(waiting->response.status, 200);
  EXPECT_EQ(waiting->response.content->type(), "application/dash+xml");
  EXPECT_THAT(waiting->text(), HasSubstr("type=\"dynamic\""));
  s.feed(p, 400ms, 5s);
  const std::string live = s.mpd();
  EXPECT_THAT(live, HasSubstr("codecs=\"avc1.640015\""));
  EXPECT_THAT(live, HasSubstr("width=\"320\" height=\"180\" frameRate=\"25\""));
  EXPECT_THAT(live, HasSubstr("availabilityTimeOffset=\"1.800\""));
  s.end(p);
  const std::string over = s.mpd();
  EXPECT_THAT(over, HasSubstr("type=\"static\""));
  EXPECT_THAT(over, Not(HasSubstr("minimumUpdatePeriod")));
}

TEST(DashRoutes, WhatTheManifestNamesIsServed) {
  Shop s;
  auto p = s.publish();
  p.announce(segments::testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  const std::string text = s.mpd();
  const auto headers = all(text, "initialization=\"([^\"]+)\"");
  const auto media = all(text, "media=\"([^\"]+)\"");
  const auto starts = all(text, "startNumber=\"([0-9]+)\"");
  ASSERT_EQ(headers.size(), 2u);
  ASSERT_EQ(media.size(), 2u);
  ASSERT_EQ(starts.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(s.get("/live/s/" + headers[i])->response.status, 200);
    for (uint64_t n = 0; n < 2; ++n) {
      const std::string number = std::to_string(std::stoull(starts[i]) + n);
      const std::string name = std::regex_replace(media[i], std::regex("\\$Number\\$"), number);
      const auto a = s.get("/live/s/" + name);
      ASSERT_TRUE(a->done);
      EXPECT_EQ(a->response.status, 200) << name;
    }
  }
  s.end(p);
}

TEST(DashRoutes, OneVersionIsOneContentOnEveryCore) {
  Shop s;
  auto p = s.publish();
  p.announce(segments::testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto content = s.get("/live/s/manifest.mpd")->response.content;
  ASSERT_TRUE(content);
  EXPECT_FALSE(content->gzip().empty());
  EXPECT_EQ(s.get("/live/s/manifest.mpd")->response.content, content);
  s.feed(p, 5s, 9s);  // two more segments, and nothing else to say
  EXPECT_EQ(s.get("/live/s/manifest.mpd")->response.content, content);
  EXPECT_EQ(s.library.directory().find({"live", "s", {}})->home, &s.cores[1]);
  s.end(p);
  EXPECT_NE(s.get("/live/s/manifest.mpd")->response.content, content);
}

TEST(DashRoutes, AReturnedPublisherIsANewPeriod) {
  Shop s;
  auto first = s.publish();
  first.announce(segments::testing::picture_and_sound());
  s.feed(first, 0s, 5s);
  const std::string before = s.mpd();
  s.end(first, hub::Ending::lost);
  EXPECT_THAT(before, Not(HasSubstr("endNumber")));
  s.cores.advance(4s);
  EXPECT_THAT(s.mpd(), Not(HasSubstr("endNumber"))) << "it may go on";
  auto second = s.publish();
  second.announce(segments::testing::picture_and_sound());
  s.feed(second, 0s, 5s);
  const std::string after = s.mpd();
  EXPECT_THAT(after, HasSubstr("endNumber"));
  const auto starts = all(after, "<Period id=\"[0-9]+\" start=\"PT([0-9.]+)S\"");
  ASSERT_EQ(starts.size(), 2u) << after;
  EXPECT_EQ(all(before, "<Period id=\"([0-9]+)\""),
            std::vector{all(after, "<Period id=\"([0-9]+)\"")[0]});
  EXPECT_NEAR(std::stod(starts[1]), 9.0, 0.1);
  s.end(second);
}

TEST(DashRoutes, NamesWithASuffixAreRenditions) {
  Shop s({.variants = {"_low", "_none"}});
  auto source = s.publish("s"), low = s.publish("s_low");
  for (auto* p : {&source, &low}) p->announce(segments::testing::picture_and_sound());
  for (Time t = 0s; t < 5s; t += 40ms)
    for (auto* p : {&source, &low}) {
      s.on(1, [&] {
        p->push(*mpegts::fixture::video(t, t, t % 1s == 0ns));
        p->push(*mpegts::fixture::audio(t));
        p->flush();
      });
      s.cores.advance(20ms);
    }
  const std::string text = s.mpd();
  const auto media = all(text, "media=\"([^\"]+)\"");
  ASSERT_EQ(media.size(), 3u) << text;
  EXPECT_THAT(media[1], ::testing::StartsWith("../s_low/"));
  const auto header = all(text, "initialization=\"../([^\"]+)\"");
  ASSERT_EQ(header.size(), 1u);
  EXPECT_EQ(s.get("/live/" + header[0])->response.status, 200);
  EXPECT_EQ(all(s.mpd("s_low"), "media=\"([^\"]+)\"").size(), 2u);
  for (auto* p : {&source, &low}) s.end(*p);
}

TEST(DashRoutes, ANewStreamOfTheSameNameHasANewPlan) {
  Shop s;
  std::string last;
  for (int round = 0; round < 3; ++round) {
    auto p = s.publish();
    p.announce(segments::testing::picture_and_sound());
    s.feed(p, 0s, 3s);
    const std::string text = s.mpd();
    EXPECT_EQ(all(text, "<Period id=\"([0-9]+)\"").size(), 1u);
    EXPECT_THAT(text, HasSubstr("type=\"dynamic\""));
    const std::string header = all(text, "initialization=\"([^\"]+)\"").front();
    EXPECT_NE(header, last);
    last = header;
    s.end(p);
  }
}

TEST(DashRoutes, SaysWhatIsWrong) {
  Shop s;
  EXPECT_EQ(s.get("/live/nobody/manifest.mpd")->response.status, 404);
  EXPECT_THAT(s.get("/live/nobody/manifest.mpd")->text(), HasSubstr("nobody publishes"));
  auto p = s.publish();  // and nothing comes
  const auto waiting = s.get("/live/s/manifest.mpd");
  s.cores.advance(7s);
  EXPECT_FALSE(waiting->done);
  s.cores.advance(2s);
  ASSERT_TRUE(waiting->done);
  EXPECT_EQ(waiting->response.status, 503);
  s.end(p);
  EXPECT_EQ(s.get("/live/s/manifest.mpd")->response.status, 404);
}

TEST(DashRoutes, ManyStreamsComeAndGo) {
  Shop s;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "s" + std::to_string(i);
    auto p = s.publish(name);
    p.announce(segments::testing::picture_and_sound());
    s.feed(p, 0s, 400ms);
    EXPECT_THAT(s.mpd(name), HasSubstr("dynamic"));
    s.end(p);
  }
}

TEST(DashRoutes, ViewersAreCounted) {
  Shop s;
  auto p = s.publish();
  p.announce(segments::testing::picture_and_sound());
  s.feed(p, 0s, 3s);
  s.mpd();
  s.cores.advance(1s);
  ASSERT_EQ(s.hub.list().size(), 1u);
  EXPECT_EQ(s.hub.list()[0].audience, 1u);
  s.end(p);
}

TEST(DashRoutes, TheClockIsTheServersOwn) {
  Shop s;
  const auto a = s.get("/api/v1/utc");
  EXPECT_EQ(a->text(), format_utc(s.clock.wall()));
  EXPECT_THAT(a->response.content->common_lines(), HasSubstr("no-store"));
}

TEST(DashRoutes, AnotherLatencyIsToldAfterAReload) {
  Shop s;
  auto p = s.publish();
  p.announce(segments::testing::picture_and_sound());
  s.feed(p, 0s, 3s);
  EXPECT_THAT(s.mpd(), HasSubstr("Latency target=\"1500\""));
  s.on(0, [&] { (*s.service)->reload(config_of({.latency = Duration(3s)})); });
  EXPECT_THAT(s.mpd(), HasSubstr("Latency target=\"3000\""));
  s.end(p);
}

TEST(DashModule, CanBeTurnedOff) {
  Shop s({.enabled = false});
  net::http::Request r;
  r.path = "/live/s/manifest.mpd";
  EXPECT_FALSE(s.router.find(r).handler);
}

TEST(DashConfig, IsDescribedWithItsRanges) {
  ConfigSchema schema;
  module.declare(schema);
  ConfigDraft draft(schema);
  EXPECT_TRUE(draft.set("dash", "latency", "3s"));
  EXPECT_FALSE(draft.set("dash", "latency", "100ms"));
  EXPECT_EQ(std::move(draft).finish()->get<DashConfig>("dash").latency, 3s);
}

}  // namespace
}  // namespace weir::dash
