// Weir live-streaming server. MIT licence, see LICENSE.

// AV1: open bitstream units, the sequence header and what a server needs of the frame header (AV1
// Bitstream & Decoding Process Specification 5.3, 5.5, 5.9), and the configuration record (AV1 in
// ISOBMFF 2.3). The canonical payload is one temporal unit: OBUs with sizes, no temporal delimiter.
// Pure, any core. Leaves out Annex B length-delimited streams, tiles and scalability structures.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "media/track.h"

namespace weir::codecs {

// AV1 6.2.2.
enum class ObuType : uint8_t {
  sequence_header = 1,
  temporal_delimiter = 2,
  frame_header = 3,
  tile_group = 4,
  metadata = 5,
  frame = 6,
  redundant_frame_header = 7,
  tile_list = 8,
  padding = 15,
};

struct Obu {
  ObuType type{};
  bool has_size = false;
  uint8_t temporal_id = 0, spatial_id = 0;
  ByteSpan whole;    // header and all
  ByteSpan payload;  // behind header and size
};

// while (auto obu = reader.next()) ... An OBU without a size reaches to the end. A malformed one
// stops the walk and makes ok() false.
class ObuReader {
 public:
  explicit ObuReader(ByteSpan in) : in_(in) {}
  std::optional<Obu> next();
  bool ok() const { return ok_; }

 private:
  ByteSpan in_;
  size_t at_ = 0;
  bool ok_ = true;
};

struct Av1Sequence {
  uint8_t profile = 0;
  uint8_t level = 0;  // seq_level_idx of operating point 0: 8 is level 4.0
  bool high_tier = false;
  int width = 0, height = 0;  // the largest frame
  double frame_rate = 0;      // zero unless the header promises equal picture intervals
  uint8_t bit_depth = 8;
  bool monochrome = false;
  bool subsampling_x = true, subsampling_y = true;
  uint8_t chroma_sample_position = 0;
  uint8_t color_primaries = 2, transfer = 2, matrix = 2;  // 2: unspecified
  bool full_range = false;
  bool still_picture = false, reduced_still_picture_header = false;
};

// payload: of a sequence header OBU.
Result<Av1Sequence> parse_av1_sequence(ByteSpan payload);

struct Av1Config {
  uint8_t profile = 0, level = 0;
  bool high_tier = false, high_bitdepth = false, twelve_bit = false, monochrome = false;
  bool subsampling_x = true, subsampling_y = true;
  uint8_t chroma_sample_position = 0;
  std::optional<uint8_t> initial_presentation_delay;  // in frames, 1 to 16
  Bytes obus;                                         // sequence header first; may be empty
  uint8_t bit_depth() const { return !high_bitdepth ? 8 : twelve_bit ? 12 : 10; }
};

Result<Av1Config> parse_av1c(ByteSpan record);
Bytes write_av1c(const Av1Config&);
// A configuration from the sequence header in a temporal unit; fails when there is none.
Result<Av1Config> av1_config_in_band(ByteSpan payload);

// The temporal unit without temporal delimiters, tile lists and padding, every OBU with a size.
// Shares the memory when it is so already; fails on a malformed OBU.
Result<Bytes> av1_to_canonical(Bytes payload);

// The first frame of the temporal unit is a shown key frame.
bool av1_is_keyframe(ByteSpan payload);

// From the sequence header in an av1C record; zero size when the record carries none.
Result<VideoParams> describe_av1c(ByteSpan record);

}  // namespace weir::codecs
