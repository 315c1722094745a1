// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/aes.h"

#include <openssl/evp.h>

#include <memory>

#include "base/check.h"

namespace weir::net {
namespace {

// EVP counts in int: longer pieces go in several steps.
constexpr size_t kStep = size_t{1} << 30;

}  // namespace

Bytes aes128_cbc_encrypt(const AesBlock& key, const AesBlock& iv, std::span<const Bytes> pieces) {
  const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context(EVP_CIPHER_CTX_new(),
                                                                           &EVP_CIPHER_CTX_free);
  CHECK(context != nullptr, "out of memory");
  bool ok =
      EVP_EncryptInit_ex2(context.get(), EVP_aes_128_cbc(), key.data(), iv.data(), nullptr) == 1;
  size_t total = 0, at = 0;
  for (const auto& piece : pieces) total += piece.size();
  std::vector<uint8_t> out(total / iv.size() * iv.size() + iv.size());
  int written = 0;
  for (const auto& piece : pieces) {
    for (ByteSpan left = piece; !left.empty() && ok;) {
      const ByteSpan step = left.first(std::min(left.size(), kStep));
      left = left.subspan(step.size());
      ok = EVP_EncryptUpdate(context.get(), out.data() + at, &written, step.data(),
                             static_cast<int>(step.size())) == 1;
      at += static_cast<size_t>(written);
    }
  }
  ok = ok && EVP_EncryptFinal_ex(context.get(), out.data() + at, &written) == 1;
  at += static_cast<size_t>(written);
  CHECK(ok && at == out.size(), "AES-128-CBC cannot fail on good arguments");
  return Bytes::take(std::move(out));
}

}  // namespace weir::net
