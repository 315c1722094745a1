// Weir live-streaming server. MIT licence, see LICENSE.
// What a request costs in system calls, and what many at once do to each other.
#include "net/http/server_fixture.h"
#include "net/http/websocket.h"

namespace weir::net::http {
namespace {

struct Calls {
  int reads = 0, writes = 0, would_block = 0;
};

// Counts the calls that would be system calls.
class Counting final : public ByteStream {
 public:
  Counting(std::unique_ptr<ByteStream> inner, Calls& calls)
      : inner_(std::move(inner)), calls_(calls) {}
  Io try_read(std::span<uint8_t> into) override {
    ++calls_.reads;
    const Io io = inner_->try_read(into);
    calls_.would_block += io.status == Io::Status::would_block;
    return io;
  }
  Io try_write(std::span<const iovec> pieces) override {
    ++calls_.writes;
    return inner_->try_write(pieces);
  }
  void wait_readable(Waiter& w) override { inner_->wait_readable(w); }
  void wait_writable(Waiter& w) override { inner_->wait_writable(w); }
  void close() override { inner_->close(); }
  const std::string& peer() const override { return inner_->peer(); }
  const std::string& peer_address() const override { return inner_->peer_address(); }

 private:
  std::unique_ptr<ByteStream> inner_;
  Calls& calls_;
};

Task<Response> wait_for(Signal& signal, ContentPtr& what) {
  co_await signal.wait();
  co_return Response(what);
}

class EconomyTest : public ServerTest {
 protected:
  EconomyTest() {
    content_ =
        make_content("a/b", {Bytes::copy("0123456789"), Bytes::copy("abcdef")}, {.etag = "e"});
    router_->get("/", [this](Request&) { return Response(content_); });
    router_->get("/part", [this](Request&) { return wait_for(part_, content_); });
    router_->get("/ws", [this](Request& r) {
      return accept_websocket(r, [this](std::unique_ptr<ByteStream> s, Bytes early) {
        socket_ = std::move(s);
        parser_.push(early);
      });
    });
  }
  Peer& connect_counted() {
    auto [ours, theirs] = memory_pair(cores_[0], 1 << 20);
    server().serve(std::make_unique<Counting>(std::move(theirs), calls_));
    cores_.run_until_idle();
    return *peers_.emplace_back(std::make_unique<Peer>(std::move(ours)));
  }
  static constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  Calls calls_;
  ContentPtr content_;
  Signal part_{cores_[0]};
  std::unique_ptr<ByteStream> socket_;
  WebSocketParser parser_;
};

TEST_F(EconomyTest, OneReadAndOneWriteForARequest) {
  Peer& p = connect_counted();
  for (int i = 1; i <= 5; ++i) {
    say(p, kGet);
    EXPECT_EQ(body_of(hear(p)), "0123456789abcdef");
    EXPECT_EQ(calls_.reads, i);
    EXPECT_EQ(calls_.writes, i);
  }
  EXPECT_EQ(calls_.would_block, 0) << "no read that could be known to give nothing";
}

TEST_F(EconomyTest, OneWriteForManyPipelinedRequests) {
  Peer& p = connect_counted();
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += kGet;
  say(p, ten);
  EXPECT_GT(hear(p).size(), 1000u);
  EXPECT_EQ(calls_.reads, 1);
  EXPECT_EQ(calls_.writes, 1);
}

TEST_F(EconomyTest, ALongPipelineIsAnsweredAsItComes) {
  Peer& p = connect_counted();
  std::string many;
  for (int i = 0; i < 2000; ++i) many += kGet;
  say(p, many);
  const std::string heard = hear(p);
  size_t answers = 0;
  for (size_t at = 0; (at = heard.find("HTTP/1.1 200 OK", at)) != std::string::npos; ++at)
    ++answers;
  EXPECT_EQ(answers, 2000u);
  EXPECT_LT(calls_.writes, 120);
}

TEST_F(EconomyTest, ManyWaitForOnePart) {
  constexpr int kViewers = 2000;
  for (int i = 0; i < kViewers; ++i) say(connect(), "GET /part HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(server().counters().bytes_out.value(), 0u);
  part_.notify();
  cores_.run_until_idle();
  int answered = 0;
  for (auto& p : peers_) answered += body_of(hear(*p)) == "0123456789abcdef";
  EXPECT_EQ(answered, kViewers);
}

TEST_F(EconomyTest, APeerThatLeavesWhileItsHandlerWaits) {
  Peer& p = connect();
  say(p, "GET /part HTTP/1.1\r\nHost: x\r\n\r\n");
  p.stream->close();
  cores_.run_until_idle();
  EXPECT_EQ(server().counters().active, 1) << "the handler goes on until it is done";
  part_.notify();
  cores_.run_until_idle();
  EXPECT_EQ(server().counters().active, 0);
}

TEST_F(EconomyTest, APeerThatLeavesWithinItsRequest) {
  for (const std::string_view part :
       {"G", "GET / HTTP/1.1\r\nHo",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"}) {
    Peer& p = connect();
    say(p, part);
    EXPECT_EQ(server().counters().active, 1);
    p.stream->close();
    cores_.run_until_idle();
    EXPECT_EQ(server().counters().active, 0) << part;
  }
}

TEST_F(EconomyTest, EveryRangeIsThatPartOfTheBody) {
  const std::string body = "0123456789abcdef";
  Peer& p = connect();
  for (size_t first = 0; first < body.size(); ++first)
    for (size_t last = first; last < body.size(); ++last) {
      say(p, "GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=" + std::to_string(first) + "-" +
                 std::to_string(last) + "\r\n\r\n");
      const std::string a = hear(p);
      ASSERT_EQ(status_of(a), 206);
      ASSERT_EQ(body_of(a), body.substr(first, last - first + 1)) << first << "-" << last;
    }
}

TEST_F(EconomyTest, AnyCutOfARequestIsAnswered) {
  const std::string two = std::string(kGet) + "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
  for (size_t cut = 1; cut < two.size(); ++cut) {
    Peer& p = connect();
    say(p, two.substr(0, cut));
    const std::string before = hear(p);
    EXPECT_EQ(before.empty(), cut < kGet.size()) << cut;
    say(p, two.substr(cut));
    const std::string all = before + hear(p);
    EXPECT_EQ(status_of(all), 200) << cut;
    EXPECT_NE(all.find("404 Not Found"), std::string::npos) << cut;
  }
}

TEST_F(EconomyTest, AWebSocketTalksBothWays) {
  Peer& p = connect();
  const Bytes hello = from_hex("818537fa213d7f9f4d5158");
  say(p,
      "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: "
      "websocket\r\nSec-WebSocket-Version: "
      "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
          std::string(hello.text()));
  EXPECT_EQ(status_of(hear(p)), 101);
  ASSERT_TRUE(socket_);
  const auto m = parser_.next();
  ASSERT_TRUE(m && *m);
  EXPECT_EQ((*m)->payload.text(), "Hello");
  const Bytes answer = frame(Opcode::binary, as_bytes("data"));
  const iovec piece{const_cast<uint8_t*>(answer.data()), answer.size()};
  socket_->try_write({&piece, 1});
  EXPECT_EQ(hear(p), std::string(answer.text()));
  socket_.reset();
}

TEST_F(EconomyTest, GarbageOfEveryKindIsAnsweredOrCutAndForgotten) {
  uint32_t seed = 7;
  for (int i = 0; i < 300; ++i) {
    std::string junk = i % 2 ? std::string(kGet) : std::string();
    for (int k = 0; k < 200; ++k) {
      seed = seed * 1664525 + 1013904223;
      junk.push_back(static_cast<char>(seed >> 24));
    }
    say(connect(), junk);
  }
  cores_.advance(15s);
  EXPECT_EQ(server().counters().active, 0);
  EXPECT_EQ(status_of(ask(kGet)), 200);
}

}  // namespace
}  // namespace weir::net::http
