// Weir live-streaming server. MIT licence, see LICENSE.

// VP8: the frame header (RFC 6386 9.1). The canonical payload is one frame as it comes; there is no
// configuration. Pure, any core. Leaves out everything behind the frame size.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::codecs {

struct Vp8Frame {
  bool keyframe = false;
  uint8_t version = 0;
  bool shown = false;
  uint32_t first_partition_size = 0;
  int width = 0, height = 0;  // keyframes only
};

Result<Vp8Frame> parse_vp8_frame(ByteSpan payload);
bool vp8_is_keyframe(ByteSpan payload);

}  // namespace weir::codecs
