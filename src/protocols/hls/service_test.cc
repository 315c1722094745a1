// Weir live-streaming server. MIT licence, see LICENSE.

// The module as the server runs it: a hub, a router, requests on one core while the stream lives on
// another, on a manual clock. The real thing over sockets, read by ffprobe, is in watch_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "containers/mpegts/fixture.h"
#include "hub/fixture.h"
#include "protocols/hls/config.h"
#include "protocols/hls/module.h"

namespace weir::hls {
namespace {

using namespace mpegts::fixture;
using hub::testing::World;
using net::http::Response;
using testing::HasSubstr;
using testing::Not;

ConfigPtr config_of(const HlsConfig& section) {
  ConfigSchema schema;
  module.declare(schema);
  ConfigDraft draft(schema);
  draft.edit<HlsConfig>("hls") = section;
  return std::move(draft).finish();
}

struct Answer {
  bool done = false;
  Response response;
  std::string text() const {
    return response.content ? std::string(response.content->body().front().text()) : "";
  }
};

net::Task<> keep_answer(net::Task<Response> task, Answer& out) {
  out.response = co_await task;
  out.done = true;
}

net::Task<> keep_service(net::Task<service::Started> task, service::Started& out) {
  out = co_await task;
}

// Streams live on core 1 (who asks first is at home there), requests come to core 0.
struct Server : World {
  explicit Server(HlsConfig section = {}, hub::HubConfig hub_config = {})
      : World(2, hub_config),
        group(cores[0]),
        context{cores, hub, router, disk, config_of(section)} {
    on(0, [&] { group.spawn(keep_service(module.start(context), service)); });
    EXPECT_TRUE(service);
  }
  ~Server() {
    on(0, [&] { group.spawn((*service)->stop()); });
    // Files are written and removed by another thread: its last job may still be on the way.
    EXPECT_TRUE(eventually([&] { return group.running() == 0; }));
  }
  void on(int core, std::function<void()> f) {
    cores[core].post([f = std::move(f)] { f(); });
    cores.run_until_idle();
  }
  bool eventually(const std::function<bool()>& what) {
    for (int i = 0; i < 500 && !what(); ++i) {
      std::this_thread::sleep_for(10ms);
      cores.run_until_idle();
    }
    return what();
  }
  hub::Publication publish(std::string name = "s") {
    auto p = wait(hub.publish({"live", name, {}}, peer()), 1);
    EXPECT_TRUE(p);
    return *std::move(p);
  }
  hub::PeerPtr peer() {
    auto p = std::make_shared<hub::Peer>();
    p->core = &cores[1];
    return p;
  }
  void feed(hub::Publication& p, Time from, Time to, Time gop = 1s) {
    for (Time t = from; t < to; t += 40ms) {
      on(1, [&] {
        p.push(*video(t, t, t % gop == 0ns));
        p.push(*audio(t));
        p.flush();
      });
      cores.advance(40ms);
    }
  }
  void end(hub::Publication& p, hub::Ending how) {
    on(1, [&] { p.end(how); });
  }
  std::shared_ptr<Answer> get(std::string path) {
    auto answer = std::make_shared<Answer>();
    on(0, [&] {
      requests.push_back(std::move(path));
      auto request = std::make_unique<net::http::Request>();
      request->path = requests.back();
      const auto match = router.find(*request);
      ASSERT_TRUE(match.handler) << request->path;
      if (match.handler->sync) {
        answer->response = match.handler->sync(*request);
        answer->done = true;
      } else {
        group.spawn(keep_answer(match.handler->async(*request), *answer));
      }
      open.push_back(std::move(request));
    });
    return answer;
  }
  int status(std::string path) {
    const auto a = get(std::move(path));
    EXPECT_TRUE(a->done);
    return a->response.status;
  }

