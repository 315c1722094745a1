// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/client.h"

#include <gmock/gmock.h>

#include "net/memory_stream.h"
#include "net/task_group.h"

namespace weir::net::http {
namespace {

using testing::HasSubstr;

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    auto [ours, theirs] = memory_pair(cores_[0]);
    client_.emplace(cores_[0], std::move(ours));
    peer_ = std::move(theirs);
  }
  ~ClientTest() override {
    peer_->close();
    cores_.run_until_idle();
    EXPECT_EQ(group_.running(), 0u);
  }
  Task<> run(ClientRequest r, size_t limit) {
    answer_ = co_await client_->fetch(std::move(r), limit);
  }
  // Starts a request; what the peer says is in answer_ once it is whole.
  void fetch(ClientRequest r, size_t limit = 1 << 20) {
    answer_.reset();
    group_.spawn(run(std::move(r), limit));
    cores_.run_until_idle();
  }
  void say(std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    EXPECT_EQ(peer_->try_write({&piece, 1}).count, text.size());
    cores_.run_until_idle();
  }
  std::string heard() {
    std::array<uint8_t, 4096> buffer;
    const Io io = peer_->try_read(buffer);
    return std::string(Bytes::copy(ByteSpan(buffer).first(io.count)).text());
  }

  ManualClock clock_;
  Cores cores_{1, clock_};
  TaskGroup group_{cores_[0]};
  std::optional<Client> client_;
  std::unique_ptr<ByteStream> peer_;
  std::optional<Result<ClientResponse>> answer_;
};

TEST_F(ClientTest, AsksAndReads) {
  fetch({.target = "/a?b", .host = "h:1", .headers = {{"X-A", "b"}}});
  EXPECT_EQ(heard(), "GET /a?b HTTP/1.1\r\nHost: h:1\r\nX-A: b\r\n\r\n");
  EXPECT_FALSE(answer_);
  say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhel");
  EXPECT_FALSE(answer_);
  say("lo");
  ASSERT_TRUE(answer_ && *answer_);
  EXPECT_EQ((*answer_)->status, 200);
  EXPECT_EQ((*answer_)->header("x"), "y");
  EXPECT_EQ((*answer_)->body.text(), "hello");
  EXPECT_TRUE(client_->usable());
  fetch({.target = "/p", .method = Method::post, .body = Bytes::copy("data")});
  EXPECT_THAT(heard(), HasSubstr("Content-Length: 4\r\n\r\ndata"));
  say("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ((*answer_)->status, 204);
}

TEST_F(ClientTest, EveryWayABodyEnds) {
  fetch({});
  say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde");
  say("\r\n0\r\n\r\n");
  ASSERT_TRUE(answer_ && *answer_);
  EXPECT_EQ((*answer_)->body.text(), "abcde");
  fetch({.method = Method::head});
  say("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
  ASSERT_TRUE(answer_ && *answer_);
  EXPECT_EQ((*answer_)->header("content-length"), "500");
  fetch({});
  say("HTTP/1.1 304 Not Modified\r\n\r\n");
  ASSERT_TRUE(answer_ && *answer_);
  fetch({});
  say("HTTP/1.0 200 OK\r\n\r\nuntil");
  say(" close");
  EXPECT_FALSE(answer_);
  peer_->close();
  cores_.run_until_idle();
  ASSERT_TRUE(answer_ && *answer_);
  EXPECT_EQ((*answer_)->body.text(), "until close");
  EXPECT_FALSE(client_->usable());
}

TEST_F(ClientTest, PassesOverContinue) {
  fetch({.method = Method::post, .body = Bytes::copy("x")});
  say("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_FALSE(answer_);
  say("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(answer_ && *answer_);
  EXPECT_EQ((*answer_)->status, 201);
}

TEST_F(ClientTest, SaysWhatWentWrong) {
  fetch({});
  say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  peer_->close();
  cores_.run_until_idle();
  ASSERT_TRUE(answer_ && !*answer_);
  EXPECT_EQ(answer_->error().code, Code::closed);
  EXPECT_FALSE(client_->usable());
  fetch({});
  EXPECT_EQ(answer_->error().code, Code::closed);
}

TEST_F(ClientTest, RefusesNonsense) {
  fetch({});
  say("SSH-2.0-x\r\n\r\n");
  ASSERT_TRUE(answer_ && !*answer_);
  EXPECT_EQ(answer_->error().code, Code::protocol);
}

TEST_F(ClientTest, BoundsTheBody) {
  fetch({}, 100);
  say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(500, 'x'));
  ASSERT_TRUE(answer_ && !*answer_);
  EXPECT_EQ(answer_->error().code, Code::limit);
}

TEST_F(ClientTest, BoundsTheHead) {
  fetch({});
  say("HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'a'));
  ASSERT_TRUE(answer_ && !*answer_);
  EXPECT_EQ(answer_->error().code, Code::limit);
}

TEST_F(ClientTest, LosesPatience) {
  fetch({});
  cores_.advance(9s);
  say("HTTP/1.1 200 OK\r\n");
  cores_.advance(9s);
  EXPECT_FALSE(answer_) << "something moved";
  cores_.advance(2s);
  ASSERT_TRUE(answer_ && !*answer_);
  EXPECT_EQ(answer_->error().code, Code::timeout);
}

Task<> open(Client& c, int& status) {
  auto head = co_await c.open({.target = "/live.flv"});
  status = head ? head->status : -1;
}

Task<> read_on(Client& c, std::string& out) {
  auto part = co_await c.next();
  if (part) out += part->text();
}

TEST_F(ClientTest, ReadsInParts) {
  int status = 0;
  group_.spawn(open(*client_, status));
  say("HTTP/1.1 200 OK\r\n\r\nFLV");
  EXPECT_EQ(status, 200);
  std::string out;
  group_.spawn(read_on(*client_, out));
  EXPECT_EQ(out, "FLV");
  group_.spawn(read_on(*client_, out));
  say("+more");
  EXPECT_EQ(out, "FLV+more");
}

TEST_F(ClientTest, GivesTheConnectionAway) {
  int status = 0;
  group_.spawn(open(*client_, status));
  say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nframe");
  EXPECT_EQ(status, 101);
  const auto released = std::move(*client_).release();
  EXPECT_EQ(released.early.text(), "frame");
  EXPECT_FALSE(client_->usable());
}

}  // namespace
}  // namespace weir::net::http
