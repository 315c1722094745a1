// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/bits.h"
#include "codecs/h264.h"
#include "codecs/nal.h"
#include "codecs/vui.h"

namespace weir::codecs {

namespace {

// 16384 macroblocks of 16 are 262144 samples: far beyond any level, small enough for int
// arithmetic.
constexpr uint32_t kMaxMacroblocks = 16384;

// 7.3.2.1.1: these carry chroma format, bit depths and scaling matrices.
bool has_chroma_fields(uint8_t profile) {
  switch (profile) {
    case 44:
    case 83:
    case 86:
    case 100:
    case 110:
    case 118:
    case 122:
    case 128:
    case 134:
    case 135:
    case 138:
    case 139:
    case 244: return true;
    default: return false;
  }
}

// 7.3.2.1.1.1; the values themselves are of no interest.
void skip_scaling_list(BitReader& r, int size) {
  int last = 8, next = 8;
  for (int i = 0; i < size && r.ok(); ++i) {
    // Wraps as 8 bits do (7.4.2.1.1.1); a hostile delta must not overflow.
    if (next != 0) next = static_cast<int>((static_cast<int64_t>(last) + r.se() + 256) & 255);
    last = next == 0 ? last : next;
  }
}

Result<> read_chroma_fields(BitReader& r, H264Sps& sps) {
  const uint32_t chroma = r.ue();
  if (chroma > 3) return fail(Code::protocol, "h264 sps: chroma_format_idc out of range");
  sps.chroma_format = static_cast<int>(chroma);
  if (chroma == 3) r.skip(1);  // separate_colour_plane_flag
  const uint32_t luma = r.ue(), depth = r.ue();
  if (luma > 6 || depth > 6) return fail(Code::protocol, "h264 sps: bit depth out of range");
  sps.bit_depth_luma = 8 + static_cast<int>(luma);
  sps.bit_depth_chroma = 8 + static_cast<int>(depth);
  r.skip(1);  // qpprime_y_zero_transform_bypass_flag
  if (r.flag())
    for (int i = 0; i < (chroma == 3 ? 12 : 8); ++i)
      if (r.flag()) skip_scaling_list(r, i < 6 ? 16 : 64);
  return {};
}

Result<> skip_picture_order(BitReader& r) {
  r.ue();  // log2_max_frame_num_minus4
  const uint32_t type = r.ue();
  if (type == 0) {
    r.ue();
  } else if (type == 1) {
    r.skip(1);
    r.se();
    r.se();
    const uint32_t count = r.ue();
    if (count > 255) return fail(Code::protocol, "h264 sps: picture order cycle too long");
    for (uint32_t i = 0; i < count; ++i) r.se();
  }
  return {};
}

// Annex E.1.1 up to the timing.
void read_vui(BitReader& r, H264Sps& sps) {
  if (r.flag()) read_sample_aspect(r, sps.sar_width, sps.sar_height);
  if (r.flag()) r.skip(1);  // overscan
  if (r.flag()) read_video_signal(r, sps.colour);
  if (r.flag()) {  // chroma location
    r.ue();
    r.ue();
  }
  if (!r.flag()) return;
  const uint32_t units = r.bits(32), scale = r.bits(32);
  // A tick is a field: two of them per frame (E.2.1).
  if (r.ok() && units > 0) sps.frame_rate = static_cast<double>(scale) / (2.0 * units);
}

}  // namespace

Result<H264Sps> parse_h264_sps(ByteSpan nal) {
  if (h264_nal_type(nal) != H264Nal::sps) return fail(Code::protocol, "h264 sps: not one");
  const auto rbsp = unescape_nal(nal.subspan(1));
  BitReader r(rbsp);
  H264Sps sps;
  sps.profile = static_cast<uint8_t>(r.bits(8));
  sps.compatibility = static_cast<uint8_t>(r.bits(8));
  sps.level = static_cast<uint8_t>(r.bits(8));
  r.ue();  // seq_parameter_set_id
  if (has_chroma_fields(sps.profile)) TRY(read_chroma_fields(r, sps));
  TRY(skip_picture_order(r));
  r.ue();     // max_num_ref_frames
  r.skip(1);  // gaps_in_frame_num_value_allowed_flag
  const uint32_t width = r.ue(), height = r.ue();
  if (width >= kMaxMacroblocks || height >= kMaxMacroblocks)
    return fail(Code::protocol, "h264 sps: size out of range");
  sps.interlaced = !r.flag();
  const int64_t field = sps.interlaced ? 2 : 1;
  if (sps.interlaced) r.skip(1);  // mb_adaptive_frame_field_flag
  r.skip(1);                      // direct_8x8_inference_flag
  int64_t left = 0, right = 0, top = 0, bottom = 0;
  if (r.flag()) {
    left = r.ue();
    right = r.ue();
    top = r.ue();
    bottom = r.ue();
  }
  // 7.4.2.1.1: cropping counts chroma samples, and lines of a field.
  const int unit_x = sps.chroma_format == 1 || sps.chroma_format == 2 ? 2 : 1;
  const int unit_y = sps.chroma_format == 1 ? 2 : 1;
  const int64_t w = (int64_t{width} + 1) * 16 - (left + right) * unit_x;
  const int64_t h = ((int64_t{height} + 1) * 16 - (top + bottom) * unit_y) * field;
  const bool vui = r.flag();
  if (!r.ok()) return fail(Code::protocol, "h264 sps: too short");
  if (w <= 0 || h <= 0) return fail(Code::protocol, "h264 sps: cropped to nothing");
  sps.width = static_cast<int>(w);
  sps.height = static_cast<int>(h);
  // Encoders have been seen to cut the VUI short; the picture is still good.
  if (vui) read_vui(r, sps);
  return sps;
}

}  // namespace weir::codecs
