// Weir live-streaming server. MIT licence, see LICENSE.
// Time-outs, limits, stopping, and the two ways in which an answer goes on: sources and takeovers.
#include "net/http/server_fixture.h"
#include "net/http/websocket.h"

namespace weir::net::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Task<Response> when(Signal& signal) {
  co_await signal.wait();
  co_return Response::text(200, "text/plain", "late");
}

// Gives what the test puts in, one piece for each notify.
class Script final : public BodySource {
 public:
  Script(Signal& s, std::vector<std::string>& p, bool& gone)
      : signal_(s), pieces_(p), gone_(gone) {}
  ~Script() override { gone_ = true; }
  Task<Result<Bytes>> next() override {
    co_await signal_.wait();
    const std::string piece = pieces_.front();
    pieces_.erase(pieces_.begin());
    if (piece == "!") co_return fail(Code::internal, "broken");
    co_return Bytes::copy(piece);
  }

 private:
  Signal& signal_;
  std::vector<std::string>& pieces_;
  bool& gone_;
};

class LimitsTest : public ServerTest {
 protected:
  LimitsTest() {
    const ContentPtr big = make_content("video/mp4", Bytes::copy(std::string(100'000, 'v')));
    router_->get("/big", [big](Request&) { return Response(big); });
    router_->get("/", [](Request&) { return Response::text(200, "text/plain", "home"); });
    router_->get("/late", [this](Request&) { return when(signal_); });
    router_->post(
        "/echo", [](Request& r) { return Response::text(200, "a/b", std::string(r.body.text())); });
    router_->get("/stream", [this](Request&) {
      return Response::stream("video/mp4",
                              std::make_unique<Script>(signal_, pieces_, source_gone_));
    });
    router_->get("/live.flv", [this](Request&) {
      return Response::take_over("video/x-flv", [this](std::unique_ptr<ByteStream> s, Bytes early) {
        taken_ = std::move(s);
        early_ = early.text();
      });
    });
    router_->get("/socket", [this](Request& r) {
      return accept_websocket(r, [this](std::unique_ptr<ByteStream> s, Bytes early) {
        taken_ = std::move(s);
        early_ = early.text();
      });
    });
  }
  void push(std::string piece) {
    pieces_.push_back(std::move(piece));
    signal_.notify();
    cores_.run_until_idle();
  }
  Signal signal_{cores_[0]};
  std::vector<std::string> pieces_;
  bool source_gone_ = false;
  std::unique_ptr<ByteStream> taken_;
  std::string early_;
};

TEST_F(LimitsTest, AHeaderThatTricklesIsCutOff) {
  Peer& p = connect();
  for (int i = 0; i < 9; ++i) {
    say(p, "G");
    cores_.advance(1s);
  }
  EXPECT_EQ(hear(p), "");
  EXPECT_FALSE(p.closed);
  cores_.advance(2s);
  const std::string a = hear(p);
  EXPECT_EQ(status_of(a), 408);
  EXPECT_EQ(header_of(a, "Connection"), "close");
  EXPECT_TRUE(p.closed);
  EXPECT_EQ(server().counters().timeouts.value(), 1u);
}

TEST_F(LimitsTest, AConnectionThatSaysNothingIsClosed) {
  Peer& p = connect();
  cores_.advance(11s);
  EXPECT_EQ(hear(p), "");
  EXPECT_TRUE(p.closed);
}

TEST_F(LimitsTest, AnIdleConnectionIsKeptForItsTime) {
  Peer& p = connect();
  say(p, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  hear(p);
  cores_.advance(74s);
  say(p, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_of(hear(p)), 200);
  cores_.advance(76s);
  EXPECT_EQ(hear(p), "") << "without a word";
  EXPECT_TRUE(p.closed);
}

TEST_F(LimitsTest, ABodyMayTakeItsTimeButNotTrickle) {
  Peer& steady = connect();
  say(steady, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
  for (int i = 0; i < 30; ++i) {
    say(steady, std::string(2000, 'b'));
    cores_.advance(1s);
  }
  EXPECT_EQ(status_of(hear(steady)), 200);
  Peer& slow = connect();
  say(slow, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
  say(slow, std::string(30'000, 'b'));
  for (int i = 0; i < 12 && !slow.closed; ++i) {
    cores_.advance(1s);
    hear(slow);
    if (!slow.closed) say(slow, "b");
  }
  EXPECT_TRUE(slow.closed);
}

TEST_F(LimitsTest, APeerThatDoesNotReadIsCutOff) {
  Peer& p = connect(1000);
  say(p, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  cores_.advance(29s);
  EXPECT_EQ(server().counters().active, 1);
  cores_.advance(2s);
  EXPECT_EQ(server().counters().active, 0);
}

TEST_F(LimitsTest, APeerThatReadsSlowlyIsServedOneThatTricklesIsNot) {
  Peer& steady = connect(8000);
  say(steady, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  size_t got = 0;
  std::array<uint8_t, 5000> buffer;
  for (int i = 0; i < 100 && got < 100'000; ++i) {
    got += steady.stream->try_read(buffer).count;
    cores_.advance(2s);
  }
  EXPECT_GE(got, 100'000u);
  Peer& trickle = connect(8000);
  say(trickle, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  std::array<uint8_t, 100> sip;
  for (int i = 0; i < 60; ++i) {
    trickle.stream->try_read(sip);
    cores_.advance(1s);
  }
  EXPECT_EQ(server().counters().active, 1) << "the steady one";
}

TEST_F(LimitsTest, TooLarge) {
  config_->max_body = kib(1);
  Peer& p = connect();
  say(p, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n");
  const std::string a = hear(p);
  EXPECT_EQ(status_of(a), 413);
  EXPECT_THAT(body_of(a), HasSubstr("1024"));
  EXPECT_FALSE(p.closed) << "the peer may still be sending; closing now could lose it the answer";
  say(p, std::string(1025, 'x'));
  EXPECT_EQ(hear(p), "");
  cores_.advance(3s);
  hear(p);
  EXPECT_TRUE(p.closed);
  EXPECT_EQ(status_of(ask("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(20000, 'a'))), 431);
  EXPECT_EQ(status_of(ask("GET /" + std::string(20000, 'a'))), 414);
  const std::string fits =
      "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(16000, 'a') + "\r\n\r\n";
  EXPECT_EQ(status_of(ask(fits)), 200);
}

TEST_F(LimitsTest, SmugglingIsRefusedAndEndsTheConnection) {
  Peer& p = connect();
  say(p,
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string a = hear(p);
  EXPECT_EQ(status_of(a), 400);
  EXPECT_THAT(a, Not(HasSubstr("home")));
  cores_.advance(3s);
  hear(p);
  EXPECT_TRUE(p.closed);
  EXPECT_EQ(server().counters().protocol_errors.value(), 1u);
}

TEST_F(LimitsTest, GoodRequestsBeforeABadOneAreAnswered) {
  const std::string a = ask("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(body_of(a), StartsWith("homeHTTP/1.1 400 Bad Request"));
}

TEST_F(LimitsTest, TooManyConnections) {
  config_->max_connections = 2;
  Peer& a = connect();
  connect();
  Peer& c = connect();
  const std::string refused = hear(c);
  EXPECT_EQ(status_of(refused), 503);
  EXPECT_EQ(header_of(refused, "Content-Length"), std::to_string(body_of(refused).size()));
  EXPECT_TRUE(c.closed);
  EXPECT_EQ(server().counters().refused.value(), 1u);
  a.stream->close();
  cores_.run_until_idle();
  Peer& d = connect();
  say(d, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_of(hear(d)), 200);
}

TEST_F(LimitsTest, StreamsInChunks) {
  Peer& p = connect();
  say(p, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string head = hear(p);
  EXPECT_EQ(header_of(head, "Transfer-Encoding"), "chunked");
  EXPECT_EQ(header_of(head, "Content-Length"), "-");
  EXPECT_EQ(body_of(head), "");
  push("hello");
  EXPECT_EQ(hear(p), "5\r\nhello\r\n");
  cores_.advance(10min);  // our own waiting is no time-out of the peer's
  push(std::string(300, 'x'));
  EXPECT_EQ(hear(p), "12c\r\n" + std::string(300, 'x') + "\r\n");
  push("");
  EXPECT_EQ(hear(p), "0\r\n\r\n");
  EXPECT_TRUE(source_gone_);
  say(p, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(hear(p)), "home");
}

TEST_F(LimitsTest, StreamsUntilCloseForOldPeers) {
  Peer& p = connect();
  say(p, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string head = hear(p);
  EXPECT_EQ(header_of(head, "Transfer-Encoding"), "-");
  EXPECT_EQ(header_of(head, "Connection"), "close");
  push("hello");
  push("");
  EXPECT_EQ(hear(p), "hello");
  EXPECT_TRUE(p.closed);
}

TEST_F(LimitsTest, ABrokenStreamIsCutShort) {
  Peer& p = connect();
  say(p, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  push("hello");
  push("!");
  EXPECT_THAT(hear(p), Not(HasSubstr("0\r\n\r\n")));
  EXPECT_TRUE(p.closed);
  const std::string head = ask("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_of(head), 200);
  EXPECT_EQ(body_of(head), "");
}

TEST_F(LimitsTest, AStreamWhosePeerLeftIsFreed) {
  Peer& p = connect();
  say(p, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  hear(p);
  p.stream->close();
  push("one");
  EXPECT_TRUE(source_gone_);
  EXPECT_EQ(server().counters().active, 0);
}

TEST_F(LimitsTest, TakeoverGetsTheConnectionAndEarlyBytes) {
  Peer& p = connect();
  say(p, "GET /live.flv HTTP/1.1\r\nHost: x\r\n\r\nextra");
  const std::string head = hear(p);
  EXPECT_EQ(status_of(head), 200);
  EXPECT_EQ(header_of(head, "Content-Type"), "video/x-flv");
  EXPECT_EQ(header_of(head, "Connection"), "close");
  EXPECT_EQ(header_of(head, "Content-Length"), "-");
  ASSERT_TRUE(taken_);
  EXPECT_EQ(early_, "extra");
  EXPECT_EQ(server().counters().active, 0);
  const std::string text = "FLV";
  const iovec piece{const_cast<char*>(text.data()), text.size()};
  EXPECT_EQ(taken_->try_write({&piece, 1}).count, 3u);
  EXPECT_EQ(hear(p), "FLV");
  cores_.advance(10min);
  hear(p);
  EXPECT_FALSE(p.closed);
  taken_.reset();
}

TEST_F(LimitsTest, HeadDoesNotTakeOver) {
  Peer& p = connect();
  say(p, "HEAD /live.flv HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_of(hear(p)), 200);
  EXPECT_FALSE(taken_);
  say(p, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(hear(p)), "home");
}

TEST_F(LimitsTest, WebSocketUpgrade) {
  Peer& p = connect();
  say(p,
      "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  const std::string head = hear(p);
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_EQ(header_of(head, "Connection"), "Upgrade");
  EXPECT_EQ(header_of(head, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_TRUE(taken_);
  taken_.reset();
  EXPECT_EQ(status_of(ask("GET /socket HTTP/1.1\r\nHost: x\r\n\r\n")), 426);
}

TEST_F(LimitsTest, StopClosesIdleOnesAndFinishesTheRest) {
  Peer& idle = connect();
  say(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  hear(idle);
  Peer& busy = connect();
  say(busy, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
  begin_stop();
  hear(idle);
  EXPECT_TRUE(idle.closed);
  EXPECT_EQ(group_.running(), 1u);
  signal_.notify();
  const std::string last = hear(busy);
  EXPECT_EQ(body_of(last), "late");
  EXPECT_EQ(header_of(last, "Connection"), "close");
  EXPECT_TRUE(busy.closed);
  EXPECT_EQ(group_.running(), 0u);
}

TEST_F(LimitsTest, StopCutsWhatDoesNotEnd) {
  Peer& stuck = connect(1000);
  say(stuck, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  Peer& half = connect();
  say(half, "GET / HT");
  begin_stop(3s);
  EXPECT_EQ(group_.running(), 1u);
  cores_.advance(3s);
  EXPECT_EQ(group_.running(), 0u);
  hear(half);
  EXPECT_TRUE(half.closed);
}

}  // namespace
}  // namespace weir::net::http
