// Weir live-streaming server. MIT licence, see LICENSE.

// AES-128 in cipher block chaining mode with PKCS #7 padding (FIPS 197, NIST SP 800-38A 6.2,
// RFC 5652 6.3). A pure function, any core; here because only this room knows OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace weir::net {

using AesBlock = std::array<uint8_t, 16>;

// What `pieces`, one after the other, become: their size rounded up to the next multiple of 16.
Bytes aes128_cbc_encrypt(const AesBlock& key, const AesBlock& iv, std::span<const Bytes> pieces);

}  // namespace weir::net
