// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <memory>

#include "base/check.h"

namespace weir::net {

Sha256 hmac_sha256(ByteSpan key, ByteSpan first, ByteSpan second) {
  const std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr),
                                                         &EVP_MAC_free);
  CHECK(mac != nullptr, "OpenSSL has no HMAC");
  const std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> context(EVP_MAC_CTX_new(mac.get()),
                                                                     &EVP_MAC_CTX_free);
  CHECK(context != nullptr, "out of memory");
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  // OpenSSL takes a null key to mean "the one before".
  static constexpr uint8_t kNoKey = 0;
  Sha256 out{};
  size_t size = 0;
  const bool ok =
      EVP_MAC_init(context.get(), key.empty() ? &kNoKey : key.data(), key.size(), params) == 1 &&
      EVP_MAC_update(context.get(), first.data(), first.size()) == 1 &&
      EVP_MAC_update(context.get(), second.data(), second.size()) == 1 &&
      EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1;
  CHECK(ok && size == out.size(), "HMAC-SHA256 cannot fail on good arguments");
  return out;
}

Sha256 hmac_sha256(ByteSpan key, ByteSpan data) { return hmac_sha256(key, data, {}); }

bool constant_time_equal(ByteSpan a, ByteSpan b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace weir::net
