// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/handshake.h"

#include <algorithm>
#include <optional>
#include <string>

#include "net/hmac.h"

namespace weir::rtmp {
namespace {

constexpr uint8_t kVersion = 3;
constexpr size_t kDigestSize = 32;

// The secrets that are none: known since Flash Player 9. The text alone signs C1 and S1, text and
// tail sign C2 and S2.
constexpr std::string_view kServerText = "Genuine Adobe Flash Media Server 001";
constexpr std::string_view kClientText = "Genuine Adobe Flash Player 001";
constexpr uint8_t kTail[] = {0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0,
                             0xd1, 0x02, 0x9e, 0x7e, 0x57, 0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80,
                             0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae};

// What a block says in its version field when it carries a digest: any number but 0 will do.
constexpr uint8_t kServerVersion[] = {3, 5, 7, 1};
constexpr uint8_t kClientVersion[] = {10, 0, 45, 2};

using Block = std::array<uint8_t, kHandshakeSize>;

// A block is time, version, and two parts of 764 bytes: key and digest in scheme 0, digest and key
// in scheme 1. The digest part opens with four bytes whose sum tells where in it the digest is.
size_t digest_offset(ByteSpan block, HandshakeKind scheme) {
  const size_t part = scheme == HandshakeKind::digest_scheme0 ? 772 : 8;
  size_t sum = 0;
  for (size_t i = 0; i < 4; ++i) sum += block[part + i];
  return part + 4 + sum % (764 - 4 - kDigestSize);
}

net::Sha256 digest_of(ByteSpan block, size_t offset, std::string_view text) {
  return net::hmac_sha256(as_bytes(text), block.first(offset), block.subspan(offset + kDigestSize));
}

// Which scheme's digest in the block verifies.
HandshakeKind find_digest(ByteSpan block, std::string_view text) {
  if (std::ranges::all_of(block.subspan(4, 4), [](uint8_t b) { return b == 0; })) {
    return HandshakeKind::simple;  // what RTMP 1.0 5.2.3 has there
  }
  for (const auto scheme : {HandshakeKind::digest_scheme1, HandshakeKind::digest_scheme0}) {
    const size_t offset = digest_offset(block, scheme);
    if (net::constant_time_equal(digest_of(block, offset, text),
                                 block.subspan(offset, kDigestSize))) {
      return scheme;
    }
  }
  return HandshakeKind::simple;
}

// C1 or S1.
Block make_first(const Block& random, uint32_t time_ms, HandshakeKind kind, ByteSpan version,
                 std::string_view text) {
  Block block = random;
  for (size_t i = 0; i < 4; ++i) block[i] = static_cast<uint8_t>(time_ms >> (24 - 8 * i));
  std::fill_n(block.begin() + 4, 4, uint8_t{0});
  if (kind == HandshakeKind::simple) return block;
  std::ranges::copy(version, block.begin() + 4);
  const size_t offset = digest_offset(block, kind);
  std::ranges::copy(digest_of(block, offset, text), block.begin() + static_cast<ptrdiff_t>(offset));
  return block;
}

// C2 or S2: the peer's block again, or random bytes signed with a key made from the peer's digest.
Block make_second(const Block& random, ByteSpan peer, HandshakeKind kind, std::string_view text) {
  Block block = random;
  if (kind == HandshakeKind::simple) {
    std::ranges::copy(peer, block.begin());
    return block;
  }
  std::vector<uint8_t> secret(text.begin(), text.end());
  secret.insert(secret.end(), std::begin(kTail), std::end(kTail));
  const ByteSpan digest = peer.subspan(digest_offset(peer, kind), kDigestSize);
  const net::Sha256 key = net::hmac_sha256(secret, digest);
  const ByteSpan signed_part = ByteSpan(block).first(kHandshakeSize - kDigestSize);
  std::ranges::copy(net::hmac_sha256(key, signed_part), block.end() - kDigestSize);
  return block;
}

Result<> check_version(uint8_t version) {
  if (version == kVersion) return {};
  if (version == 6 || version == 8 || version == 9) {
    return fail(Code::unsupported, "handshake: encrypted RTMP (RTMPE) is not supported");
  }
  return fail(Code::protocol, "handshake: not RTMP, version " + std::to_string(version));
}

void append(std::vector<uint8_t>& out, ByteSpan bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// Moves bytes from `in` to `held` until that is one block; the block, once it is.
std::optional<Block> collect(ByteSpan& in, std::vector<uint8_t>& held) {
  const size_t count = std::min(kHandshakeSize - held.size(), in.size());
  append(held, in.first(count));
  in = in.subspan(count);
  if (held.size() < kHandshakeSize) return std::nullopt;
  Block block;
  std::ranges::copy(held, block.begin());
  held.clear();
  return block;
}

}  // namespace

ServerHandshake::ServerHandshake(HandshakeRandom random, uint32_t time_ms) : time_ms_(time_ms) {
  std::ranges::copy(random, random_.begin());
}

Result<size_t> ServerHandshake::feed(ByteSpan in, std::vector<uint8_t>& reply) {
  const size_t offered = in.size();
  if (state_ == State::version && !in.empty()) {
    TRY(check_version(in[0]));
    in = in.subspan(1);
    state_ = State::c1;
  }
  if (state_ == State::c1) {
    if (const auto c1 = collect(in, held_)) {
      kind_ = find_digest(*c1, kClientText);
      reply.push_back(kVersion);
      append(reply, make_first(random_, time_ms_, kind_, kServerVersion, kServerText));
      append(reply, make_second(random_, *c1, kind_, kServerText));
      state_ = State::c2;
    }
  }
  // What is in C2 proves nothing, and clients in the field put anything there.
  if (state_ == State::c2 && collect(in, held_)) state_ = State::done;
  return offered - in.size();
}

ClientHandshake::ClientHandshake(HandshakeRandom random, HandshakeKind kind, uint32_t time_ms)
    : kind_(kind) {
  std::ranges::copy(random, random_.begin());
  hello_.push_back(kVersion);
  append(hello_, make_first(random_, time_ms, kind_, kClientVersion, kClientText));
}

Result<size_t> ClientHandshake::feed(ByteSpan in, std::vector<uint8_t>& reply) {
  const size_t offered = in.size();
  if (state_ == State::version && !in.empty()) {
    TRY(check_version(in[0]));
    in = in.subspan(1);
    state_ = State::s1;
  }
  if (state_ == State::s1) {
    if (const auto s1 = collect(in, held_)) {
      if (kind_ != HandshakeKind::simple) server_kind_ = find_digest(*s1, kServerText);
      append(reply, make_second(random_, *s1, server_kind_, kClientText));
      state_ = State::s2;
    }
  }
  if (state_ == State::s2 && collect(in, held_)) state_ = State::done;
  return offered - in.size();
}

}  // namespace weir::rtmp
