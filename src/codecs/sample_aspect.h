// Weir live-streaming server. MIT licence, see LICENSE.

// The sample aspect ratio of a VUI, shared by H.264 and H.265 (ITU-T H.264 table E-1 is H.265's as
// well). Pure, any core.
#pragma once

#include "base/bits.h"

namespace weir::codecs {

// Reads aspect_ratio_idc and what follows it. Leaves width and height alone when unspecified.
void read_sample_aspect(BitReader& r, int& width, int& height);

}  // namespace weir::codecs
