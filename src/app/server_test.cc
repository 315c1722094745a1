// Weir live-streaming server. MIT licence, see LICENSE.
#include "app/server.h"

#include <dirent.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "app/config_log.h"
#include "app/modules.h"
#include "net/task_group.h"
#include "net/tcp.h"
#include "protocols/rtmp/chunk_writer.h"
#include "protocols/rtmp/commands.h"
#include "protocols/rtmp/session_fixture.h"

namespace weir::app {
namespace {

using rtmp::testing::call;

ConfigPtr config_of(std::string rtmp, std::string http) {
  ConfigSchema schema;
  declare_all(schema);
  ConfigDraft draft(schema);
  EXPECT_TRUE(draft.set("server", "cores", "2"));
  EXPECT_TRUE(draft.set("log", "level", "error"));
  EXPECT_TRUE(draft.set("rtmp", "listen", rtmp));
  EXPECT_TRUE(draft.set("http", "listen", http));
  EXPECT_TRUE(draft.set("segments", "duration", "500ms"));
  return std::move(draft).finish();
}

uint16_t port_of(const std::string& listening, std::string_view scheme) {
  const auto at = listening.find(':', listening.find(scheme) + scheme.size() + 3);
  return static_cast<uint16_t>(std::stoi(listening.substr(at + 1)));
}

size_t open_descriptors() {
  size_t n = 0;
  DIR* dir = opendir("/proc/self/fd");
  while (readdir(dir)) ++n;
  closedir(dir);
  return n;
}

// Peers of all kinds on a core of their own, until the server hangs up on them.
struct Crowd {
  Crowd(uint16_t rtmp, uint16_t http) : rtmp_port(rtmp), http_port(http) {}

  net::Core& core() { return cores[0]; }
  void start(size_t of_each) {
    cores[0].post([this, of_each] {
      group.emplace(core());
      pause.emplace(core());
      for (size_t i = 0; i < of_each; ++i) {
        const std::string name = "s" + std::to_string(i % 3);
        group->spawn(rtmp(name, "publish"));
        group->spawn(rtmp(name, "play"));
        group->spawn(http("GET /live/" + name + ".flv HTTP/1.1\r\nHost: a\r\n\r\n"));
        group->spawn(http("GET /live/" + name + "/index.m3u8 HTTP/1.1\r\nHost: a\r\n\r\n"));
        group->spawn(http("\x03garbage\r\n\r\n"));
      }
    });
  }
  void wait_for_media(size_t bytes) {
    while (heard.load() < bytes) heard.wait(heard.load());
  }
  // All peers end because the server is gone.
  void join() {
    std::latch done(1);
    cores[0].post([this, &done] {
      leaving = true;
      closer.emplace(core());
      closer->spawn(close(done));
    });
    done.wait();
    std::latch freed(1);
    cores[0].post([this, &freed] {
      closer.reset();
      pause.reset();
      group.reset();
      freed.count_down();
    });
    freed.wait();
  }

  net::Task<> close(std::latch& done) {
    co_await group->close();
    done.count_down();
  }
  net::Task<> listen(net::ByteStream& s) {
    std::array<uint8_t, 4096> buffer;
    for (;;) {
      const auto n = co_await s.read_some(buffer);
      if (!n) co_return;
      heard.fetch_add(*n);
      heard.notify_all();
    }
  }
  net::Task<> http(std::string request) {
    while (!leaving) {
      auto s = co_await net::dial_tcp(core(), "127.0.0.1", http_port);
      if (!s) co_return;
      if (co_await (*s)->write_all(as_bytes(request))) co_await listen(**s);
      co_await pause->wait_for(5ms);
    }
  }
  net::Task<> rtmp(std::string name, std::string what) {
    while (!leaving) {
      auto s = co_await net::dial_tcp(core(), "127.0.0.1", rtmp_port);
      if (!s) co_return;
      co_await net::both(core(), talk(**s, name, what), answer(**s));
      co_await pause->wait_for(5ms);
    }
  }
  net::Task<> answer(net::ByteStream& s) {
    co_await listen(s);
    s.close();
  }
  // Nothing said here waits for an answer but the stream's end.
  net::Task<> talk(net::ByteStream& s, std::string name, std::string what) {
    std::vector<uint8_t> out(1 + 2 * 1536);
    out[0] = 3;
    const auto say = [&out](const rtmp::Message& m) { rtmp::append_message(out, m, 128); };
    say(rtmp::make_command(call("connect", 1, {}, flv::make_object({{"app", "live"}}))));
    say(rtmp::make_command(call("createStream", 2)));
    say(rtmp::make_command(call(what, 3, {flv::Value(name)}), 1));
    if (what == "publish") say(rtmp::testing::avc_header());
    for (uint32_t i = 0; co_await s.write_all(out); ++i) {
      if (what == "play") co_return;
      co_await pause->wait_for(2ms);
      if (i == 300) break;  // publishers come and go
      out.clear();
      say(i % 10 == 0 ? rtmp::testing::key(i * 40) : rtmp::testing::inter(i * 40));
    }
    s.close();
  }

  const uint16_t rtmp_port, http_port;
  net::Cores cores{1};
  std::optional<net::TaskGroup> group, closer;
  std::optional<net::Signal> pause;
  bool leaving = false;
  std::atomic<size_t> heard{0};
};

TEST(Server, StartsAndStopsUnderLoadAndLeavesNothing) {
  const size_t before = open_descriptors();
  for (int round = 0; round < 3; ++round) {
    const auto config = config_of("127.0.0.1:0", "127.0.0.1:0");
    apply(config->get<LogConfig>("log"));
    std::optional<Server> server(std::in_place, config);
    ASSERT_TRUE(server->start());
    const auto where = server->listening();
    Crowd crowd(port_of(where, "rtmp"), port_of(where, "http"));
    crowd.start(6);
    crowd.wait_for_media(50'000);
    EXPECT_FALSE(server->idle());
    server->reload(config);
    if (round % 2) server->drain();
    server->stop();
    EXPECT_TRUE(server->idle());
    server.reset();
    crowd.join();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Server, OneModuleThatCannotStartEndsTheOthers) {
  ManualClock clock;
  net::Cores cores(1, clock);
  auto taken = net::TcpListener::open(cores[0], "127.0.0.1", 0, {.first = true});
  ASSERT_TRUE(taken);
  const std::string there = "127.0.0.1:" + std::to_string((*taken)->port());
  for (const bool rtmp_fails : {true, false}) {
    Server server(rtmp_fails ? config_of(there, "127.0.0.1:0") : config_of("127.0.0.1:0", there));
    const auto started = server.start();
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().what.find("listen on " + there), std::string::npos);
    server.stop();
  }
  (*taken)->close();
}

}  // namespace
}  // namespace weir::app
