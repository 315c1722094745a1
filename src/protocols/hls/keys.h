// Weir live-streaming server. MIT licence, see LICENSE.

// Keys: what encrypts a stream's segments on disk: 16 random bytes with a number, which is part of
// the key file's name and the initialization vector of every segment under the key. Pure but for
// the system's randomness; any thread. RFC 8216 4.3.2.4 (EXT-X-KEY), 5.2 (IV).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "net/aes.h"

namespace weir::hls {

struct Key {
  uint64_t id = 0;
  net::AesBlock secret{};
};

Result<Key> make_key(uint64_t id);
// The number as 128 bits, big-endian; as 32 hexadecimal digits.
net::AesBlock iv_of(uint64_t id);
std::string iv_text(uint64_t id);
// A whole segment, METHOD=AES-128.
Bytes encrypt(const Key&, std::span<const Bytes> segment);

}  // namespace weir::hls
