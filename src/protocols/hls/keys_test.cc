// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/keys.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "containers/mpegts/fixture.h"

namespace weir::hls {
namespace {

TEST(Keys, NoTwoAreAlike) {
  const auto a = make_key(7), b = make_key(7);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->id, 7u);
  EXPECT_NE(a->secret, b->secret);
  EXPECT_NE(a->secret, net::AesBlock{});
}

TEST(Keys, TheVectorIsTheNumber) {
  EXPECT_EQ(iv_text(0), std::string(32, '0'));
  EXPECT_EQ(iv_text(17), "00000000000000000000000000000011");
  EXPECT_EQ(iv_text(0x0123456789abcdef), "00000000000000000123456789abcdef");
  EXPECT_EQ(iv_text(UINT64_MAX), "0000000000000000ffffffffffffffff");
  EXPECT_EQ(to_hex(iv_of(258)), iv_text(258));
}

// What everybody else's AES makes of ours.
TEST(Keys, OpensslReadsWhatWeEncrypt) {
  if (mpegts::fixture::run("command -v openssl").empty()) GTEST_SKIP() << "no openssl here";
  const std::string path = mpegts::fixture::temp_path("keys.bin");
  const auto key = make_key(1234567);
  ASSERT_TRUE(key);
  const std::string plain = std::string(1880, 'G') + "tail";
  const std::vector<Bytes> pieces{Bytes::copy(plain.substr(0, 188)),
                                  Bytes::copy(plain.substr(188))};
  mpegts::fixture::write_file(path, encrypt(*key, pieces));
  EXPECT_EQ(mpegts::fixture::run("openssl enc -d -aes-128-cbc -K " + to_hex(key->secret) + " -iv " +
                                 iv_text(key->id) + " -in " + path),
            plain);
  unlink(path.c_str());
}

}  // namespace
}  // namespace weir::hls
