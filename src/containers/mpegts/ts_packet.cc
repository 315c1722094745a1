// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/ts_packet.h"

namespace weir::mpegts {
namespace {

Result<> parse_adaptation(ByteSpan field, TsPacket& p) {
  ByteReader in(field);
  if (in.at_end()) return {};  // length zero: a single stuffing byte
  const uint8_t flags = in.u8();
  p.discontinuity = (flags & 0x80) != 0;
  p.random_access = (flags & 0x40) != 0;
  if (flags & 0x10) {
    const uint64_t base = uint64_t{in.u32()} << 1;
    const uint16_t low = in.u16();
    if (!in.ok()) return fail(Code::protocol, "ts: adaptation field too short for its PCR");
    const uint64_t extension = low & 0x1ff;
    if (extension >= 300) return fail(Code::protocol, "ts: PCR extension of 300 or more");
    p.pcr = (base | low >> 15) * 300 + extension;
  }
  return {};
}

}  // namespace

Result<TsPacket> parse_ts_packet(ByteSpan in) {
  if (in.size() != kPacketSize) return fail(Code::protocol, "ts: packet is not 188 bytes");
  ByteReader r(in);
  if (r.u8() != kSync) return fail(Code::protocol, "ts: no sync byte");
  TsPacket p;
  const uint16_t word = r.u16();
  p.transport_error = (word & 0x8000) != 0;
  p.unit_start = (word & 0x4000) != 0;
  p.pid = word & 0x1fff;
  const uint8_t last = r.u8();
  p.scrambled = (last & 0xc0) != 0;
  p.continuity = last & 0x0f;
  p.has_payload = (last & 0x10) != 0;
  const bool adaptation = (last & 0x20) != 0;
  // 2.4.3.3: adaptation_field_control 00 is reserved.
  if (!p.has_payload && !adaptation) return fail(Code::protocol, "ts: neither field nor payload");
  if (adaptation) {
    const uint8_t length = r.u8();
    const ByteSpan field = r.bytes(length);
    if (!r.ok()) return fail(Code::protocol, "ts: adaptation field past the packet");
    TRY(parse_adaptation(field, p));
  }
  if (p.has_payload) p.payload = r.rest();
  if (p.has_payload && p.payload.empty()) return fail(Code::protocol, "ts: payload of no bytes");
  return p;
}

}  // namespace weir::mpegts
