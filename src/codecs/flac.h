// Weir live-streaming server. MIT licence, see LICENSE.

// FLAC: the STREAMINFO block (RFC 9639 8.2) and the frame header (9.1). The canonical payload is
// one frame; the canonical configuration is STREAMINFO alone, 34 bytes. Pure, any core. Leaves out
// the other metadata blocks.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "media/track.h"

namespace weir::codecs {

struct FlacStreamInfo {
  static constexpr size_t kSize = 34;
  uint16_t min_block = 0, max_block = 0;  // samples
  uint32_t min_frame = 0, max_frame = 0;  // bytes; zero when unknown
  int sample_rate = 0;
  int channels = 0;
  int bits_per_sample = 0;
  uint64_t total_samples = 0;  // zero when unknown
};

// Finds STREAMINFO in any of the forms in use: alone (34 bytes), behind its metadata block header,
// or behind the "fLaC" marker. A view into the input.
Result<ByteSpan> find_flac_stream_info(ByteSpan config);
// Takes the same forms.
Result<FlacStreamInfo> parse_flac_stream_info(ByteSpan config);
// "fLaC" and STREAMINFO as the last metadata block: the form Enhanced RTMP and Ogg want.
Bytes write_flac_header(ByteSpan stream_info);

// Samples in the frame; zero when the header is not one.
int flac_frame_samples(ByteSpan frame);

Result<AudioParams> describe_flac(ByteSpan config);

}  // namespace weir::codecs
