// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/outbox.h"

#include "protocols/rtmp/session_fixture.h"

namespace weir::rtmp::testing {
namespace {

// An outbox over a connection that holds `capacity` bytes.
struct Way : World {
  explicit Way(size_t capacity)
      : World(1, Server::at_once({})), pair(net::memory_pair(cores[0], capacity)) {
    outbox.emplace(*pair.first, connection);
  }
  // At most `most` bytes that came.
  std::string read(size_t most = SIZE_MAX) {
    cores.run_until_idle();
    std::string out;
    std::array<uint8_t, 64> buffer;
    while (out.size() < most) {
      const auto io = pair.second->try_read(
          std::span(buffer).first(std::min(buffer.size(), most - out.size())));
      closed = io.status == net::Io::Status::closed;
      if (io.status != net::Io::Status::ok) break;
      out.append(buffer.begin(), buffer.begin() + static_cast<long>(io.count));
    }
    return out;
  }
  std::string read_all() {
    std::string out;
    for (std::string more; !(more = read()).empty();) out += more;
    return out;
  }
  void send(std::string_view text) { outbox->send(Bytes::copy(text)); }

  hub::PeerPtr connection = hub::testing::peer();
  std::pair<std::unique_ptr<net::ByteStream>, std::unique_ptr<net::ByteStream>> pair;
  std::optional<Outbox> outbox;
  bool closed = false;
};

// Puts each packet on the wire as "[ms]", padded; what comes first is "{}".
struct Brackets final : hub::Muxer {
  explicit Brackets(size_t size) : size(size) {}
  Bytes preface(const StreamInfo&, Time) override { return Bytes::copy("{}"); }
  void packet(const StreamInfo&, const Packet& p, ByteWriter& out) override {
    std::string text = "[" + std::to_string(p.dts / 1ms);
    text.resize(size - 1, '.');
    out.text(text + "]");
  }
  size_t size;
};

TEST(Outbox, SendsInOrderAndCounts) {
  Way w(1000);
  w.send("one ");
  w.send("");
  w.send("two");
  EXPECT_EQ(w.read(), "one two");
  EXPECT_EQ(w.outbox->waiting(), 0u);
  EXPECT_EQ(w.connection->bytes_out.value(), 7u);
}

TEST(Outbox, WhatDoesNotFitWaits) {
  Way w(5);
  w.send("hello ");
  w.send("big ");
  w.send("world");
  EXPECT_EQ(w.outbox->waiting(), 10u);
  EXPECT_EQ(w.read(3), "hel");
  EXPECT_EQ(w.read(4), "lo b");
  EXPECT_EQ(w.read_all(), "ig world");
  EXPECT_EQ(w.outbox->waiting(), 0u);
}

TEST(Outbox, TooMuchWaitingEndsIt) {
  Way w(10);
  const std::string block(1000, 'x');
  for (int i = 0; i < 1048; ++i) w.send(block);
  EXPECT_FALSE(w.outbox->failed());
  for (int i = 0; i < 10; ++i) w.send(block);
  ASSERT_TRUE(w.outbox->failed());
  EXPECT_EQ(w.outbox->failed()->code, Code::limit);
  EXPECT_EQ(w.outbox->waiting(), 0u);
  w.read_all();
  EXPECT_TRUE(w.closed);
}

TEST(Outbox, APeerThatLeftEndsIt) {
  Way w(10);
  w.pair.second->close();
  w.send("x");
  ASSERT_TRUE(w.outbox->failed());
  EXPECT_EQ(w.outbox->failed()->code, Code::closed);
  w.send("y");
  EXPECT_EQ(w.outbox->waiting(), 0u);
}

TEST(Outbox, MayGoWhileTheSocketIsAskedForRoom) {
  Way w(2);
  w.send("12345");
  w.outbox.reset();
  EXPECT_EQ(w.read_all(), "12");
}

// Whole "<...>" messages, "{}" and "[...]" packets, nothing cut or mixed; gives them without
// padding.
std::string pieces(const std::string& all) {
  std::string out;
  for (size_t i = 0; i < all.size();) {
    const char close = all[i] == '<' ? '>' : all[i] == '{' ? '}' : all[i] == '[' ? ']' : '?';
    const size_t end = all.find(close, i);
    const std::string piece = all.substr(i, end - i + 1);
    if (end == std::string::npos || piece.find_first_of("<{[", 1) != std::string::npos)
      return out + "BROKEN:" + all.substr(i);
    out += piece.substr(0, piece.find('.'));
    i = end + 1;
  }
  return out;
}

TEST(Outbox, LentAndTakenBackKeepsMessagesWhole) {
  for (const size_t capacity : {1u, 3u, 7u, 16u, 50u, 1000u}) {
    SCOPED_TRACE(capacity);
    Way w(capacity);
    auto publication = w.publish();
    auto subscription = w.subscribe();
    const auto push = [&](int ms, bool key) {
      publication.push(video(ms, key));
      publication.flush();
      w.cores.run_until_idle();
    };
    publication.announce(video_and_audio());
    push(0, true);
    w.send("<before that waits>");
    auto fan_out = subscription.fan_out("b", [] { return std::make_unique<Brackets>(20); });
    auto& viewer = w.outbox->lend(std::move(fan_out), hub::testing::peer());
    viewer.start({});
    w.send("<between one>");
    std::string got = w.read(11);
    push(40, false);
    w.send("<between two>");
    got += w.read(17);
    push(80, false);
    got += w.read(5);
    viewer.stop({Code::busy, "enough"});
    w.send("<while it is over>");
    w.outbox->take_back();
    EXPECT_EQ(w.outbox->viewer(), nullptr);
    w.send("<after>");
    push(120, false);  // must not be seen
    got += w.read_all();
    const std::string seen = pieces(got);
    EXPECT_EQ(seen.find("BROKEN"), std::string::npos) << got;
    EXPECT_EQ(seen.find("120"), std::string::npos) << got;
    size_t at = 0;
    for (const char* word : {"<before that waits>", "<between one>", "<between two>",
                             "<while it is over>", "<after>"}) {
      const size_t found = seen.find(word);
      ASSERT_NE(found, std::string::npos) << word << " in " << seen;
      EXPECT_GE(found, at) << seen;
      at = found;
    }
  }
}

TEST(Outbox, LentAgainGoesOn) {
  Way w(9);
  auto publication = w.publish();
  auto subscription = w.subscribe();
  publication.announce(video_and_audio());
  publication.push(video(0, true));
  publication.flush();
  std::string got;
  for (int i = 0; i < 3; ++i) {
    auto fan_out = subscription.fan_out("b", [] { return std::make_unique<Brackets>(20); });
    w.outbox->lend(std::move(fan_out), hub::testing::peer()).start({});
    got += w.read(13);
    w.outbox->take_back();
    w.send("<" + std::to_string(i) + ">");
  }
  auto fan_out = subscription.fan_out("b", [] { return std::make_unique<Brackets>(20); });
  w.outbox->lend(std::move(fan_out), hub::testing::peer()).start({});
  got += w.read_all();
  const std::string seen = pieces(got);
  EXPECT_EQ(seen.find("BROKEN"), std::string::npos) << got;
  EXPECT_TRUE(seen.starts_with("{}[0<0>") && seen.ends_with("<2>{}[0")) << seen;
  w.outbox.reset();
}

}  // namespace
}  // namespace weir::rtmp::testing
