// Weir live-streaming server. MIT licence, see LICENSE.

// A stamp: the moment of sending, inside a video message where every server passes it on untouched:
// an SEI NAL unit of user data before the picture. Pure. H.264 with 4-byte lengths only. Spec:
// ITU-T H.264 D.1.7 (user_data_unregistered), Adobe FLV 10.1 E.4.3.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"

namespace weir::bench {

// Length, NAL header, SEI type and size, UUID, 16 hexadecimal digits, stop bit.
inline constexpr size_t kStampSize = 4 + 3 + 16 + 16 + 1;
// Bytes of a video message before its first NAL unit.
inline constexpr size_t kVideoTagHeaderSize = 5;

std::array<uint8_t, kStampSize> make_stamp(Time when);
// The stamp of a video message, of which at least the first kVideoTagHeaderSize + kStampSize bytes
// are given; nullopt when there is none in front.
std::optional<Time> read_stamp(ByteSpan message);
// The first whole stamp anywhere in `bytes`: of the first frame of a CMAF part.
std::optional<Time> find_stamp(ByteSpan bytes);

}  // namespace weir::bench
