// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/websocket.h"

#include <gmock/gmock.h>

namespace weir::net::http {
namespace {

// A client's frame.
std::string masked(int opcode, std::string_view payload, bool fin = true) {
  const uint8_t mask[] = {0x37, 0xfa, 0x21, 0x3d};
  ByteWriter w;
  w.u8(static_cast<uint8_t>(opcode | (fin ? 0x80 : 0)));
  if (payload.size() < 126) {
    w.u8(static_cast<uint8_t>(0x80 | payload.size()));
  } else {
    w.u8(0x80 | 126);
    w.u16(static_cast<uint16_t>(payload.size()));
  }
  w.bytes(mask);
  for (size_t i = 0; i < payload.size(); ++i)
    w.u8(static_cast<uint8_t>(static_cast<uint8_t>(payload[i]) ^ mask[i & 3]));
  return std::string(w.take().text());
}

// "1:hello" for each message, or "error 1002"; `step` bytes at a time.
std::string read(const std::string& wire, size_t step = SIZE_MAX, size_t limit = 1000) {
  WebSocketParser p(limit);
  std::string out;
  for (size_t at = 0; at < wire.size(); at += std::min(step, wire.size() - at)) {
    p.push(as_bytes(std::string_view(wire).substr(at, step)));
    for (;;) {
      auto m = p.next();
      if (!m) return out + "error " + std::to_string(p.close_code());
      if (!*m) break;
      out += std::to_string(static_cast<int>((*m)->kind)) + ":" + std::string((*m)->payload.text());
      if ((*m)->kind == Opcode::close) out += "(" + std::to_string((*m)->close_code) + ")";
      out += " ";
    }
  }
  return out;
}

TEST(WebSocket, AcceptKeyOfTheRfc) {  // RFC 6455 1.3
  EXPECT_EQ(websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

Request upgrade() {
  Request r;
  r.headers = {{"Upgrade", "WebSocket"},
               {"Connection", "keep-alive, Upgrade"},
               {"Sec-WebSocket-Version", "13"},
               {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
               {"Sec-WebSocket-Protocol", "chat, flv"}};
  return r;
}

Response accept(const Request& r) {
  return accept_websocket(
      r, [](std::unique_ptr<ByteStream>, Bytes) {}, "flv");
}

TEST(WebSocket, Handshake) {
  Request r = upgrade();
  EXPECT_TRUE(wants_websocket(r));
  const Response ok = accept(r);
  EXPECT_EQ(ok.status, 101);
  EXPECT_TRUE(ok.takeover);
  ASSERT_EQ(ok.headers.size(), 4u);
  EXPECT_EQ(ok.headers[2].value, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(ok.headers[3].value, "flv");
  r.headers[4].value = "chat";
  EXPECT_EQ(accept(r).headers.size(), 3u) << "a protocol that was not offered is not named";
}

TEST(WebSocket, HandshakeRefused) {
  for (const size_t missing : {0u, 1u, 2u, 3u}) {
    Request r = upgrade();
    r.headers[missing].value = "x";
    const Response refused = accept(r);
    EXPECT_EQ(refused.status, missing == 3 ? 400 : 426) << missing;
    EXPECT_FALSE(refused.takeover);
  }
  Request post = upgrade();
  post.method = Method::post;
  EXPECT_EQ(accept(post).status, 400);
  Request old = upgrade();
  old.version = 10;
  EXPECT_EQ(accept(old).status, 400);
}

TEST(WebSocket, FrameHeads) {
  EXPECT_EQ(to_hex(frame_head(Opcode::binary, 5).span()), "8205");
  EXPECT_EQ(to_hex(frame_head(Opcode::binary, 125).span()), "827d");
  EXPECT_EQ(to_hex(frame_head(Opcode::binary, 126).span()), "827e007e");
  EXPECT_EQ(to_hex(frame_head(Opcode::binary, 65535).span()), "827effff");
  EXPECT_EQ(to_hex(frame_head(Opcode::text, 65536).span()), "817f0000000000010000");
  EXPECT_EQ(to_hex(frame(Opcode::pong, as_bytes("hi"))), "8a026869");
  EXPECT_EQ(to_hex(close_frame(1000, "ok")), "880403e86f6b");
  EXPECT_EQ(to_hex(close_frame(1005)), "8800");
  EXPECT_EQ(close_frame(1000, std::string(200, 'x')).size(), 2u + 125u);
}

TEST(WebSocket, ReadsTheRfcsExample) {  // RFC 6455 5.7
  const Bytes hello = from_hex("818537fa213d7f9f4d5158");
  EXPECT_EQ(read(std::string(hello.text())), "1:Hello ");
}

TEST(WebSocket, AnySplitGivesTheSame) {
  const std::string wire = masked(2, std::string(300, 'a')) + masked(1, "he", false) +
                           masked(9, "p") + masked(0, "llo") + masked(10, "") +
                           masked(8,
                                  "\x03\xe8"
                                  "bye");
  const std::string want = "2:" + std::string(300, 'a') + " 9:p 1:hello 10: 8:bye(1000) ";
  for (size_t step = 1; step <= wire.size(); ++step) ASSERT_EQ(read(wire, step), want) << step;
}

TEST(WebSocket, ClosesWithoutACode) { EXPECT_EQ(read(masked(8, "")), "8:(1005) "); }

TEST(WebSocket, RefusesWhatTheRfcForbids) {
  const auto hex = [](std::string_view h) { return std::string(from_hex(h).text()); };
  EXPECT_EQ(read(hex("820548656c6c6f")), "error 1002") << "not masked";
  EXPECT_EQ(read(hex("c28500000000")), "error 1002") << "reserved bit";
  EXPECT_EQ(read(hex("838000000000")), "error 1002") << "unknown opcode";
  EXPECT_EQ(read(hex("8b8000000000")), "error 1002") << "unknown control opcode";
  EXPECT_EQ(read(masked(9, "x", false)), "error 1002") << "fragmented ping";
  EXPECT_EQ(read(masked(9, std::string(126, 'x'))), "error 1002") << "long ping";
  EXPECT_EQ(read(masked(0, "x")), "error 1002") << "nothing to continue";
  EXPECT_EQ(read(masked(1, "a", false) + masked(1, "b")), "error 1002")
      << "message within a message";
  EXPECT_EQ(read(masked(8, "x")), "error 1002") << "half a close code";
  EXPECT_EQ(read(masked(8, std::string("\x03\xed", 2))), "error 1002") << "1005 is never sent";
  EXPECT_EQ(read(masked(8, std::string("\x03\xe8\xff", 3))), "error 1007") << "reason";
  EXPECT_EQ(read(masked(2, std::string(1001, 'x'))), "error 1009");
  EXPECT_EQ(read(masked(2, std::string(600, 'x'), false) + masked(0, std::string(600, 'x'))),
            "error 1009");
  EXPECT_EQ(read(hex("82ffffffffffffffffff00000000")), "error 1009") << "a length of 2^64-1";
}

TEST(WebSocket, TextIsUtf8) {
  for (const char* good :
       {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf"})
    EXPECT_EQ(read(masked(1, good)), "1:" + std::string(good) + " ");
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\xaf", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82", "a\xff"})
    EXPECT_EQ(read(masked(1, bad)), "error 1007") << to_hex(as_bytes(bad));
  // A character may be split between fragments.
  EXPECT_EQ(read(masked(1, "\xe2", false) + masked(0, "\x82\xac")), "1:\xe2\x82\xac ");
}

}  // namespace
}  // namespace weir::net::http
