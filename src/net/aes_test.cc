// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/aes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace weir::net {
namespace {

AesBlock block(std::string_view hex) {
  AesBlock b{};
  const Bytes bytes = from_hex(hex);
  std::memcpy(b.data(), bytes.data(), b.size());
  return b;
}

std::string encrypt(const AesBlock& key, const AesBlock& iv, std::vector<Bytes> pieces) {
  return to_hex(aes128_cbc_encrypt(key, iv, pieces));
}

// NIST SP 800-38A F.2.1, with the block of padding that is always there.
TEST(Aes, TheStandardsOwnExample) {
  const AesBlock key = block("2b7e151628aed2a6abf7158809cf4f3c");
  const AesBlock iv = block("000102030405060708090a0b0c0d0e0f");
  const Bytes plain = from_hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
  const std::string out = encrypt(key, iv, {plain});
  ASSERT_EQ(out.size(), 2u * 48);
  EXPECT_EQ(out.substr(0, 64), "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
}

TEST(Aes, PaddingFillsTheLastBlock) {
  const AesBlock zero{};
  for (const auto& [size, expected] : {std::pair{0, 16}, {1, 16}, {15, 16}, {16, 32}, {17, 32}}) {
    const Bytes plain = Bytes::take(std::vector<uint8_t>(static_cast<size_t>(size), 7));
    const std::vector<Bytes> pieces{plain};
    EXPECT_EQ(aes128_cbc_encrypt(zero, zero, pieces).size(), static_cast<size_t>(expected)) << size;
  }
  EXPECT_EQ(aes128_cbc_encrypt(zero, zero, {}).size(), 16u);
}

TEST(Aes, PiecesAreOneText) {
  const AesBlock key = block("2b7e151628aed2a6abf7158809cf4f3c"), iv{};
  const Bytes whole = Bytes::copy(std::string(1000, 'x') + std::string(333, 'y'));
  const std::string once = encrypt(key, iv, {whole});
  EXPECT_EQ(encrypt(key, iv, {whole.slice(0, 5), whole.slice(5, 800), {}, whole.slice(805)}), once);
  EXPECT_NE(encrypt(iv, iv, {whole}), once);
  EXPECT_NE(encrypt(key, key, {whole}), once);
}

}  // namespace
}  // namespace weir::net
