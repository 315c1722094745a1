// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/pes.h"

#include "containers/mpegts/ts_packet.h"

namespace weir::mpegts {
namespace {

// 33 bits in three parts, each followed by a marker bit.
void write_stamp(ByteWriter& out, uint8_t prefix, uint64_t t) {
  t &= kTickMask;
  out.u8(static_cast<uint8_t>(prefix << 4 | (t >> 30) << 1 | 1));
  out.u16(static_cast<uint16_t>((t >> 15 & 0x7fff) << 1 | 1));
  out.u16(static_cast<uint16_t>((t & 0x7fff) << 1 | 1));
}

Result<uint64_t> parse_stamp(ByteReader& in, uint8_t prefix) {
  const uint8_t high = in.u8();
  const uint16_t middle = in.u16(), low = in.u16();
  if (!in.ok()) return fail(Code::protocol, "pes: header too short for its times");
  if (high >> 4 != prefix || !(high & 1) || !(middle & 1) || !(low & 1))
    return fail(Code::protocol, "pes: marker bits of a time are wrong");
  return uint64_t{high >> 1 & 7u} << 30 | uint64_t{middle} >> 1 << 15 | low >> 1;
}

// 2.4.3.7: these stream ids have no optional header.
bool has_header(uint8_t id) {
  switch (id) {
    case 0xbc:  // program stream map
    case 0xbe:  // padding
    case 0xbf:  // private_stream_2
    case 0xf0:  // ECM
    case 0xf1:  // EMM
    case 0xf2:  // DSM-CC
    case 0xf8:  // H.222.1 type E
    case 0xff:  // program stream directory
      return false;
    default: return true;
  }
}

}  // namespace

size_t pes_header_size(uint64_t pts, uint64_t dts) {
  return (pts & kTickMask) == (dts & kTickMask) ? 14 : 19;
}

void write_pes_header(ByteWriter& out, uint8_t stream_id, uint64_t pts, uint64_t dts,
                      size_t body_size) {
  const bool both = (pts & kTickMask) != (dts & kTickMask);
  const uint8_t stamps = both ? 10 : 5;
  const size_t length = 3 + stamps + body_size;
  out.u24(1);
  out.u8(stream_id);
  out.u16(length > 65535 ? 0 : static_cast<uint16_t>(length));
  out.u8(0x84);  // '10', data_alignment_indicator: an access unit starts right here
  out.u8(both ? 0xc0 : 0x80);
  out.u8(stamps);
  write_stamp(out, both ? 3 : 2, pts);
  if (both) write_stamp(out, 1, dts);
}

Result<PesHeader> parse_pes_header(ByteSpan in) {
  ByteReader r(in);
  if (r.u24() != 1) return fail(Code::protocol, "pes: no start code");
  PesHeader h;
  h.stream_id = r.u8();
  const uint16_t length = r.u16();
  if (!has_header(h.stream_id)) return fail(Code::unsupported, "pes: stream id without header");
  const uint8_t first = r.u8(), flags = r.u8(), header_length = r.u8();
  ByteReader optional(r.bytes(header_length));
  if (!r.ok()) return fail(Code::protocol, "pes: header is cut off");
  if (first >> 6 != 2) return fail(Code::protocol, "pes: not an MPEG-2 header");
  if (flags >> 6 == 1) return fail(Code::protocol, "pes: DTS without PTS");
  if (flags & 0x80) {
    TRY(h.pts, parse_stamp(optional, (flags & 0x40) ? 3 : 2));
    h.dts = h.pts;
  }
  if (flags & 0x40) {
    TRY(h.dts, parse_stamp(optional, 1));
  }
  h.header_size = 9u + header_length;
  if (length != 0) {
    if (length < 3u + header_length) return fail(Code::protocol, "pes: length inside the header");
    h.body_size = length - 3u - header_length;
  }
  return h;
}

}  // namespace weir::mpegts