  net::http::Router router;
  net::BlockingPool disk{1};
  net::TaskGroup group;
  service::Context context;
  service::Started service = fail(Code::internal, "not started");
  std::deque<std::string> requests;
  std::vector<std::unique_ptr<net::http::Request>> open;
};

std::vector<Track> tracks() { return {h264_track(), aac_track()}; }

// The last line of a playlist that names a segment.
std::string last_segment(const std::string& playlist) {
  const auto end = playlist.rfind(".ts\n");
  const auto start = playlist.rfind('\n', end);
  return playlist.substr(start + 1, end + 3 - start - 1);
}

TEST(HlsService, AStreamFromItsFirstSegmentToItsEnd) {
  Server s;
  EXPECT_EQ(s.status("/live/s/index.m3u8"), 404);
  auto p = s.publish();
  p.announce(tracks());
  s.feed(p, 0s, 5s);
  const auto index = s.get("/live/s/index.m3u8");
  EXPECT_EQ(index->response.status, 200);
  EXPECT_THAT(index->text(), HasSubstr("\nts.m3u8\n"));
  EXPECT_THAT(index->text(), HasSubstr("CODECS=\"avc1.640015,mp4a.40.2\",RESOLUTION=320x180"));
  const auto media = s.get("/live/s/ts.m3u8");
  EXPECT_THAT(media->text(), Not(HasSubstr("ENDLIST")));
  const auto segment = s.get("/live/s/" + last_segment(media->text()));
  ASSERT_EQ(segment->response.status, 200);
  EXPECT_EQ(segment->response.content->type(), "video/mp2t");
  EXPECT_EQ(segment->response.content->size() % 188, 0u);
  s.end(p, hub::Ending::clean);
  EXPECT_THAT(s.get("/live/s/ts.m3u8")->text(), HasSubstr("#EXT-X-ENDLIST"));
  s.cores.advance(30s);
  EXPECT_EQ(s.status("/live/s/ts.m3u8"), 404);
}

TEST(HlsService, RequestsWaitForTheFirstSegment) {
  Server s;
  auto p = s.publish();
  p.announce(tracks());
  const auto index = s.get("/live/s/index.m3u8"), media = s.get("/live/s/ts.m3u8");
  EXPECT_FALSE(index->done);
  s.feed(p, 0s, 2s);
  EXPECT_FALSE(index->done);
  s.feed(p, 2s, 2080ms);
  ASSERT_TRUE(index->done && media->done);
  EXPECT_EQ(index->response.status, 200);
  EXPECT_THAT(media->text(), HasSubstr("#EXTINF:2.000,"));
  s.end(p, hub::Ending::clean);
}

TEST(HlsService, WaitingIsBounded) {
  Server s;
  auto p = s.publish();  // and nothing comes
  const auto index = s.get("/live/s/index.m3u8");
  s.cores.advance(7s);
  EXPECT_FALSE(index->done);
  s.cores.advance(2s);
  ASSERT_TRUE(index->done);
  EXPECT_EQ(index->response.status, 503);
  s.end(p, hub::Ending::clean);
  EXPECT_EQ(s.status("/live/s/index.m3u8"), 404);
}

TEST(HlsService, SaysWhatIsWrong) {
  Server s;
  EXPECT_THAT(s.get("/live/nobody/ts.m3u8")->text(), HasSubstr("nobody publishes live/nobody"));
  EXPECT_THAT(s.get("/live/nobody/x.ts")->text(), HasSubstr("nobody publishes live/nobody"));
  auto p = s.publish();
  p.announce({Track{kVideo, Codec::vp9, {}, VideoParams{}, {}}});
  const auto waiting = s.get("/live/s/index.m3u8");
  EXPECT_FALSE(waiting->done);
  s.feed(p, 0s, 40ms);
  ASSERT_TRUE(waiting->done);  // at once, not after the limit
  EXPECT_EQ(waiting->response.status, 404);
  EXPECT_THAT(waiting->text(), HasSubstr("MPEG-TS cannot carry vp9"));
  p.announce(tracks());
  s.feed(p, 0s, 3s);
  EXPECT_EQ(s.status("/live/s/index.m3u8"), 200);
  EXPECT_THAT(s.get("/live/s/nothing-1.ts")->text(), HasSubstr("has no segment nothing-1.ts"));
  s.end(p, hub::Ending::clean);
}

TEST(HlsService, ThePublisherMayReturn) {
  Server s;
  auto first = s.publish();
  first.announce(tracks());
  s.feed(first, 0s, 5s);
  const std::string before = s.get("/live/s/ts.m3u8")->text();
  s.end(first, hub::Ending::lost);
  s.cores.advance(5s);
  EXPECT_EQ(s.get("/live/s/ts.m3u8")->text(), before);  // held: neither ended nor gone
  auto second = s.publish();
  second.announce(tracks());
  s.feed(second, 0s, 5s);
  const std::string after = s.get("/live/s/ts.m3u8")->text();
  EXPECT_TRUE(after.starts_with(before));
  EXPECT_THAT(after.substr(before.size()), HasSubstr("#EXT-X-DISCONTINUITY\n"));
  EXPECT_EQ(after.find("DISCONTINUITY\n"), after.rfind("DISCONTINUITY\n"));
  s.end(second, hub::Ending::clean);
}

TEST(HlsService, NumbersAndNamesAreNeverUsedTwice) {
  Server s;
  std::string last;
  for (int round = 0; round < 3; ++round) {  // published anew while the ended one still lingers
    auto p = s.publish();
    p.announce(tracks());
    s.feed(p, 0s, 5s);
    const std::string text = s.get("/live/s/ts.m3u8")->text();
    const std::string name = last_segment(text);
    EXPECT_THAT(text, Not(HasSubstr("ENDLIST")));
    if (!last.empty()) {
      EXPECT_GT(std::stoul(name.substr(name.find('-') + 1)),
                std::stoul(last.substr(last.find('-') + 1)));
      EXPECT_NE(name.substr(0, name.find('-')), last.substr(0, last.find('-')));
      EXPECT_EQ(s.status("/live/s/" + last), 404);
    }
    last = name;
    s.end(p, hub::Ending::clean);
  }
}

TEST(HlsService, AppsMayHaveSlashesAndStreamsAreApart) {
  Server s;
  auto one = s.publish("one"), two = s.publish("two");
  auto deep = *s.wait(s.hub.publish({"a/b", "one", {}}, s.peer()), 1);
  for (auto* p : {&one, &two, &deep}) p->announce(tracks());
  s.feed(one, 0s, 3s);
  s.feed(deep, 0s, 3s);
  EXPECT_EQ(s.status("/live/one/ts.m3u8"), 200);
  EXPECT_EQ(s.status("/a/b/one/ts.m3u8"), 200);
  const std::string name = last_segment(s.get("/live/one/ts.m3u8")->text());
  EXPECT_EQ(s.status("/live/one/" + name), 200);
  EXPECT_EQ(s.status("/live/two/" + name), 404);
  for (auto* p : {&one, &two, &deep}) s.end(*p, hub::Ending::clean);
}

TEST(HlsService, FilesFollowTheStream) {
  HlsConfig config;
  config.path = temp_path("hls_service");
  const std::string folder = config.path + "/live/s";
  {
    Server s(config);
    auto p = s.publish();
    p.announce(tracks());
    s.feed(p, 0s, 5s);
    const std::string name = last_segment(s.get("/live/s/ts.m3u8")->text());
    EXPECT_TRUE(s.eventually([&] { return std::filesystem::exists(folder + "/ts.m3u8"); }));
    EXPECT_TRUE(s.eventually([&] { return std::filesystem::exists(folder + "/" + name); }));
    s.end(p, hub::Ending::clean);
    EXPECT_TRUE(s.eventually(
        [&] { return run("cat " + folder + "/ts.m3u8").find("ENDLIST") != std::string::npos; }));
    s.cores.advance(30s);
    EXPECT_TRUE(s.eventually([&] { return !std::filesystem::exists(folder); }));
  }
  std::filesystem::remove_all(config.path);
}

TEST(HlsService, CanBeTurnedOff) {
  HlsConfig config;
  config.enabled = false;
  Server s(config);
  net::http::Request r;
  r.path = "/live/s/index.m3u8";
  EXPECT_FALSE(s.router.find(r).handler);
}

TEST(HlsConfig, IsDescribedWithItsRanges) {
  ConfigSchema schema;
  module.declare(schema);
  ConfigDraft draft(schema);
  EXPECT_TRUE(draft.set("hls", "segment", "4s"));
  EXPECT_FALSE(draft.set("hls", "segment", "100ms"));
  EXPECT_FALSE(draft.set("hls", "max_bytes", "1k"));
  const auto config = std::move(draft).finish();
  EXPECT_EQ(config->get<HlsConfig>("hls").segment, 4s);
}

}  // namespace
}  // namespace weir::hls
