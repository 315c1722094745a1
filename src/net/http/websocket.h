// Weir live-streaming server. MIT licence, see LICENSE.

// WebSocket, server side (RFC 6455): the handshake as a Response, frame heads to put before shared
// payloads, and an incremental parser of what clients send. Pure but for the handshake's takeover;
// the session that owns the stream reads, feeds the parser and answers. Leaves out extensions (no
// compression) and client frames.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "net/http/message.h"

namespace weir::net::http {

// Whether the request asks for one, to tell a page view from a socket on the same path.
bool wants_websocket(const Request&);
// 101 and the connection to `open`; or 400 / 426 saying what is missing. `protocol`: the
// subprotocol to agree to when the client offers it; empty for none.
Response accept_websocket(const Request&, Takeover open, std::string_view protocol = {});
// RFC 6455 4.2.2: the Sec-WebSocket-Accept of a Sec-WebSocket-Key.
std::string websocket_accept_key(std::string_view key);

enum class Opcode : uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

// The 2 to 10 bytes before an unmasked, unfragmented payload.
struct FrameHead {
  std::array<uint8_t, 10> bytes{};
  uint8_t size = 0;
  ByteSpan span() const { return {bytes.data(), size}; }
};
FrameHead frame_head(Opcode, uint64_t payload_size);
// A whole frame, for small ones: pongs, texts.
Bytes frame(Opcode, ByteSpan payload);
// `reason` is cut to what a control frame holds.
Bytes close_frame(uint16_t code, std::string_view reason = {});

struct WebSocketMessage {
  Opcode kind = Opcode::binary;  // text, binary, close, ping or pong
  Bytes payload;                 // of a close: the reason
  uint16_t close_code = 0;       // of a close; 1005 when the peer gave none
};

// One per connection. Keeps at most one message and one partial frame.
class WebSocketParser {
 public:
  explicit WebSocketParser(size_t message_limit = 64 << 10) : limit_(message_limit) {}

  // Adds what was read.
  void push(ByteSpan);
  // The next message, or nothing when more is needed. After an error: send
  // close_frame(close_code()) and close. Answer a ping with frame(pong, payload), a close with
  // close_frame(close_code) once.
  Result<std::optional<WebSocketMessage>> next();
  // RFC 6455 7.4.1 for the error next() gave: 1002, 1007 or 1009.
  uint16_t close_code() const { return close_code_; }

 private:
  struct Head {
    Opcode opcode;
    bool fin;
    uint64_t size;
    std::array<uint8_t, 4> mask;
    size_t bytes;
  };
  Result<std::optional<Head>> head();
  Result<std::optional<WebSocketMessage>> finish(const Head&, std::vector<uint8_t> payload);
  std::unexpected<Error> wrong(uint16_t code, std::string what);

  size_t limit_;
  std::vector<uint8_t> held_;
  size_t at_ = 0;  // held_ before this is done with
  std::vector<uint8_t> message_;
  std::optional<Opcode> fragmented_;
  uint16_t close_code_ = 1002;
};

}  // namespace weir::net::http
