// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/vp9.h"

#include "base/bits.h"

namespace weir::codecs {

namespace {

constexpr size_t kRecordSize = 8;
constexpr uint32_t kSyncCode = 0x498342;
constexpr uint32_t kRgb = 7;

// 6.2.2 color_config.
Result<> read_color(BitReader& r, Vp9Frame& f) {
  if (f.profile >= 2) f.bit_depth = r.flag() ? 12 : 10;
  const bool rgb = r.bits(3) == kRgb;
  const bool any_subsampling = f.profile == 1 || f.profile == 3;
  if (rgb && !any_subsampling) return fail(Code::protocol, "vp9: RGB in a 4:2:0 profile");
  bool x = !rgb, y = !rgb;
  if (!rgb) {
    r.skip(1);  // color_range
    if (any_subsampling) {
      x = r.flag();
      y = r.flag();
    }
  }
  if (any_subsampling) r.skip(1);
  if (!x && y) return fail(Code::unsupported, "vp9: 4:4:0");
  f.chroma_subsampling = x ? (y ? 1 : 2) : 3;
  return {};
}

// VP9 level definitions: the largest picture and the longest side of each level.
uint8_t lowest_level(int width, int height) {
  struct Row {
    uint8_t level;
    int64_t area;
    int side;
  };
  static constexpr Row kLevels[] = {
      {10, 36864, 512},    {11, 73728, 768},    {20, 122880, 960},
      {21, 245760, 1344},  {30, 552960, 2048},  {31, 983040, 2752},
      {40, 2228224, 4160}, {50, 8912896, 8384}, {60, 35651584, 16832}};
  for (const auto& row : kLevels)
    if (int64_t{width} * height <= row.area && width <= row.side && height <= row.side)
      return row.level;
  return 62;
}

}  // namespace

Result<VpConfig> parse_vpcc(ByteSpan record) {
  ByteReader r(record);
  // Version 1 and flags 0 of the box cannot be a record: it would say profile 1 with a depth of 0
  // bits.
  if (record.size() >= kRecordSize + 4 && ByteReader(record).u32() == 0x01000000) r.skip(4);
  VpConfig c;
  c.profile = r.u8();
  c.level = r.u8();
  const uint8_t mixed = r.u8();
  c.bit_depth = mixed >> 4;
  c.chroma_subsampling = mixed >> 1 & 7;
  c.full_range = (mixed & 1) != 0;
  c.color_primaries = r.u8();
  c.transfer = r.u8();
  c.matrix = r.u8();
  r.skip(2);  // codecInitializationDataSize, always 0 for VP8 and VP9
  if (!r.ok()) return fail(Code::protocol, "vpcC: too short");
  if (c.profile > 3) return fail(Code::protocol, "vpcC: profile out of range");
  if (c.bit_depth != 8 && c.bit_depth != 10 && c.bit_depth != 12)
    return fail(Code::protocol, "vpcC: bit depth out of range");
  return c;
}

Bytes write_vpcc(const VpConfig& c) {
  ByteWriter w;
  w.u8(c.profile);
  w.u8(c.level);
  w.u8(static_cast<uint8_t>(c.bit_depth << 4 | (c.chroma_subsampling & 7) << 1 |
                            (c.full_range ? 1 : 0)));
  w.u8(c.color_primaries);
  w.u8(c.transfer);
  w.u8(c.matrix);
  w.u16(0);
  return w.take();
}

Result<Vp9Frame> parse_vp9_frame(ByteSpan payload) {
  BitReader r(payload);
  Vp9Frame f;
  if (r.bits(2) != 2) return fail(Code::protocol, "vp9: no frame marker");
  const bool low = r.flag(), high = r.flag();
  f.profile = static_cast<uint8_t>((high ? 2 : 0) | (low ? 1 : 0));
  if (f.profile == 3 && r.flag()) return fail(Code::unsupported, "vp9: reserved profile");
  if (r.flag()) {
    f.show_existing = f.shown = true;
    return f;
  }
  f.keyframe = !r.flag();
  f.shown = r.flag();
  r.skip(1);  // error_resilient_mode
  if (f.keyframe) {
    if (r.bits(24) != kSyncCode) return fail(Code::protocol, "vp9: no sync code");
    TRY(read_color(r, f));
    f.width = static_cast<int>(r.bits(16)) + 1;
    f.height = static_cast<int>(r.bits(16)) + 1;
  }
  if (!r.ok()) return fail(Code::protocol, "vp9: frame too short");
  return f;
}

Result<VpConfig> vp9_config_from_keyframe(ByteSpan payload) {
  TRY(auto f, parse_vp9_frame(payload));
  if (!f.keyframe) return fail(Code::unsupported, "vp9: not a keyframe");
  VpConfig c;
  c.profile = f.profile;
  c.level = lowest_level(f.width, f.height);
  c.bit_depth = f.bit_depth;
  c.chroma_subsampling = f.chroma_subsampling;
  return c;
}

bool vp9_is_keyframe(ByteSpan payload) {
  const auto f = parse_vp9_frame(payload);
  return f && f->keyframe;
}

}  // namespace weir::codecs
