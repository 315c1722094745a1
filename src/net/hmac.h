// Weir live-streaming server. MIT licence, see LICENSE.

// HMAC-SHA256 (RFC 2104, FIPS 180-4) and a comparison that takes the same time whatever differs.
// Pure functions, any core; here because only this room knows OpenSSL.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace weir::net {

using Sha256 = std::array<uint8_t, 32>;

Sha256 hmac_sha256(ByteSpan key, ByteSpan data);
// The same over `first` followed by `second`, for data with a hole in it.
Sha256 hmac_sha256(ByteSpan key, ByteSpan first, ByteSpan second);
bool constant_time_equal(ByteSpan, ByteSpan);

}  // namespace weir::net
