// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/nal.h"

#include <gtest/gtest.h>

namespace weir::codecs {
namespace {

std::string walk(std::string_view hex, int length_size) {
  const auto in = from_hex(hex);
  NalReader r(in, length_size);
  std::string s;
  while (auto nal = r.next()) s += to_hex(*nal) + " ";
  return s + (r.ok() ? "ok" : "bad");
}

TEST(NalReader, WalksEveryLengthSize) {
  EXPECT_EQ(walk("00000002 6501 00000001 41", 4), "6501 41 ok");
  EXPECT_EQ(walk("0002 6501 0001 41", 2), "6501 41 ok");
  EXPECT_EQ(walk("02 6501 01 41", 1), "6501 41 ok");
  EXPECT_EQ(walk("", 4), "ok");
}

TEST(NalReader, PassesOverEmptyUnits) { EXPECT_EQ(walk("00 01 41 00", 1), "41 ok"); }

TEST(NalReader, StopsAtBadLengths) {
  EXPECT_EQ(walk("00000002 6501 00000002 41", 4), "6501 bad");
  EXPECT_EQ(walk("00000002 6501 000000", 4), "6501 bad");
  EXPECT_EQ(walk("ffffffff 41", 4), "bad");
  EXPECT_EQ(walk("000001 41", 3), "bad");
  EXPECT_EQ(walk("41", 0), "bad");
  EXPECT_EQ(walk("41", -1), "bad");
}

std::string annexb(std::string_view hex) {
  const auto in = from_hex(hex);
  AnnexbReader r(in);
  std::string s;
  while (auto nal = r.next()) s += to_hex(*nal) + " ";
  return s;
}

TEST(AnnexbReader, FindsUnits) {
  EXPECT_EQ(annexb("00000001 09f0 000001 6501 00000001 4102"), "09f0 6501 4102 ");
  EXPECT_EQ(annexb("ffff 000001 65"), "65 ");
  EXPECT_EQ(annexb("000001 65000000 000001 41 0000"), "65 41 ");
  EXPECT_EQ(annexb("000001 000001 000001 41"), "41 ");
  EXPECT_EQ(annexb("000001 65 000003 01 000001 41"), "6500000301 41 ");
  EXPECT_EQ(annexb("000001"), "");
  EXPECT_EQ(annexb("0000"), "");
  EXPECT_EQ(annexb("650102"), "");
  EXPECT_EQ(annexb(""), "");
}

// A start code at every offset within the three-byte stride of the search.
TEST(AnnexbReader, FindsStartCodesAtEveryOffset) {
  for (int pad = 0; pad < 7; ++pad) {
    const std::string body(static_cast<size_t>(pad) * 2 + 2, '1');
    EXPECT_EQ(annexb("000001" + body + "00000142"), body + " 42 ") << pad;
    EXPECT_EQ(annexb("000001" + body + "0000000142"), body + " 42 ") << pad;
  }
}

TEST(ToCanonical, SharesWhatIsCanonicalAlready) {
  const auto in = from_hex("00000002650100000001 41");
  const auto out = to_canonical(in, 4);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->data(), in.data());
}

TEST(ToCanonical, WidensLengths) {
  EXPECT_EQ(to_hex(*to_canonical(from_hex("02650101 41"), 1)),
            "00000002650100000001"
            "41");
  EXPECT_EQ(to_hex(*to_canonical(from_hex("00026501000141"), 2)),
            "00000002650100000001"
            "41");
}

TEST(ToCanonical, RefusesBadLengths) {
  EXPECT_EQ(to_canonical(from_hex("000000ff41"), 4).error().code, Code::protocol);
  EXPECT_FALSE(to_canonical(from_hex("0541"), 1));
  EXPECT_FALSE(to_canonical(from_hex("00000141"), 3));
}

TEST(Annexb, RoundTrip) {
  const auto payload = from_hex("00000002 6501 00000003 410203");
  std::vector<uint8_t> stream;
  append_annexb(stream, payload);
  EXPECT_EQ(to_hex(stream),
            "0000000165010000000141"
            "0203");
  EXPECT_EQ(from_annexb(stream), payload);
  EXPECT_TRUE(from_annexb(from_hex("0102")).empty());
}

TEST(Annexb, StopsAtBadLength) {
  std::vector<uint8_t> stream;
  append_annexb(stream, from_hex("00000001 65 00000009 41"));
  EXPECT_EQ(to_hex(stream), "0000000165");
}

TEST(UnescapeNal, TakesOutThreesBehindTwoZeros) {
  EXPECT_EQ(to_hex(unescape_nal(from_hex("67000003 00000301 000302"))),
            "6700000000010003"
            "02");
  EXPECT_EQ(to_hex(unescape_nal(from_hex("000003 000003"))), "00000000");
  EXPECT_EQ(to_hex(unescape_nal(from_hex("0000000304"))), "00000004");
  EXPECT_EQ(to_hex(unescape_nal(from_hex("0102030405"), 3)), "010203");
  EXPECT_TRUE(unescape_nal({}).empty());
}

}  // namespace
}  // namespace weir::codecs
