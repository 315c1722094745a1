// Weir live-streaming server. MIT licence, see LICENSE.

// H.265 / HEVC: the decoder configuration record (ISO/IEC 14496-15 8.3.3.1), what a server needs of
// the sequence and video parameter sets (ITU-T H.265 7.3.2, Annex E) and what may start decoding.
// Payloads are canonical: 4-byte lengths. Pure, any core. Leaves out slices, and the multilayer
// extensions.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/colour.h"
#include "media/track.h"

namespace weir::codecs {

// ITU-T H.265 table 7-1. 16 to 21 are the random access pictures, 22 and 23 reserved for more.
enum class H265Nal : uint8_t {
  bla_w_lp = 16,
  idr_w_radl = 19,
  idr_n_lp = 20,
  cra = 21,
  vps = 32,
  sps = 33,
  pps = 34,
  aud = 35,
  end_of_sequence = 36,
  end_of_bitstream = 37,
  filler = 38,
  prefix_sei = 39,
  suffix_sei = 40,
};
// The type of a unit. 63 (unspecified) for a unit too short for its header.
inline H265Nal h265_nal_type(ByteSpan nal) {
  return H265Nal(nal.size() < 2 ? 63 : nal[0] >> 1 & 63);
}

// profile_tier_level of the general layer (7.3.3).
struct HevcProfile {
  uint8_t space = 0;
  bool high_tier = false;
  uint8_t profile = 0;
  uint32_t compatibility = 0;            // flag j is bit 31 - j
  std::array<uint8_t, 6> constraints{};  // progressive, interlaced ... as they stand in the stream
  uint8_t level = 0;                     // 30 times the level number
  bool operator==(const HevcProfile&) const = default;
};

struct HevcConfig {
  HevcProfile general;
  uint16_t min_spatial_segmentation = 0;
  uint8_t parallelism = 0;
  uint8_t chroma_format = 1;
  uint8_t bit_depth_luma = 8, bit_depth_chroma = 8;
  uint16_t average_frame_rate = 0;  // frames per 256 s; zero when unknown
  uint8_t constant_frame_rate = 0;
  uint8_t temporal_layers = 1;
  bool temporal_id_nested = false;
  int length_size = 4;  // of the payloads this record came with; the canonical form is always 4
  struct Array {
    bool complete = true;  // no more of this type in band
    H265Nal type{};
    std::vector<Bytes> nals;
  };
  std::vector<Array> arrays;  // in the order of the record

  // The first unit of a type; empty when there is none.
  Bytes first(H265Nal type) const;
};

Result<HevcConfig> parse_hvcc(ByteSpan record);
Bytes write_hvcc(const HevcConfig&);
// A configuration from parameter sets found in band; needs at least one of each.
Result<HevcConfig> make_hevc_config(std::vector<Bytes> vps, std::vector<Bytes> sps,
                                    std::vector<Bytes> pps);
// A configuration from the parameter sets in a canonical payload; fails when one kind is missing.
Result<HevcConfig> hevc_config_in_band(ByteSpan payload);

struct H265Sps {
  HevcProfile general;
  int width = 0, height = 0;  // inside the conformance window, in samples
  double frame_rate = 0;      // zero without timing in the VUI
  int sar_width = 1, sar_height = 1;
  Colour colour;
  uint8_t chroma_format = 1;
  uint8_t bit_depth_luma = 8, bit_depth_chroma = 8;
  uint8_t temporal_layers = 1;
  bool temporal_id_nested = false;
  uint16_t min_spatial_segmentation = 0;
};

// nal: the whole unit with its two header bytes, emulation prevention still in.
Result<H265Sps> parse_h265_sps(ByteSpan nal);
// Frames per second from the timing in a video parameter set; zero when it has none.
Result<double> parse_h265_vps_frame_rate(ByteSpan nal);

// A random access picture (types 16 to 21) is in the payload.
bool h265_is_keyframe(ByteSpan payload);

// Start-coded parameter sets, VPS before SPS before PPS, to go before a keyframe in a byte stream.
std::vector<uint8_t> annexb_parameter_sets(const HevcConfig&);

// From the parameter sets of an hvcC record.
Result<VideoParams> describe_hvcc(ByteSpan record);

}  // namespace weir::codecs
