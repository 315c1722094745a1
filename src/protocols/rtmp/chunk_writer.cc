// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/chunk_writer.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace weir::rtmp {
namespace {

constexpr uint32_t kExtended = 0xffffff;
constexpr size_t kMaxPayload = 0xffffff;

// Bytes of a header, written forward.
struct Prefix {
  std::array<uint8_t, 18> bytes{};
  size_t size = 0;

  void be(uint32_t v, unsigned count) {
    while (count-- > 0) bytes[size++] = static_cast<uint8_t>(v >> (8 * count));
  }
  // RTMP 1.0 5.3.1.1: one, two or three bytes.
  void basic(unsigned format, uint32_t chunk_stream) {
    const uint32_t high = format << 6;
    if (chunk_stream < 64) {
      be(high | chunk_stream, 1);
    } else if (chunk_stream < 320) {
      be(high, 1);
      be(chunk_stream - 64, 1);
    } else {
      be(high | 1, 1);
      be((chunk_stream - 64) & 0xff, 1);
      be((chunk_stream - 64) >> 8, 1);
    }
  }
  ByteSpan span() const { return {bytes.data(), size}; }
};

void append(std::vector<uint8_t>& out, ByteSpan bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// Takes up to `count` bytes off the front of `from`.
ByteSpan take(ByteSpan& from, size_t count) {
  const ByteSpan taken = from.first(std::min(count, from.size()));
  from = from.subspan(taken.size());
  return taken;
}

Prefix make_first(const MessageHeader& h, size_t length) {
  Prefix p;
  p.basic(0, h.chunk_stream);
  p.be(std::min(h.timestamp, kExtended), 3);
  p.be(static_cast<uint32_t>(length), 3);
  p.be(static_cast<uint8_t>(h.type), 1);
  // The one little-endian field of the protocol: RTMP 1.0 5.3.1.2.1.
  for (unsigned i = 0; i < 4; ++i) p.be(h.stream_id >> (8 * i) & 0xff, 1);
  if (h.timestamp >= kExtended) p.be(h.timestamp, 4);
  return p;
}

Prefix make_next(const MessageHeader& h) {
  Prefix p;
  p.basic(3, h.chunk_stream);
  if (h.timestamp >= kExtended) p.be(h.timestamp, 4);
  return p;
}

}  // namespace

void append_message(std::vector<uint8_t>& out, const MessageHeader& header, ByteSpan head,
                    ByteSpan body, uint32_t chunk_size) {
  const size_t length = head.size() + body.size();
  CHECK(length <= kMaxPayload, "an RTMP message's length has 24 bits");
  CHECK(chunk_size >= 1, "chunks must carry something");
  CHECK(header.chunk_stream >= 2 && header.chunk_stream <= 65599, "no such chunk stream");
  const size_t needed = out.size() + chunked_size(header, length, chunk_size);
  // At least doubling, so that many messages appended to one buffer stay linear.
  if (out.capacity() < needed) out.reserve(std::max(needed, out.capacity() * 2));
  append(out, make_first(header, length).span());
  const Prefix next = make_next(header);
  while (true) {
    const ByteSpan from_head = take(head, chunk_size);
    append(out, from_head);
    append(out, take(body, chunk_size - from_head.size()));
    if (head.empty() && body.empty()) return;
    append(out, next.span());
  }
}

size_t chunked_size(const MessageHeader& header, size_t payload_size, uint32_t chunk_size) {
  const size_t more = payload_size == 0 ? 0 : (payload_size - 1) / chunk_size;
  return make_first(header, payload_size).size + payload_size + more * make_next(header).size;
}

}  // namespace weir::rtmp
