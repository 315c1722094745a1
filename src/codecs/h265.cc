// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/h265.h"

#include <algorithm>

#include "codecs/nal.h"

namespace weir::codecs {

namespace {

constexpr size_t kMaxSetSize = 65535, kMaxSets = 64;

bool is_irap(H265Nal type) {
  const auto t = static_cast<uint8_t>(type);
  return t >= 16 && t <= 21;
}

bool is_slice(H265Nal type) { return static_cast<uint8_t>(type) < 32; }

bool fits(const Bytes& nal) { return nal.size() <= kMaxSetSize; }

void write_array(ByteWriter& w, const HevcConfig::Array& array) {
  w.u8(static_cast<uint8_t>((array.complete ? 0x80 : 0) | (static_cast<uint8_t>(array.type) & 63)));
  const auto count = std::min<ptrdiff_t>(std::ranges::count_if(array.nals, fits), 65535);
  w.u16(static_cast<uint16_t>(count));
  ptrdiff_t written = 0;
  for (const auto& nal : array.nals) {
    if (!fits(nal) || written++ >= count) continue;
    w.u16(static_cast<uint16_t>(nal.size()));
    w.bytes(nal);
  }
}

HevcProfile read_profile(ByteReader& r) {
  HevcProfile p;
  const uint8_t first = r.u8();
  p.space = first >> 6;
  p.high_tier = (first & 0x20) != 0;
  p.profile = first & 31;
  p.compatibility = r.u32();
  for (auto& b : p.constraints) b = r.u8();
  p.level = r.u8();
  return p;
}

}  // namespace

Bytes HevcConfig::first(H265Nal type) const {
  for (const auto& a : arrays)
    if (a.type == type && !a.nals.empty()) return a.nals[0];
  return {};
}

Result<HevcConfig> parse_hvcc(ByteSpan record) {
  ByteReader r(record);
  HevcConfig c;
  // Version 0 is what writers put there before the standard was final.
  if (r.u8() > 1) return fail(Code::protocol, "hvcC: version is not 1");
  c.general = read_profile(r);
  c.min_spatial_segmentation = r.u16() & 0xfff;
  c.parallelism = r.u8() & 3;
  c.chroma_format = r.u8() & 3;
  c.bit_depth_luma = static_cast<uint8_t>((r.u8() & 7) + 8);
  c.bit_depth_chroma = static_cast<uint8_t>((r.u8() & 7) + 8);
  c.average_frame_rate = r.u16();
  const uint8_t mixed = r.u8();
  c.constant_frame_rate = mixed >> 6;
  c.temporal_layers = mixed >> 3 & 7;
  c.temporal_id_nested = (mixed & 4) != 0;
  c.length_size = (mixed & 3) + 1;
  const uint8_t arrays = r.u8();
  for (uint8_t i = 0; i < arrays && r.ok(); ++i) {
    HevcConfig::Array a;
    const uint8_t head = r.u8();
    a.complete = (head & 0x80) != 0;
    a.type = H265Nal(head & 63);
    const uint16_t count = r.u16();
    for (uint16_t j = 0; j < count && r.ok(); ++j)
      if (const auto nal = r.bytes(r.u16()); !nal.empty()) a.nals.push_back(Bytes::copy(nal));
    c.arrays.push_back(std::move(a));
  }
  if (!r.ok()) return fail(Code::protocol, "hvcC: too short");
  if (c.length_size == 3) return fail(Code::protocol, "hvcC: NAL lengths of 3 bytes");
  return c;
}

Bytes write_hvcc(const HevcConfig& c) {
  ByteWriter w;
  w.u8(1);
  w.u8(static_cast<uint8_t>(c.general.space << 6 | (c.general.high_tier ? 0x20 : 0) |
                            (c.general.profile & 31)));
  w.u32(c.general.compatibility);
  w.bytes(c.general.constraints);
  w.u8(c.general.level);
  w.u16(static_cast<uint16_t>(0xf000 | (c.min_spatial_segmentation & 0xfff)));
  w.u8(static_cast<uint8_t>(0xfc | (c.parallelism & 3)));
  w.u8(static_cast<uint8_t>(0xfc | (c.chroma_format & 3)));
  w.u8(static_cast<uint8_t>(0xf8 | ((c.bit_depth_luma - 8) & 7)));
  w.u8(static_cast<uint8_t>(0xf8 | ((c.bit_depth_chroma - 8) & 7)));
  w.u16(c.average_frame_rate);
  w.u8(static_cast<uint8_t>(c.constant_frame_rate << 6 | (c.temporal_layers & 7) << 3 |
                            (c.temporal_id_nested ? 4 : 0) | ((c.length_size - 1) & 3)));
  const size_t arrays = std::min<size_t>(c.arrays.size(), 255);
  w.u8(static_cast<uint8_t>(arrays));
  for (size_t i = 0; i < arrays; ++i) write_array(w, c.arrays[i]);
  return w.take();
}

Result<HevcConfig> make_hevc_config(std::vector<Bytes> vps, std::vector<Bytes> sps,
                                    std::vector<Bytes> pps) {
  for (const auto* sets : {&vps, &sps, &pps}) {
    if (sets->empty()) return fail(Code::protocol, "h265: a parameter set is missing");
    if (sets->size() > kMaxSets) return fail(Code::limit, "h265: too many parameter sets");
    if (!std::ranges::all_of(*sets, fits)) return fail(Code::limit, "h265: parameter set too long");
  }
  TRY(auto first, parse_h265_sps(sps[0]));
  HevcConfig c;
  c.general = first.general;
  c.min_spatial_segmentation = first.min_spatial_segmentation;
  c.chroma_format = first.chroma_format;
  c.bit_depth_luma = first.bit_depth_luma;
  c.bit_depth_chroma = first.bit_depth_chroma;
  c.temporal_layers = first.temporal_layers;
  c.temporal_id_nested = first.temporal_id_nested;
  c.arrays.push_back({true, H265Nal::vps, std::move(vps)});
  c.arrays.push_back({true, H265Nal::sps, std::move(sps)});
  c.arrays.push_back({true, H265Nal::pps, std::move(pps)});
  return c;
}

Result<HevcConfig> hevc_config_in_band(ByteSpan payload) {
  std::vector<Bytes> vps, sps, pps;
  NalReader reader(payload);
  while (auto nal = reader.next()) {
    switch (h265_nal_type(*nal)) {
      case H265Nal::vps: vps.push_back(Bytes::copy(*nal)); break;
      case H265Nal::sps: sps.push_back(Bytes::copy(*nal)); break;
      case H265Nal::pps: pps.push_back(Bytes::copy(*nal)); break;
      default: break;
    }
  }
  return make_hevc_config(std::move(vps), std::move(sps), std::move(pps));
}

bool h265_is_keyframe(ByteSpan payload) {
  NalReader reader(payload);
  while (auto nal = reader.next()) {
    // 7.4.2.2: all slices of a random access picture have its type, so the first one tells.
    if (const auto type = h265_nal_type(*nal); is_slice(type)) return is_irap(type);
  }
  return false;
}

std::vector<uint8_t> annexb_parameter_sets(const HevcConfig& c) {
  std::vector<uint8_t> out;
  for (const auto type : {H265Nal::vps, H265Nal::sps, H265Nal::pps})
    for (const auto& a : c.arrays)
      if (a.type == type)
        for (const auto& nal : a.nals) append_annexb_nal(out, nal);
  return out;
}

Result<VideoParams> describe_hvcc(ByteSpan record) {
  TRY(auto config, parse_hvcc(record));
  TRY(auto sps, parse_h265_sps(config.first(H265Nal::sps)));
  if (sps.frame_rate == 0)
    if (const auto rate = parse_h265_vps_frame_rate(config.first(H265Nal::vps)))
      sps.frame_rate = *rate;
  return VideoParams{sps.width, sps.height, sps.frame_rate};
}

}  // namespace weir::codecs
