// Weir live-streaming server. MIT licence, see LICENSE.

// Colour: how coded values become light, in the code points every video codec and container shares
// (ITU-T H.273: ColourPrimaries, TransferCharacteristics, MatrixCoefficients). A value; any core.
// Leaves out mastering display and content light levels.
#pragma once

#include <cstdint>

namespace weir::codecs {

struct Colour {
  uint8_t primaries = 2, transfer = 2, matrix = 2;  // 2: unspecified
  bool full_range = false;
  bool operator==(const Colour&) const = default;
};

}  // namespace weir::codecs
