// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/vui.h"

#include <gtest/gtest.h>

#include "codecs/h264.h"
#include "codecs/h265.h"

namespace weir::codecs {
namespace {

TEST(Vui, SampleAspect) {
  struct Row {
    const char* bits;
    int width, height;
  };
  for (const Row& row : {Row{"01", 1, 1}, Row{"02", 12, 11}, Row{"0e", 4, 3}, Row{"10", 2, 1},
                         Row{"ff00400021", 64, 33}, Row{"00", 7, 5}, Row{"11", 7, 5},
                         Row{"ff00000021", 7, 5}, Row{"ff0040", 7, 5}, Row{"", 7, 5}}) {
    const Bytes in = from_hex(row.bits);
    BitReader r(in);
    int width = 7, height = 5;  // stay when nothing is said
    read_sample_aspect(r, width, height);
    EXPECT_EQ(width, row.width) << row.bits;
    EXPECT_EQ(height, row.height) << row.bits;
  }
}

TEST(Vui, VideoSignal) {
  struct Row {
    const char* bits;
    Colour colour;
    size_t length;
  };
  for (const Row& row : {
           Row{"a0", {}, 5},                       // limited range, no description
           Row{"b0", {2, 2, 2, true}, 5},          // full range alone
           Row{"a8080808", {1, 1, 1, false}, 29},  // 101 0 1, then 1, 1, 1
           Row{"b8488048", {9, 16, 9, true}, 29},  // 101 1 1, then 9, 16, 9
           Row{"b848", Colour{}, 16},              // cut short: nothing is believed
       }) {
    const Bytes in = from_hex(row.bits);
    BitReader r(in);
    Colour colour;
    read_video_signal(r, colour);
    EXPECT_EQ(colour, row.colour) << row.bits;
    EXPECT_EQ(r.position(), row.length) << row.bits;
  }
}

// x264: 4:3 samples, BT.709, full range; x265: BT.2020 with PQ.
TEST(Vui, OfRealParameterSets) {
  const auto avc =
      parse_h264_sps(from_hex("6764000cacd941419f9f0e6e020202800000030080000019078a14cb"));
  ASSERT_TRUE(avc);
  EXPECT_EQ(avc->colour, (Colour{1, 1, 1, true}));
  EXPECT_EQ(avc->sar_width * 3, avc->sar_height * 4);
  EXPECT_DOUBLE_EQ(avc->frame_rate, 25);
  const auto hevc = parse_h265_sps(from_hex(
      "420101022000000300900000030000030 03ca00a080b9f6d96566924caf016a12201208000000300800"
      "0000c84"));
  ASSERT_TRUE(hevc);
  EXPECT_EQ(hevc->colour, (Colour{9, 16, 9, false}));
  EXPECT_DOUBLE_EQ(hevc->frame_rate, 25);
  const auto silent =
      parse_h264_sps(from_hex("6764000cacd941419f9f011000000300100000030320f1429960"));
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->colour, Colour{});
}

}  // namespace
}  // namespace weir::codecs
