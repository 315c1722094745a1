// Weir live-streaming server. MIT licence, see LICENSE.

// CRC-32 of PSI sections: polynomial 0x04c11db7, most significant bit first, start value all ones,
// no final inversion; over a whole section with its own CRC the result is zero. ISO/IEC 13818-1
// Annex A.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace weir::mpegts {

uint32_t crc32(ByteSpan);

}  // namespace weir::mpegts
