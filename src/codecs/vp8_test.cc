// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/vp8.h"

#include <gtest/gtest.h>

namespace weir::codecs {
namespace {

// libvpx by way of ffmpeg -f lavfi -i testsrc2=s=320x180.
constexpr char kKey[] = "1062009d012a4001b400000708858588";
constexpr char kInter[] = "b10d001011fc0018094ff84fd0edaabd";

TEST(Vp8Frame, RealOnes) {
  const auto key = parse_vp8_frame(from_hex(kKey));
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->keyframe && key->shown);
  EXPECT_EQ(key->version, 0);
  EXPECT_EQ(key->first_partition_size, 0x310u);
  EXPECT_EQ(key->width, 320);
  EXPECT_EQ(key->height, 180);
  const auto inter = parse_vp8_frame(from_hex(kInter));
  ASSERT_TRUE(inter);
  EXPECT_FALSE(inter->keyframe);
  EXPECT_EQ(inter->first_partition_size, 0x6du);
  EXPECT_EQ(inter->width, 0);
  EXPECT_TRUE(vp8_is_keyframe(from_hex(kKey)));
  EXPECT_FALSE(vp8_is_keyframe(from_hex(kInter)));
}

TEST(Vp8Frame, ScalingBitsAreNotSize) {
  EXPECT_EQ(parse_vp8_frame(from_hex("1062009d012a4041b480"))->width, 320);
  EXPECT_EQ(parse_vp8_frame(from_hex("1062009d012a4041b480"))->height, 180);
}

TEST(Vp8Frame, RefusesWhatIsWrong) {
  for (size_t n = 0; n < 20; n += 2)
    EXPECT_FALSE(parse_vp8_frame(from_hex(std::string_view(kKey).substr(0, n)))) << n;
  EXPECT_EQ(parse_vp8_frame(from_hex("1062009d012b4001b400")).error().what, "vp8: no start code");
  EXPECT_FALSE(vp8_is_keyframe({}));
}

}  // namespace
}  // namespace weir::codecs
