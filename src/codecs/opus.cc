// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/opus.h"

namespace weir::codecs {

namespace {

constexpr std::string_view kMagic = "OpusHead";

uint16_t u16_le(ByteReader& r) {
  const uint8_t low = r.u8();
  return static_cast<uint16_t>(low | r.u8() << 8);
}

void u16_le(ByteWriter& w, uint16_t v) {
  w.u8(static_cast<uint8_t>(v));
  w.u8(static_cast<uint8_t>(v >> 8));
}

// RFC 6716 table 2.
Time frame_length(unsigned config) {
  static constexpr Time kSilk[] = {10ms, 20ms, 40ms, 60ms}, kCelt[] = {2500us, 5ms, 10ms, 20ms};
  if (config < 12) return kSilk[config & 3];
  if (config < 16) return kSilk[config & 1];
  return kCelt[config & 3];
}

}  // namespace

Result<OpusHead> parse_opus_head(ByteSpan config) {
  ByteReader r(config);
  if (r.text(kMagic.size()) != kMagic) return fail(Code::protocol, "OpusHead: no magic");
  OpusHead h;
  // RFC 7845 5.1: the upper four bits are the incompatible part.
  if (r.u8() >> 4 != 0) return fail(Code::unsupported, "OpusHead: version");
  h.channels = r.u8();
  h.pre_skip = u16_le(r);
  h.input_rate = r.u32_le();
  h.gain = static_cast<int16_t>(u16_le(r));
  h.mapping_family = r.u8();
  h.coupled = h.channels > 1 ? 1 : 0;
  if (h.mapping_family != 0) {
    h.streams = r.u8();
    h.coupled = r.u8();
    h.mapping = Bytes::copy(r.bytes(h.channels));
  }
  if (!r.ok()) return fail(Code::protocol, "OpusHead: too short");
  if (h.channels == 0 || (h.mapping_family == 0 && h.channels > 2))
    return fail(Code::protocol, "OpusHead: channel count");
  return h;
}

Bytes write_opus_head(const OpusHead& h) {
  ByteWriter w;
  w.text(kMagic);
  w.u8(1);
  w.u8(h.channels);
  u16_le(w, h.pre_skip);
  w.u32_le(h.input_rate);
  u16_le(w, static_cast<uint16_t>(h.gain));
  w.u8(h.mapping_family);
  if (h.mapping_family != 0) {
    w.u8(h.streams);
    w.u8(h.coupled);
    w.bytes(h.mapping);
  }
  return w.take();
}

Time opus_packet_duration(ByteSpan packet) {
  if (packet.empty()) return {};
  const Time one = frame_length(packet[0] >> 3);
  // RFC 6716 3.2: one frame, two of a size, two of different sizes, a count.
  switch (packet[0] & 3) {
    case 0: return one;
    case 1: return packet.size() % 2 ? 2 * one : Time{};
    case 2: return packet.size() > 1 ? 2 * one : Time{};
    default: break;
  }
  if (packet.size() < 2) return {};
  const Time all = (packet[1] & 63) * one;
  return all <= 120ms ? all : Time{};
}

Result<AudioParams> describe_opus(ByteSpan config) {
  TRY(auto h, parse_opus_head(config));
  return AudioParams{48000, h.channels};
}

}  // namespace weir::codecs
