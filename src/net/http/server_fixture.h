// Weir live-streaming server. MIT licence, see LICENSE.

// ServerTest, for tests only: a server on one core with a manual clock, and peers in memory that
// say bytes and hear bytes, so that no port and no waiting is needed. Owned by the test; a test of
// a handler may use it too. Leaves out real sockets (Server::start in server_test.cc).
#pragma once

#include <gmock/gmock.h>

#include "net/http/gzip.h"
#include "net/http/server.h"
#include "net/memory_stream.h"
#include "net/signal.h"
#include "net/task_group.h"

namespace weir::net::http {

class ServerTest : public testing::Test {
 protected:
  ~ServerTest() override {
    peers_.clear();
    if (server_ && !stopped_) stop();
    EXPECT_EQ(group_.running(), 0u);
    if (server_) EXPECT_EQ(server_->counters().active, 0);
  }

  struct Peer {
    std::unique_ptr<ByteStream> stream;
    bool closed = false;
  };

  // Routes and configuration are made before the first peer comes.
  Server& server() {
    if (!server_) {
      for (const auto& [from, to] : config_->aliases) EXPECT_TRUE(router_->add_alias(from, to));
      server_.emplace(cores_, router_, config_);
    }
    return *server_;
  }
  Peer& connect(size_t capacity = 1 << 20) {
    auto [ours, theirs] = memory_pair(cores_[0], capacity);
    server().serve(std::move(theirs));
    cores_.run_until_idle();
    return *peers_.emplace_back(std::make_unique<Peer>(std::move(ours)));
  }
  void say(Peer& p, std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    EXPECT_EQ(p.stream->try_write({&piece, 1}).count, text.size());
    cores_.run_until_idle();
  }
  std::string hear(Peer& p) {
    std::string out;
    std::array<uint8_t, 4096> buffer;
    for (;;) {
      cores_.run_until_idle();
      const Io io = p.stream->try_read(buffer);
      if (io.status == Io::Status::closed) p.closed = true;
      if (io.status != Io::Status::ok) return out;
      out += Bytes::copy(ByteSpan(buffer).first(io.count)).text();
    }
  }
  // A fresh connection, one request, everything that comes back.
  std::string ask(std::string_view request) {
    Peer& p = connect();
    say(p, request);
    return hear(p);
  }
  std::string get(std::string_view path, std::string_view headers = {}) {
    return ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) +
               "\r\n");
  }
  void begin_stop(Time grace = 5s) {
    stopped_ = true;
    group_.spawn(server().stop(grace));
    cores_.run_until_idle();
  }
  void stop() {
    begin_stop();
    cores_.advance(5s);
  }

  ManualClock clock_;
  Cores cores_{1, clock_};
  TaskGroup group_{cores_[0]};
  std::shared_ptr<Router> router_ = std::make_shared<Router>();
  std::shared_ptr<HttpConfig> config_ = std::make_shared<HttpConfig>();
  std::optional<Server> server_;
  std::vector<std::unique_ptr<Peer>> peers_;
  bool stopped_ = false;
};

inline std::string body_of(const std::string& answer) {
  const size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}
inline int status_of(const std::string& answer) {
  return answer.size() > 12 ? std::atoi(answer.c_str() + 9) : 0;
}
// The value of a header; "-" when there is none. Twice is a failure.
inline std::string header_of(const std::string& answer, const std::string& name) {
  const std::string head = answer.substr(0, answer.find("\r\n\r\n") + 2);
  const size_t at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "-";
  const size_t from = at + name.size() + 4;
  EXPECT_EQ(head.find("\r\n" + name + ": ", from), std::string::npos) << name << " twice";
  return head.substr(from, head.find("\r\n", from) - from);
}

}  // namespace weir::net::http
