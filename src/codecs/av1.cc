// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/av1.h"

#include <vector>

#include "base/bits.h"

namespace weir::codecs {

namespace {

constexpr uint8_t kHasExtension = 4, kHasSize = 2;

// AV1 4.10.5: at most eight bytes, and a value that fits 32 bits.
std::optional<uint32_t> read_leb128(ByteReader& r) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const uint8_t b = r.u8();
    value |= static_cast<uint64_t>(b & 0x7f) << (7 * i);
    if (b & 0x80) continue;
    if (!r.ok() || value > UINT32_MAX) return std::nullopt;
    return static_cast<uint32_t>(value);
  }
  return std::nullopt;
}

void append_leb128(std::vector<uint8_t>& out, size_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
  out.push_back(static_cast<uint8_t>(value));
}

// AV1 in ISOBMFF 2.4: these do not belong into a sample.
bool is_dropped(ObuType type) {
  return type == ObuType::temporal_delimiter || type == ObuType::tile_list ||
         type == ObuType::padding;
}

void append_sized(std::vector<uint8_t>& out, const Obu& obu) {
  out.push_back(obu.whole[0] | kHasSize);
  if (obu.whole[0] & kHasExtension) out.push_back(obu.whole[1]);
  append_leb128(out, obu.payload.size());
  out.insert(out.end(), obu.payload.begin(), obu.payload.end());
}

std::optional<Obu> find_sequence(ByteSpan payload) {
  ObuReader reader(payload);
  while (auto obu = reader.next())
    if (obu->type == ObuType::sequence_header) return obu;
  return std::nullopt;
}

}  // namespace

std::optional<Obu> ObuReader::next() {
  if (!ok_ || at_ == in_.size()) return std::nullopt;
  ok_ = false;  // until the OBU has turned out well
  ByteReader r(in_.subspan(at_));
  const uint8_t header = r.u8();
  if (header & 0x80) return std::nullopt;  // obu_forbidden_bit
  Obu obu;
  obu.type = ObuType(header >> 3 & 15);
  obu.has_size = (header & kHasSize) != 0;
  if (header & kHasExtension) {
    const uint8_t extension = r.u8();
    obu.temporal_id = extension >> 5;
    obu.spatial_id = extension >> 3 & 3;
  }
  if (obu.has_size) {
    const auto size = read_leb128(r);
    if (!size) return std::nullopt;
    obu.payload = r.bytes(*size);
  } else {
    obu.payload = r.rest();
  }
  if (!r.ok()) return std::nullopt;
  obu.whole = in_.subspan(at_, r.position());
  at_ += r.position();
  ok_ = true;
  return obu;
}

Result<Av1Config> parse_av1c(ByteSpan record) {
  BitReader r(record);
  if (r.bits(8) != 0x81 && r.ok()) return fail(Code::protocol, "av1C: version is not 1");
  Av1Config c;
  c.profile = static_cast<uint8_t>(r.bits(3));
  c.level = static_cast<uint8_t>(r.bits(5));
  c.high_tier = r.flag();
  c.high_bitdepth = r.flag();
  c.twelve_bit = r.flag();
  c.monochrome = r.flag();
  c.subsampling_x = r.flag();
  c.subsampling_y = r.flag();
  c.chroma_sample_position = static_cast<uint8_t>(r.bits(2));
  r.skip(3);
  const bool delay = r.flag();
  const uint32_t frames = r.bits(4) + 1;
  if (delay) c.initial_presentation_delay = static_cast<uint8_t>(frames);
  if (!r.ok()) return fail(Code::protocol, "av1C: too short");
  c.obus = Bytes::copy(record.subspan(4));
  return c;
}

Bytes write_av1c(const Av1Config& c) {
  BitWriter head;
  head.bits(0x81, 8);
  head.bits(c.profile, 3);
  head.bits(c.level, 5);
  head.flag(c.high_tier);
  head.flag(c.high_bitdepth);
  head.flag(c.twelve_bit);
  head.flag(c.monochrome);
  head.flag(c.subsampling_x);
  head.flag(c.subsampling_y);
  head.bits(c.chroma_sample_position, 2);
  head.bits(0, 3);
  head.flag(c.initial_presentation_delay.has_value());
  head.bits(c.initial_presentation_delay ? *c.initial_presentation_delay - 1u : 0, 4);
  ByteWriter w;
  w.bytes(head.span());
  w.bytes(c.obus);
  return w.take();
}

Result<Av1Config> av1_config_in_band(ByteSpan payload) {
  const auto obu = find_sequence(payload);
  if (!obu) return fail(Code::protocol, "av1: no sequence header");
  TRY(auto s, parse_av1_sequence(obu->payload));
  Av1Config c;
  c.profile = s.profile;
  c.level = s.level;
  c.high_tier = s.high_tier;
  c.high_bitdepth = s.bit_depth > 8;
  c.twelve_bit = s.bit_depth == 12;
  c.monochrome = s.monochrome;
  c.subsampling_x = s.subsampling_x;
  c.subsampling_y = s.subsampling_y;
  c.chroma_sample_position = s.chroma_sample_position;
  std::vector<uint8_t> out;
  append_sized(out, *obu);
  c.obus = Bytes::take(std::move(out));
  return c;
}

Result<Bytes> av1_to_canonical(Bytes payload) {
  size_t leading = 0;  // bytes of dropped OBUs at the front: a slice gets rid of them
  bool kept = false, rewrite = false;
  ObuReader check(payload);
  while (auto obu = check.next()) {
    if (is_dropped(obu->type) && !kept) {
      leading += obu->whole.size();
      continue;
    }
    kept = true;
    rewrite = rewrite || is_dropped(obu->type) || !obu->has_size;
  }
  if (!check.ok()) return fail(Code::protocol, "av1: malformed OBU");
  if (!rewrite) return payload.slice(leading);
  std::vector<uint8_t> out;
  out.reserve(payload.size() + 8);
  ObuReader reader(payload);
  while (auto obu = reader.next())
    if (!is_dropped(obu->type)) append_sized(out, *obu);
  return Bytes::take(std::move(out));
}

bool av1_is_keyframe(ByteSpan payload) {
  bool reduced = false;
  ObuReader reader(payload);
  while (auto obu = reader.next()) {
    if (obu->type == ObuType::sequence_header) {
      const auto s = parse_av1_sequence(obu->payload);
      reduced = s && s->reduced_still_picture_header;
    } else if (obu->type == ObuType::frame_header || obu->type == ObuType::frame) {
      // AV1 5.9.2: show_existing_frame, frame_type (0: key), show_frame.
      BitReader r(obu->payload);
      return reduced || (r.bits(4) == 1 && r.ok());
    }
  }
  return false;
}

Result<VideoParams> describe_av1c(ByteSpan record) {
  TRY(auto config, parse_av1c(record));
  const auto obu = find_sequence(config.obus);
  if (!obu) return VideoParams{};
  TRY(auto s, parse_av1_sequence(obu->payload));
  return VideoParams{s.width, s.height, s.frame_rate};
}

}  // namespace weir::codecs
