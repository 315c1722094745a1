// Weir live-streaming server. MIT licence, see LICENSE.

// What the video usability information of H.264 and H.265 has in common: the shape of a sample and
// its colour (ITU-T H.264 E.1.1 and H.265 E.2.1 start with the same fields, and share table E-1).
// Pure, any core.
#pragma once

#include "base/bits.h"
#include "codecs/colour.h"

namespace weir::codecs {

// Reads aspect_ratio_idc and what follows it. Leaves width and height alone when unspecified.
void read_sample_aspect(BitReader& r, int& width, int& height);

// Reads video_format and what follows it.
void read_video_signal(BitReader& r, Colour& colour);

}  // namespace weir::codecs
