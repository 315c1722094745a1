// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/handshake.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/hmac.h"

namespace weir::rtmp {
namespace {

using Block = std::array<uint8_t, kHandshakeSize>;

Block noise(uint32_t seed) {
  Block b;
  for (auto& x : b) x = static_cast<uint8_t>((seed = seed * 1664525 + 1013904223) >> 24);
  return b;
}

struct Talk {
  ServerHandshake server;
  ClientHandshake client;
  std::vector<uint8_t> to_server, to_client;
  size_t left = 0;  // bytes that neither side used
};

// Lets both sides talk in pieces of `step` bytes; `behind` is what the client sends right after.
void talk(Talk& t, size_t step, ByteSpan behind = {}) {
  t.to_server.assign(t.client.hello().begin(), t.client.hello().end());
  size_t server_at = 0, client_at = 0;
  bool sent_behind = false;
  while (server_at < t.to_server.size() || client_at < t.to_client.size()) {
    const ByteSpan up = ByteSpan(t.to_server).subspan(server_at);
    const auto used = t.server.feed(up.first(std::min(step, up.size())), t.to_client);
    ASSERT_TRUE(used);
    server_at += *used;
    const ByteSpan down = ByteSpan(t.to_client).subspan(client_at);
    const auto taken = t.client.feed(down.first(std::min(step, down.size())), t.to_server);
    ASSERT_TRUE(taken);
    client_at += *taken;
    if (t.client.done() && !sent_behind) {
      sent_behind = true;
      t.to_server.insert(t.to_server.end(), behind.begin(), behind.end());
    }
    if (t.server.done() && t.client.done()) break;
  }
  t.left = t.to_server.size() - server_at;
}

TEST(Handshake, BothSidesInEveryKindAndFeedSize) {
  for (const auto kind :
       {HandshakeKind::simple, HandshakeKind::digest_scheme0, HandshakeKind::digest_scheme1}) {
    for (const size_t step : {1, 7, 1536, 1537, 100000}) {
      // Other random bytes each time, so that the digest lies elsewhere each time.
      const auto seed = static_cast<uint32_t>(step);
      Talk t{ServerHandshake(noise(seed), 5), ClientHandshake(noise(seed + 1), kind, 6), {}, {}};
      talk(t, step);
      EXPECT_TRUE(t.server.done());
      EXPECT_TRUE(t.client.done());
      EXPECT_EQ(t.server.kind(), kind);
      EXPECT_EQ(t.client.server_kind(), kind);
      EXPECT_EQ(t.to_server.size(), 1 + 2 * kHandshakeSize);
      EXPECT_EQ(t.to_client.size(), 1 + 2 * kHandshakeSize);
    }
  }
}

TEST(Handshake, BytesBehindAreLeftForTheChunkLayer) {
  Talk t{ServerHandshake(noise(1)), ClientHandshake(noise(2)), {}, {}};
  talk(t, 100000, as_bytes("chunks"));
  EXPECT_TRUE(t.server.done());
  EXPECT_EQ(t.left, 6u);
  std::vector<uint8_t> reply;
  EXPECT_EQ(*t.server.feed(as_bytes("more"), reply), 0u);
  EXPECT_TRUE(reply.empty());
}

TEST(Handshake, SimpleEchoes) {
  ServerHandshake server(noise(1), 0x01020304);
  Block c1 = noise(2);
  std::fill_n(c1.begin() + 4, 4, uint8_t{0});
  std::vector<uint8_t> in{3}, reply;
  in.insert(in.end(), c1.begin(), c1.end());
  EXPECT_EQ(*server.feed(in, reply), in.size());
  ASSERT_EQ(reply.size(), 1 + 2 * kHandshakeSize);
  EXPECT_EQ(to_hex(ByteSpan(reply).first(9)), "030102030400000000");
  EXPECT_TRUE(std::equal(c1.begin(), c1.end(), reply.begin() + 1 + kHandshakeSize));
  EXPECT_FALSE(server.done());
}

// A C1 whose version is not 0, but without a digest that verifies: answered simply.
TEST(Handshake, FallsBackWhenTheDigestIsWrong) {
  for (const auto kind : {HandshakeKind::digest_scheme0, HandshakeKind::digest_scheme1}) {
    ClientHandshake client(noise(9), kind);
    std::vector<uint8_t> in(client.hello().begin(), client.hello().end());
    in[1500] ^= 1;  // every byte is under the digest
    ServerHandshake server(noise(1));
    std::vector<uint8_t> reply;
    ASSERT_TRUE(server.feed(in, reply));
    EXPECT_EQ(server.kind(), HandshakeKind::simple);
    EXPECT_TRUE(std::equal(in.begin() + 1, in.end(), reply.begin() + 1 + kHandshakeSize));
  }
}

// S2 of the digest handshake, checked as a client would: its last 32 bytes sign the others with a
// key made from the digest in C1.
TEST(Handshake, DigestAnswerIsSigned) {
  ClientHandshake client(noise(3), HandshakeKind::digest_scheme1);
  ServerHandshake server(noise(4));
  std::vector<uint8_t> reply;
  ASSERT_TRUE(server.feed(client.hello(), reply));
  const ByteSpan c1 = client.hello().subspan(1);
  const size_t at = 12 + (c1[8] + c1[9] + c1[10] + c1[11]) % 728;
  std::vector<uint8_t> secret;
  for (const char c : std::string_view("Genuine Adobe Flash Media Server 001")) {
    secret.push_back(static_cast<uint8_t>(c));
  }
  for (const uint8_t b : from_hex("f0eec24a8068bee82e00d0d1029e7e57"
                                  "6eec5d2d29806fab93b8e636cfeb31ae")) {
    secret.push_back(b);
  }
  const auto key = net::hmac_sha256(secret, c1.subspan(at, 32));
  const ByteSpan s2 = ByteSpan(reply).last(kHandshakeSize);
  EXPECT_EQ(to_hex(net::hmac_sha256(key, s2.first(kHandshakeSize - 32))), to_hex(s2.last(32)));
}

TEST(Handshake, ClientTakesAnySecondBlock) {
  ClientHandshake client(noise(1));
  std::vector<uint8_t> reply, junk(1 + 2 * kHandshakeSize, 0xee);
  junk[0] = 3;
  EXPECT_EQ(*client.feed(junk, reply), junk.size());
  EXPECT_TRUE(client.done());
  EXPECT_EQ(reply.size(), kHandshakeSize);
  EXPECT_TRUE(std::ranges::all_of(reply, [](uint8_t b) { return b == 0xee; }));
}

TEST(Handshake, OtherVersionsAreRefused) {
  for (const auto& [version, code] : {std::pair{uint8_t{6}, Code::unsupported},
                                      {uint8_t{8}, Code::unsupported},
                                      {uint8_t{0}, Code::protocol},
                                      {uint8_t{'G'}, Code::protocol},
                                      {uint8_t{22}, Code::protocol}}) {
    ServerHandshake server(noise(1));
    ClientHandshake client(noise(1));
    std::vector<uint8_t> reply;
    const uint8_t in[] = {version};
    EXPECT_EQ(server.feed(in, reply).error().code, code) << int{version};
    EXPECT_EQ(client.feed(in, reply).error().code, code) << int{version};
    EXPECT_TRUE(reply.empty());
  }
}

// RFC 4231, test cases 2 and 3.
TEST(Hmac, KnownAnswers) {
  EXPECT_EQ(to_hex(net::hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const std::vector<uint8_t> key(20, 0xaa), data(50, 0xdd);
  const std::string expected = "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe";
  EXPECT_EQ(to_hex(net::hmac_sha256(key, data)), expected);
  EXPECT_EQ(to_hex(net::hmac_sha256(key, ByteSpan(data).first(13), ByteSpan(data).subspan(13))),
            expected);
  EXPECT_EQ(to_hex(net::hmac_sha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  EXPECT_TRUE(net::constant_time_equal(key, std::vector<uint8_t>(20, 0xaa)));
  EXPECT_FALSE(net::constant_time_equal(key, data));
  EXPECT_FALSE(net::constant_time_equal(key, std::vector<uint8_t>(20, 0xab)));
}

}  // namespace
}  // namespace weir::rtmp
