// Weir live-streaming server. MIT licence, see LICENSE.

// H.264 / AVC: the decoder configuration record (ISO/IEC 14496-15 5.3.3.1), what a server needs of
// the sequence parameter set (ITU-T H.264 7.3.2.1, Annex E) and what may start decoding. Payloads
// are canonical: 4-byte lengths. Pure, any core. Leaves out slices beyond their type, and SVC /
// MVC.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/colour.h"
#include "media/track.h"

namespace weir::codecs {

// ITU-T H.264 table 7-1.
enum class H264Nal : uint8_t {
  slice = 1,
  partition_a = 2,
  idr = 5,
  sei = 6,
  sps = 7,
  pps = 8,
  aud = 9,
  end_of_sequence = 10,
  end_of_stream = 11,
  filler = 12,
  sps_extension = 13,
};
// The type of a unit; not one of the names above for reserved types and for an empty span.
inline H264Nal h264_nal_type(ByteSpan nal) { return H264Nal(nal.empty() ? 0 : nal[0] & 31); }

struct AvcConfig {
  uint8_t profile = 0, compatibility = 0, level = 0;
  int length_size = 4;  // of the payloads this record came with; the canonical form is always 4
  std::vector<Bytes> sps, pps, sps_ext;
};

// Fails without a sequence parameter set; what follows the picture parameter sets is
// optional, as many writers leave it out.
Result<AvcConfig> parse_avcc(ByteSpan record);
// With the chroma and bit depth tail for the High profiles. length_size is written as given.
Bytes write_avcc(const AvcConfig&);
// A configuration from parameter sets found in band; needs at least one of each.
Result<AvcConfig> make_avc_config(std::vector<Bytes> sps, std::vector<Bytes> pps);
// A configuration from the parameter sets in a canonical payload; fails when one kind is missing.
Result<AvcConfig> avc_config_in_band(ByteSpan payload);

struct H264Sps {
  uint8_t profile = 0, compatibility = 0, level = 0;
  int width = 0, height = 0;          // after cropping, in samples
  double frame_rate = 0;              // zero without timing in the VUI
  int sar_width = 1, sar_height = 1;  // sample aspect ratio, 1:1 when unspecified
  int chroma_format = 1;
  int bit_depth_luma = 8, bit_depth_chroma = 8;
  Colour colour;
  bool interlaced = false;  // fields or MBAFF are allowed
};

// nal: the whole unit with its header byte, emulation prevention still in.
Result<H264Sps> parse_h264_sps(ByteSpan nal);

// An IDR slice is in the payload.
bool h264_is_keyframe(ByteSpan payload);
// A recovery point SEI that recovers at once (recovery_frame_cnt 0) and an I slice: open-GOP
// sources with no IDR but the first may be joined here.
bool h264_has_recovery_point(ByteSpan payload);

// Start-coded parameter sets, to go before a keyframe in a byte stream.
std::vector<uint8_t> annexb_parameter_sets(const AvcConfig&);

// From the first parameter set of an avcC record.
Result<VideoParams> describe_avcc(ByteSpan record);

}  // namespace weir::codecs
