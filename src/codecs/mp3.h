// Weir live-streaming server. MIT licence, see LICENSE.

// MPEG audio: the frame header of layers I to III at MPEG-1, 2 and 2.5 rates (ISO/IEC 11172-3
// 2.4.1.3, 13818-3 2.4.2.3). The canonical payload is one frame; there is no configuration. Pure,
// any core. Leaves out free-format frames, whose size a header does not tell.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace weir::codecs {

struct Mp3Header {
  static constexpr size_t kSize = 4;
  enum class Version : uint8_t { mpeg1, mpeg2, mpeg25 };
  Version version{};
  int layer = 3;
  int bit_rate = 0;  // bits per second
  int sample_rate = 0;
  int channels = 0;
  int samples = 0;        // per frame
  size_t frame_size = 0;  // header and all

  Time duration() const { return from_ticks(samples, sample_rate); }
};

// in: at a sync word; four bytes are enough.
Result<Mp3Header> parse_mp3(ByteSpan in);
// Playing time of all frames in the payload (some senders put several together); zero when the
// first is not one.
Time mp3_payload_duration(ByteSpan payload);

}  // namespace weir::codecs
