// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/h264.h"

#include <gtest/gtest.h>

#include "base/bits.h"
#include "codecs/nal.h"

namespace weir::codecs {
namespace {

// x264 by way of ffmpeg -f lavfi -i testsrc2: 320x180 at 25, 1920x1080 at 30000/1001, and 720x576
// interlaced at 25 with a 16:9 display.
constexpr char kSmall[] =
    "0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe0e4b22cfdf8f8"
    "00";
constexpr char kFullHd[] =
    "01640028ffe1001967640028acd940780227e5c04400000fa40003a9803c60c65801000668ebe04d2c8bfdf8f800";
constexpr char kInterlaced[] =
    "0164001effe1001c6764001eacd940b424dff8020001688000000300800000190f8a14cb01000668fba04d2c8bfd"
    "f8f800";

H264Sps sps_of(const char* record) { return *parse_h264_sps(parse_avcc(from_hex(record))->sps[0]); }

TEST(Avcc, ParsesRealRecords) {
  const auto c = parse_avcc(from_hex(kSmall));
  ASSERT_TRUE(c);
  EXPECT_EQ(c->profile, 100);
  EXPECT_EQ(c->compatibility, 0);
  EXPECT_EQ(c->level, 12);
  EXPECT_EQ(c->length_size, 4);
  ASSERT_EQ(c->sps.size(), 1u);
  EXPECT_EQ(c->sps[0].size(), 0x1au);
  ASSERT_EQ(c->pps.size(), 1u);
  EXPECT_EQ(to_hex(c->pps[0]), "68ebe0e4b22c");
}

TEST(Avcc, RoundTrips) {
  for (const char* record : {kSmall, kFullHd, kInterlaced})
    EXPECT_EQ(to_hex(write_avcc(*parse_avcc(from_hex(record)))), record);
}

TEST(Avcc, BaselineHasNoTail) {
  const std::string record = "0142c00dffe100046742c00d01000368ce01";
  EXPECT_EQ(to_hex(write_avcc(*parse_avcc(from_hex(record)))), record);
}

TEST(Avcc, ToleratesAMissingTail) {
  const std::string whole = kSmall;
  for (size_t cut = 2; cut <= 8; cut += 2)
    EXPECT_TRUE(parse_avcc(from_hex(whole.substr(0, whole.size() - cut)))) << cut;
}

TEST(Avcc, KeepsSpsExtensions) {
  auto c = *parse_avcc(from_hex(kSmall));
  c.sps_ext.push_back(from_hex("6dc0"));
  const auto again = parse_avcc(write_avcc(c));
  ASSERT_EQ(again->sps_ext.size(), 1u);
  EXPECT_EQ(to_hex(again->sps_ext[0]), "6dc0");
}

TEST(Avcc, RefusesWhatIsWrong) {
  const std::string whole = kSmall;
  for (size_t n = 0; n < whole.size() - 8; n += 2)
    EXPECT_FALSE(parse_avcc(from_hex(whole.substr(0, n)))) << n;
  EXPECT_EQ(parse_avcc(from_hex("00" + whole.substr(2))).error().what, "avcC: version is not 1");
  EXPECT_FALSE(parse_avcc(from_hex("0164000cfee1000467640c0000")));  // lengths of 3 bytes
  EXPECT_FALSE(parse_avcc(from_hex("0164000cffe000")));              // no SPS
}

TEST(Avcc, WriterLeavesOutWhatDoesNotFit) {
  auto c = *parse_avcc(from_hex(kSmall));
  c.pps.insert(c.pps.begin(), Bytes::take(std::vector<uint8_t>(70000, 0x68)));
  EXPECT_EQ(to_hex(write_avcc(c)), kSmall);
  c.sps.resize(40, c.sps[0]);
  EXPECT_EQ(parse_avcc(write_avcc(c))->sps.size(), 31u);
}

TEST(H264Sps, SizesAndRates) {
  const auto small = sps_of(kSmall);
  EXPECT_EQ(small.width, 320);
  EXPECT_EQ(small.height, 180);
  EXPECT_DOUBLE_EQ(small.frame_rate, 25);
  EXPECT_EQ(small.sar_width, 1);
  EXPECT_FALSE(small.interlaced);
  const auto hd = sps_of(kFullHd);
  EXPECT_EQ(hd.width, 1920);
  EXPECT_EQ(hd.height, 1080);
  EXPECT_DOUBLE_EQ(hd.frame_rate, 30000.0 / 1001);
  const auto pal = sps_of(kInterlaced);
  EXPECT_EQ(pal.width, 720);
  EXPECT_EQ(pal.height, 576);
  EXPECT_DOUBLE_EQ(pal.frame_rate, 25);
  EXPECT_TRUE(pal.interlaced);
  EXPECT_EQ(pal.sar_width * 45, pal.sar_height * 64);
}

struct MadeSps {
  uint32_t chroma = 1, width = 20, height = 12, crop = 0, order = 0, cycle = 0;
  bool frames_only = true, scaling = false;
};

// Writes a High profile SPS field by field.
Bytes make_sps(const MadeSps& m) {
  BitWriter w;
  w.bits(0x67, 8);
  w.bits(100 << 16 | 31, 24);
  w.ue(0);
  w.ue(m.chroma);
  if (m.chroma == 3) w.flag(false);
  w.ue(2);  // 10 bits
  w.ue(0);
  w.flag(false);
  w.flag(m.scaling);
  for (int i = 0; m.scaling && i < (m.chroma == 3 ? 12 : 8); ++i) {
    w.flag(i == 0 || i == 6);
    // A delta of -8 (se: 16) ends a list at once; 64 deltas of zero are a long one.
    if (i == 0) w.ue(16);
    for (int j = 0; i == 6 && j < 64; ++j) w.ue(0);
  }
  w.ue(0);
  w.ue(m.order);
  if (m.order == 0) w.ue(4);
  if (m.order == 1) {
    w.flag(false);
    w.ue(0);
    w.ue(0);
    w.ue(m.cycle);
    for (uint32_t i = 0; i < m.cycle && i < 300; ++i) w.ue(1);
  }
  w.ue(4);
  w.flag(false);
  w.ue(m.width - 1);
  w.ue(m.height - 1);
  w.flag(m.frames_only);
  if (!m.frames_only) w.flag(true);
  w.flag(true);
  w.flag(m.crop != 0);
  for (int i = 0; m.crop && i < 4; ++i) w.ue(m.crop);
  w.flag(false);
  w.flag(true);
  return w.take();
}

TEST(H264Sps, CroppingCountsChromaSamplesAndFieldLines) {
  struct Row {
    uint32_t chroma;
    bool frames_only;
    int width, height;
  };
  for (const Row row : {Row{0, true, 318, 190}, Row{1, true, 316, 188}, Row{2, true, 316, 190},
                        Row{3, true, 318, 190}, Row{1, false, 316, 376}}) {
    const auto sps =
        parse_h264_sps(make_sps({.chroma = row.chroma, .crop = 1, .frames_only = row.frames_only}));
    ASSERT_TRUE(sps) << row.chroma;
    EXPECT_EQ(sps->width, row.width) << row.chroma;
    EXPECT_EQ(sps->height, row.height) << row.chroma << row.frames_only;
    EXPECT_EQ(sps->bit_depth_luma, 10);
    EXPECT_EQ(sps->chroma_format, static_cast<int>(row.chroma));
  }
}

TEST(H264Sps, SkipsScalingListsAndOrderCycles) {
  EXPECT_EQ(parse_h264_sps(make_sps({.scaling = true}))->width, 320);
  EXPECT_EQ(parse_h264_sps(make_sps({.chroma = 3, .scaling = true}))->width, 320);
  EXPECT_EQ(parse_h264_sps(make_sps({.order = 1, .cycle = 255}))->width, 320);
  EXPECT_EQ(parse_h264_sps(make_sps({.order = 2}))->width, 320);
}

TEST(H264Sps, RefusesWhatIsWrong) {
  EXPECT_FALSE(parse_h264_sps({}));
  EXPECT_FALSE(parse_h264_sps(from_hex("68ebe0e4b22c")));
  const auto whole = parse_avcc(from_hex(kSmall))->sps[0];
  for (size_t n = 0; n < 9; ++n) EXPECT_FALSE(parse_h264_sps(whole.slice(0, n))) << n;
  EXPECT_FALSE(parse_h264_sps(make_sps({.chroma = 4})));
  EXPECT_FALSE(parse_h264_sps(make_sps({.width = 20000})));
  EXPECT_FALSE(parse_h264_sps(make_sps({.crop = 100})));
  EXPECT_FALSE(parse_h264_sps(make_sps({.crop = 0x7fffffff})));
  EXPECT_FALSE(parse_h264_sps(make_sps({.order = 1, .cycle = 256})));
}

TEST(H264Sps, ACutVuiLeavesTheSize) {
  const auto whole = parse_avcc(from_hex(kSmall))->sps[0];
  const auto sps = parse_h264_sps(whole.slice(0, 13));
  ASSERT_TRUE(sps);
  EXPECT_EQ(sps->width, 320);
  EXPECT_EQ(sps->frame_rate, 0);
}

TEST(H264Config, FromParameterSetsInBand) {
  const auto c = *parse_avcc(from_hex(kSmall));
  std::vector<uint8_t> payload;
  append_nal(payload, c.sps[0]);
  append_nal(payload, c.pps[0]);
  append_nal(payload, from_hex("65b8"));
  EXPECT_EQ(to_hex(write_avcc(*avc_config_in_band(payload))), kSmall);
  EXPECT_FALSE(avc_config_in_band(from_hex("0000000265b8")));
  EXPECT_EQ(make_avc_config(std::vector<Bytes>(32, c.sps[0]), c.pps).error().code, Code::limit);
  EXPECT_EQ(make_avc_config(c.sps, {Bytes::take(std::vector<uint8_t>(65536))}).error().code,
            Code::limit);
}

TEST(H264Keyframe, ByFirstSlice) {
  EXPECT_TRUE(h264_is_keyframe(from_hex("00000002 09f0 00000002 0605 00000002 65b8")));
  EXPECT_FALSE(h264_is_keyframe(from_hex("00000002 09f0 00000002 419a")));
  EXPECT_FALSE(h264_is_keyframe(from_hex("00000009 65b8")));
  EXPECT_FALSE(h264_is_keyframe({}));
}

// The 5th picture of x264 with open-gop=1: recovery point SEI, then an I slice.
TEST(H264RecoveryPoint, OpenGop) {
  const std::string sei = "00000005060601c480";
  EXPECT_TRUE(h264_has_recovery_point(from_hex(sei + "0000000c 418899011f0e676886e55dab")));
  EXPECT_FALSE(h264_has_recovery_point(from_hex("0000000c 419a877c99444d2c678a08d3")));
  EXPECT_FALSE(h264_is_keyframe(from_hex(sei + "0000000c 418899011f0e676886e55dab")));
  EXPECT_TRUE(h264_has_recovery_point(from_hex(sei + "00000004 41888040")));
  EXPECT_FALSE(h264_has_recovery_point(from_hex(sei + "00000004 419a8040")));  // P slice
  EXPECT_FALSE(h264_has_recovery_point(from_hex("00000004 41888040")));        // no SEI
  EXPECT_FALSE(h264_has_recovery_point(from_hex("00000005 0606012880 00000004 41888040")));
  EXPECT_FALSE(h264_has_recovery_point(from_hex(sei)));
  // Behind another message whose size takes two bytes.
  EXPECT_TRUE(h264_has_recovery_point(
      from_hex("00000107 0605ff00" + std::string(510, '1') + "0601c480" + "00000004 41888040")));
  // A size that runs past the end.
  EXPECT_FALSE(h264_has_recovery_point(from_hex("00000005 0606ffffff 00000004 41888040")));
}

TEST(H264Config, AnnexbParameterSets) {
  const auto c = *parse_avcc(from_hex(kSmall));
  const auto out = annexb_parameter_sets(c);
  EXPECT_EQ(to_hex(out), "00000001" + to_hex(c.sps[0]) + "00000001" + to_hex(c.pps[0]));
}

TEST(H264Config, Describe) {
  EXPECT_EQ(*describe_avcc(from_hex(kFullHd)), (VideoParams{1920, 1080, 30000.0 / 1001}));
  EXPECT_FALSE(describe_avcc({}));
}

}  // namespace
}  // namespace weir::codecs
