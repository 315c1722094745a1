// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/keys.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

namespace weir::hls {

Result<Key> make_key(uint64_t id) {
  Key key{.id = id};
  ssize_t n = 0;
  // Up to 256 bytes come whole or not at all (getrandom(2)).
  do n = ::getrandom(key.secret.data(), key.secret.size(), 0);
  while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(key.secret.size()))
    return fail(Code::io, std::string("no random bytes: ") + std::strerror(errno));
  return key;
}

net::AesBlock iv_of(uint64_t id) {
  net::AesBlock iv{};
  for (size_t i = 0; i < 8; ++i) iv[15 - i] = static_cast<uint8_t>(id >> (8 * i));
  return iv;
}

std::string iv_text(uint64_t id) { return to_hex(iv_of(id)); }

Bytes encrypt(const Key& key, std::span<const Bytes> segment) {
  return net::aes128_cbc_encrypt(key.secret, iv_of(key.id), segment);
}

}  // namespace weir::hls
