// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/vp9.h"

#include <gtest/gtest.h>

#include "base/bits.h"

namespace weir::codecs {
namespace {

// libvpx by way of ffmpeg -f lavfi -i testsrc2=s=320x180: 4:2:0 in 8 bits and 4:4:4 in 10.
constexpr char kKey[] = "824983420013f00b361038241c19220003407fd9";
constexpr char kInter[] = "8600409270e16e00001c70c98ea44019007f4c47";
constexpr char kKey444[] = "b124c1a100009f8059b081c120e0c9100022007f";
constexpr char kInter444[] = "b30020493888b700001a73432dfc85552c34ea43";

TEST(Vp9Frame, RealOnes) {
  const auto key = parse_vp9_frame(from_hex(kKey));
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->keyframe && key->shown);
  EXPECT_EQ(key->profile, 0);
  EXPECT_EQ(key->width, 320);
  EXPECT_EQ(key->height, 180);
  EXPECT_EQ(key->chroma_subsampling, 1);
  const auto deep = parse_vp9_frame(from_hex(kKey444));
  ASSERT_TRUE(deep);
  EXPECT_EQ(deep->profile, 3);
  EXPECT_EQ(deep->bit_depth, 10);
  EXPECT_EQ(deep->chroma_subsampling, 3);
  EXPECT_EQ(deep->width, 320);
  EXPECT_EQ(deep->height, 180);
}

TEST(Vp9Frame, Keyframe) {
  EXPECT_TRUE(vp9_is_keyframe(from_hex(kKey)));
  EXPECT_TRUE(vp9_is_keyframe(from_hex(kKey444)));
  EXPECT_FALSE(vp9_is_keyframe(from_hex(kInter)));
  EXPECT_FALSE(vp9_is_keyframe(from_hex(kInter444)));
  EXPECT_FALSE(vp9_is_keyframe({}));
}

TEST(Vp9Frame, ShowExisting) {
  const auto f = parse_vp9_frame(from_hex("88"));
  ASSERT_TRUE(f);
  EXPECT_TRUE(f->show_existing);
  EXPECT_FALSE(f->keyframe);
}

struct Made {
  int profile = 0;
  bool twelve = false;
  uint32_t color = 2;
  bool x = true, y = true;
  uint32_t width = 1280, height = 720;
};

Bytes make_key(const Made& m) {
  BitWriter w;
  w.bits(2, 2);
  w.flag(m.profile & 1);
  w.flag(m.profile & 2);
  if (m.profile == 3) w.flag(false);
  w.bits(2, 4);  // not existing, key, shown, not resilient
  w.bits(0x498342, 24);
  if (m.profile >= 2) w.flag(m.twelve);
  w.bits(m.color, 3);
  if (m.color != 7) w.flag(true);
  if (m.profile & 1) {
    if (m.color != 7) {
      w.flag(m.x);
      w.flag(m.y);
    }
    w.flag(false);
  }
  w.bits(m.width - 1, 16);
  w.bits(m.height - 1, 16);
  return w.take();
}

TEST(Vp9Frame, Colours) {
  struct Row {
    Made made;
    int depth, subsampling;
  };
  for (const Row& row :
       {Row{{}, 8, 1}, Row{{.profile = 1, .y = false}, 8, 2},
        Row{{.profile = 1, .x = false, .y = false}, 8, 3}, Row{{.profile = 1, .color = 7}, 8, 3},
        Row{{.profile = 2}, 10, 1}, Row{{.profile = 2, .twelve = true}, 12, 1},
        Row{{.profile = 3, .twelve = true, .y = false}, 12, 2}}) {
    const auto f = parse_vp9_frame(make_key(row.made));
    ASSERT_TRUE(f);
    EXPECT_EQ(f->bit_depth, row.depth);
    EXPECT_EQ(f->chroma_subsampling, row.subsampling);
    EXPECT_EQ(f->width, 1280);
    EXPECT_EQ(f->height, 720);
  }
}

TEST(Vp9Frame, RefusesWhatIsWrong) {
  const auto whole = make_key({});
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(parse_vp9_frame(whole.slice(0, n))) << n;
  EXPECT_FALSE(parse_vp9_frame(from_hex("424983420013f00b36")));
  EXPECT_FALSE(parse_vp9_frame(from_hex("824983430013f00b36")));
  EXPECT_FALSE(parse_vp9_frame(make_key({.color = 7})));
  EXPECT_EQ(parse_vp9_frame(make_key({.profile = 1, .x = false})).error().code, Code::unsupported);
  EXPECT_FALSE(parse_vp9_frame(from_hex("b8")));
}

TEST(Vpcc, BothForms) {
  // As libvpx in an MP4 file has it, with version and flags.
  const auto c = parse_vpcc(from_hex("01000000000b820202020000"));
  ASSERT_TRUE(c);
  EXPECT_EQ(c->level, 11);
  EXPECT_EQ(c->bit_depth, 8);
  EXPECT_EQ(c->chroma_subsampling, 1);
  EXPECT_FALSE(c->full_range);
  EXPECT_EQ(c->matrix, 2);
  EXPECT_EQ(to_hex(write_vpcc(*c)), "000b820202020000");
  const auto deep = parse_vpcc(from_hex("030ba70910090000"));
  ASSERT_TRUE(deep);
  EXPECT_EQ(deep->profile, 3);
  EXPECT_EQ(deep->bit_depth, 10);
  EXPECT_TRUE(deep->full_range);
  EXPECT_EQ(deep->color_primaries, 9);
  EXPECT_EQ(deep->transfer, 16);
  EXPECT_EQ(*parse_vpcc(write_vpcc(*deep)), *deep);
}

TEST(Vpcc, RefusesWhatIsWrong) {
  for (const char* bad : {"", "000b8202020200", "040b820202020000", "000b920202020000",
                          "01000000000b8202020200", "0100000000000000"})
    EXPECT_FALSE(parse_vpcc(from_hex(bad))) << bad;
}

TEST(Vp9Config, FromAKeyframe) {
  const auto small = vp9_config_from_keyframe(from_hex(kKey));
  ASSERT_TRUE(small);
  EXPECT_EQ(small->level, 11);  // as libvpx says of it in an MP4 file
  EXPECT_EQ(small->bit_depth, 8);
  EXPECT_EQ(vp9_config_from_keyframe(make_key({}))->level, 31);
  EXPECT_EQ(vp9_config_from_keyframe(make_key({.width = 1920, .height = 1080}))->level, 40);
  EXPECT_EQ(vp9_config_from_keyframe(make_key({.width = 64, .height = 1080}))->level,
            21);  // by its side
  EXPECT_EQ(vp9_config_from_keyframe(make_key({.width = 65535, .height = 65535}))->level, 62);
  EXPECT_FALSE(vp9_config_from_keyframe(from_hex(kInter)));
}

}  // namespace
}  // namespace weir::codecs
