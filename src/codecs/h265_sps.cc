// Weir live-streaming server. MIT licence, see LICENSE.
#include <algorithm>

#include "base/bits.h"
#include "codecs/h265.h"
#include "codecs/nal.h"
#include "codecs/vui.h"

namespace weir::codecs {

namespace {

constexpr uint32_t kMaxSize = 1 << 18;
constexpr uint32_t kMaxRefSets = 64, kMaxRefs = 16, kMaxLongTerm = 32;

std::unexpected<Error> bad(const char* what) { return fail(Code::protocol, what); }

// 7.3.3 with profilePresentFlag 1.
HevcProfile read_profile_tier_level(BitReader& r, unsigned max_sub_layers_minus1) {
  HevcProfile p;
  p.space = static_cast<uint8_t>(r.bits(2));
  p.high_tier = r.flag();
  p.profile = static_cast<uint8_t>(r.bits(5));
  p.compatibility = r.bits(32);
  for (auto& b : p.constraints) b = static_cast<uint8_t>(r.bits(8));
  p.level = static_cast<uint8_t>(r.bits(8));
  size_t skip = 0;
  for (unsigned i = 0; i < max_sub_layers_minus1; ++i) {
    if (r.flag()) skip += 88;
    if (r.flag()) skip += 8;
  }
  if (max_sub_layers_minus1 > 0) skip += 2 * (8 - max_sub_layers_minus1);
  r.skip(skip);
  return p;
}

void skip_sub_layer_ordering(BitReader& r, unsigned max_sub_layers_minus1) {
  const unsigned sets = r.flag() ? max_sub_layers_minus1 + 1 : 1;
  for (unsigned i = 0; i < 3 * sets; ++i) r.ue();
}

// 7.3.4
void skip_scaling_lists(BitReader& r) {
  for (int size = 0; size < 4; ++size) {
    for (int matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
      if (!r.flag()) {
        r.ue();
        continue;
      }
      const int coefficients = std::min(64, 1 << (4 + 2 * size)) + (size > 1 ? 1 : 0);
      for (int i = 0; i < coefficients && r.ok(); ++i) r.se();
    }
  }
}

// Distances in picture order, the near ones first: how long one set is decides how many bits the
// next one takes, so they must be kept.
struct RefSet {
  std::vector<int64_t> before, after;
};

// 7.3.7 and (7-61), (7-62) with inter_ref_pic_set_prediction_flag.
RefSet read_predicted_ref_set(BitReader& r, const RefSet& ref) {
  const bool negative = r.flag();
  const int64_t magnitude = int64_t{r.ue()} + 1;
  const int64_t delta = negative ? -magnitude : magnitude;
  const size_t nb = ref.before.size(), na = ref.after.size();
  std::vector<bool> use(nb + na + 1);
  for (size_t j = 0; j < use.size(); ++j) use[j] = r.flag() || r.flag();
  RefSet s;
  auto add = [&s](int64_t poc, bool used, int sign) {
    if (!used || poc * sign <= 0) return;
    (sign < 0 ? s.before : s.after).push_back(poc);
  };
  for (size_t j = na; j-- > 0;) add(ref.after[j] + delta, use[nb + j], -1);
  add(delta, use[nb + na], -1);
  for (size_t j = 0; j < nb; ++j) add(ref.before[j] + delta, use[j], -1);
  for (size_t j = nb; j-- > 0;) add(ref.before[j] + delta, use[j], 1);
  add(delta, use[nb + na], 1);
  for (size_t j = 0; j < na; ++j) add(ref.after[j] + delta, use[nb + j], 1);
  return s;
}

Result<RefSet> read_ref_set(BitReader& r) {
  const uint32_t before = r.ue(), after = r.ue();
  if (before > kMaxRefs || after > kMaxRefs) return bad("h265 sps: too many references");
  RefSet s;
  int64_t poc = 0;
  for (uint32_t i = 0; i < before; ++i, r.skip(1)) s.before.push_back(poc -= int64_t{r.ue()} + 1);
  poc = 0;
  for (uint32_t i = 0; i < after; ++i, r.skip(1)) s.after.push_back(poc += int64_t{r.ue()} + 1);
  return s;
}

Result<> skip_ref_sets(BitReader& r) {
  const uint32_t count = r.ue();
  if (count > kMaxRefSets) return bad("h265 sps: too many reference picture sets");
  RefSet last;
  for (uint32_t i = 0; i < count; ++i) {
    if (i > 0 && r.flag()) {
      last = read_predicted_ref_set(r, last);
    } else {
      TRY(last, read_ref_set(r));
    }
    if (!r.ok()) return bad("h265 sps: too short");
    if (last.before.size() > kMaxRefs || last.after.size() > kMaxRefs)
      return bad("h265 sps: too many references");
  }
  return {};
}

// Annex E.2.1. A hypothetical reference decoder ends the reading: what follows it is not needed.
void read_vui(BitReader& r, H265Sps& sps) {
  if (r.flag()) read_sample_aspect(r, sps.sar_width, sps.sar_height);
  if (r.flag()) r.skip(1);  // overscan
  if (r.flag()) read_video_signal(r, sps.colour);
  if (r.flag()) {  // chroma location
    r.ue();
    r.ue();
  }
  r.skip(1);  // neutral_chroma_indication_flag
  const bool fields = r.flag();
  r.skip(1);  // frame_field_info_present_flag
  if (r.flag())
    for (int i = 0; i < 4; ++i) r.ue();  // default display window
  if (r.flag()) {
    const uint32_t units = r.bits(32), scale = r.bits(32);
    if (r.ok() && units > 0) sps.frame_rate = static_cast<double>(scale) / units / (fields ? 2 : 1);
    if (r.flag()) r.ue();
    if (r.flag()) return;
  }
  if (!r.flag()) return;
  r.skip(3);
  const uint32_t segmentation = r.ue();
  if (r.ok() && segmentation < 4096)
    sps.min_spatial_segmentation = static_cast<uint16_t>(segmentation);
}

// From chroma_format_idc to the bit depths.
Result<> read_picture(BitReader& r, H265Sps& sps) {
  const uint32_t chroma = r.ue();
  if (chroma > 3) return bad("h265 sps: chroma_format_idc out of range");
  sps.chroma_format = static_cast<uint8_t>(chroma);
  if (chroma == 3) r.skip(1);  // separate_colour_plane_flag
  const uint32_t width = r.ue(), height = r.ue();
  if (width > kMaxSize || height > kMaxSize) return bad("h265 sps: size out of range");
  int64_t left = 0, right = 0, top = 0, bottom = 0;
  if (r.flag()) {
    left = r.ue();
    right = r.ue();
    top = r.ue();
    bottom = r.ue();
  }
  // Table 6-1: the window counts chroma samples.
  const int unit_x = chroma == 1 || chroma == 2 ? 2 : 1, unit_y = chroma == 1 ? 2 : 1;
  const int64_t w = width - (left + right) * unit_x, h = height - (top + bottom) * unit_y;
  const uint32_t luma = r.ue(), depth = r.ue();
  if (!r.ok()) return bad("h265 sps: too short");
  if (w <= 0 || h <= 0) return bad("h265 sps: cropped to nothing");
  if (luma > 7 || depth > 7) return bad("h265 sps: bit depth out of range");
  sps.width = static_cast<int>(w);
  sps.height = static_cast<int>(h);
  sps.bit_depth_luma = static_cast<uint8_t>(8 + luma);
  sps.bit_depth_chroma = static_cast<uint8_t>(8 + depth);
  return {};
}

// From behind the bit depths to the VUI.
Result<> skip_coding_tools(BitReader& r, unsigned max_sub_layers_minus1) {
  const uint32_t poc_bits = r.ue() + 4;
  if (poc_bits > 16) return bad("h265 sps: picture order count too long");
  skip_sub_layer_ordering(r, max_sub_layers_minus1);
  for (int i = 0; i < 6; ++i) r.ue();  // block sizes and depths
  if (r.flag() && r.flag()) skip_scaling_lists(r);
  r.skip(2);       // amp, sample adaptive offset
  if (r.flag()) {  // pcm
    r.skip(8);
    r.ue();
    r.ue();
    r.skip(1);
  }
  TRY(skip_ref_sets(r));
  if (r.flag()) {
    const uint32_t count = r.ue();
    if (count > kMaxLongTerm) return bad("h265 sps: too many long-term references");
    r.skip(size_t{count} * (poc_bits + 1));
  }
  r.skip(2);  // temporal mvp, strong intra smoothing
  return {};
}

}  // namespace

Result<H265Sps> parse_h265_sps(ByteSpan nal) {
  if (h265_nal_type(nal) != H265Nal::sps) return bad("h265 sps: not one");
  const auto rbsp = unescape_nal(nal.subspan(2));
  BitReader r(rbsp);
  H265Sps sps;
  r.skip(4);  // sps_video_parameter_set_id
  const unsigned max_sub_layers_minus1 = r.bits(3);
  if (max_sub_layers_minus1 > 6) return bad("h265 sps: too many temporal layers");
  sps.temporal_layers = static_cast<uint8_t>(max_sub_layers_minus1 + 1);
  sps.temporal_id_nested = r.flag();
  sps.general = read_profile_tier_level(r, max_sub_layers_minus1);
  r.ue();  // sps_seq_parameter_set_id
  TRY(read_picture(r, sps));
  TRY(skip_coding_tools(r, max_sub_layers_minus1));
  const bool vui = r.flag();
  if (!r.ok()) return bad("h265 sps: too short");
  if (vui) read_vui(r, sps);
  return sps;
}

Result<double> parse_h265_vps_frame_rate(ByteSpan nal) {
  if (h265_nal_type(nal) != H265Nal::vps) return bad("h265 vps: not one");
  const auto rbsp = unescape_nal(nal.subspan(2));
  BitReader r(rbsp);
  r.skip(4 + 2 + 6);  // id, base layer flags, vps_max_layers_minus1
  const unsigned max_sub_layers_minus1 = r.bits(3);
  r.skip(1 + 16);  // nesting, 0xffff
  if (max_sub_layers_minus1 > 6) return bad("h265 vps: too many temporal layers");
  read_profile_tier_level(r, max_sub_layers_minus1);
  skip_sub_layer_ordering(r, max_sub_layers_minus1);
  const uint32_t layers = r.bits(6) + 1;
  const uint32_t sets = r.ue();
  if (sets > 1023) return bad("h265 vps: too many layer sets");
  r.skip(size_t{layers} * sets);
  if (!r.flag()) return r.ok() ? Result<double>(0) : bad("h265 vps: too short");
  const uint32_t units = r.bits(32), scale = r.bits(32);
  if (!r.ok()) return bad("h265 vps: too short");
  return units > 0 ? static_cast<double>(scale) / units : 0;
}

}  // namespace weir::codecs
