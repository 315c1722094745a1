// Weir live-streaming server. MIT licence, see LICENSE.

// The RTMP handshake, both sides, as state without a socket: bytes in, bytes to send out, done or
// not. Owned by a session, lives on its core; gone once done. The server answers the simple
// handshake (RTMP 1.0 5.2) and the digest one that Flash and its heirs ask for (HMAC-SHA256 in C1
// under two layouts, "schemes"), and falls back to the simple one when C1 carries no digest that
// verifies. Leaves out RTMPE (version 6), which is refused.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::rtmp {

inline constexpr size_t kHandshakeSize = 1536;  // C1, C2, S1 and S2

// Unpredictable bytes from the caller (constant ones in tests).
using HandshakeRandom = std::span<const uint8_t, kHandshakeSize>;

// Scheme 0 has the digest in the second half of C1, scheme 1 in the first.
enum class HandshakeKind { simple, digest_scheme0, digest_scheme1 };

class ServerHandshake {
 public:
  explicit ServerHandshake(HandshakeRandom random, uint32_t time_ms = 0);

  // Uses up to all of `in`, appends what is to be sent (S0 S1 S2, once C0 C1 are here) to `reply`,
  // and returns how many bytes it used: those after them belong to the chunk layer.
  Result<size_t> feed(ByteSpan in, std::vector<uint8_t>& reply);
  bool done() const { return state_ == State::done; }
  HandshakeKind kind() const { return kind_; }

 private:
  enum class State { version, c1, c2, done };

  State state_ = State::version;
  HandshakeKind kind_ = HandshakeKind::simple;
  std::array<uint8_t, kHandshakeSize> random_;
  uint32_t time_ms_;
  std::vector<uint8_t> held_;
};

class ClientHandshake {
 public:
  // kind simple suits every server; a digest one is for those that insist.
  explicit ClientHandshake(HandshakeRandom random, HandshakeKind kind = HandshakeKind::simple,
                           uint32_t time_ms = 0);

  // C0 and C1, to be sent first.
  ByteSpan hello() const { return hello_; }
  // As the server's; appends C2 once S1 is here. S2 is read and only its length believed: servers
  // in the field send anything there.
  Result<size_t> feed(ByteSpan in, std::vector<uint8_t>& reply);
  bool done() const { return state_ == State::done; }
  // Whether S1 carried a digest that verifies; looked for only when C1 carried one.
  HandshakeKind server_kind() const { return server_kind_; }

 private:
  enum class State { version, s1, s2, done };

  State state_ = State::version;
  HandshakeKind kind_;
  HandshakeKind server_kind_ = HandshakeKind::simple;
  std::array<uint8_t, kHandshakeSize> random_;
  std::vector<uint8_t> hello_;
  std::vector<uint8_t> held_;
};

}  // namespace weir::rtmp
