// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/h265.h"

#include <gtest/gtest.h>

#include "base/bits.h"
#include "codecs/nal.h"

namespace weir::codecs {
namespace {

// x265 by way of ffmpeg -f lavfi -i testsrc2, without its long SEI: 320x180 at 25 in 8 bits, and
// 1920x1080 at 50 in 10 bits.
constexpr char kSmall[] =
    "0101600000009000000000003cf000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003"
    "003c959809210001002b42010101600000030090000003000003003ca00a080b9f796566924caf0168080000030008"
    "00000300c84022000100074401c172b46240";
constexpr char kFullHd[] =
    "0102200000009000000000007bf000fcfdfafa00000f03200001001840010c01ffff02200000030090000003000003"
    "007b959809210001002c42010102200000030090000003000003007ba003c08010e4d96566924caf01680800000300"
    "0800000301904022000100074401c172b46240";

TEST(Hvcc, ParsesRealRecords) {
  const auto c = parse_hvcc(from_hex(kFullHd));
  ASSERT_TRUE(c);
  EXPECT_EQ(c->general.profile, 2);
  EXPECT_EQ(c->general.compatibility, 0x20000000u);
  EXPECT_EQ(c->general.level, 123);
  EXPECT_EQ(c->general.constraints[0], 0x90);
  EXPECT_FALSE(c->general.high_tier);
  EXPECT_EQ(c->bit_depth_luma, 10);
  EXPECT_EQ(c->chroma_format, 1);
  EXPECT_EQ(c->length_size, 4);
  EXPECT_EQ(c->temporal_layers, 1);
  EXPECT_TRUE(c->temporal_id_nested);
  ASSERT_EQ(c->arrays.size(), 3u);
  EXPECT_EQ(to_hex(c->first(H265Nal::pps)), "4401c172b46240");
  EXPECT_TRUE(c->first(H265Nal::aud).empty());
}

TEST(Hvcc, RoundTrips) {
  for (const char* record : {kSmall, kFullHd})
    EXPECT_EQ(to_hex(write_hvcc(*parse_hvcc(from_hex(record)))), record);
}

TEST(Hvcc, RefusesWhatIsWrong) {
  const std::string whole = kSmall;
  for (size_t n = 0; n < whole.size(); n += 2)
    EXPECT_FALSE(parse_hvcc(from_hex(whole.substr(0, n)))) << n;
  EXPECT_FALSE(parse_hvcc(from_hex("02" + whole.substr(2))));
  EXPECT_TRUE(parse_hvcc(from_hex("00" + whole.substr(2))));
  EXPECT_FALSE(parse_hvcc(from_hex(whole.substr(0, 42) + "0e" + whole.substr(44))));
}

TEST(Hvcc, WriterLeavesOutWhatDoesNotFit) {
  auto c = *parse_hvcc(from_hex(kSmall));
  auto& nals = c.arrays[0].nals;
  nals.insert(nals.begin(), Bytes::take(std::vector<uint8_t>(70000, 0x40)));
  EXPECT_EQ(to_hex(write_hvcc(c)), kSmall);
}

TEST(H265Sps, RealOnes) {
  const auto small = parse_h265_sps(parse_hvcc(from_hex(kSmall))->first(H265Nal::sps));
  ASSERT_TRUE(small);
  EXPECT_EQ(small->width, 320);
  EXPECT_EQ(small->height, 180);
  EXPECT_DOUBLE_EQ(small->frame_rate, 25);
  EXPECT_EQ(small->bit_depth_luma, 8);
  EXPECT_EQ(small->general.level, 60);
  const auto hd = parse_h265_sps(parse_hvcc(from_hex(kFullHd))->first(H265Nal::sps));
  ASSERT_TRUE(hd);
  EXPECT_EQ(hd->width, 1920);
  EXPECT_EQ(hd->height, 1080);
  EXPECT_DOUBLE_EQ(hd->frame_rate, 50);
  EXPECT_EQ(hd->bit_depth_chroma, 10);
  EXPECT_EQ(hd->general, parse_hvcc(from_hex(kFullHd))->general);
}

// Puts emulation prevention in (7.4.2), behind a two-byte header.
Bytes nal_of(uint8_t type, ByteSpan rbsp) {
  std::vector<uint8_t> out{static_cast<uint8_t>(type << 1), 1};
  unsigned zeros = 0;
  for (const uint8_t b : rbsp) {
    if (zeros >= 2 && b <= 3) {
      out.push_back(3);
      zeros = 0;
    }
    zeros = b == 0 ? zeros + 1 : 0;
    out.push_back(b);
  }
  return Bytes::take(std::move(out));
}

void write_profile(BitWriter& w, unsigned max_sub_layers_minus1) {
  w.bits(0x41, 8);  // space 1, main tier, profile 1
  w.bits(0x60000000, 32);
  w.bits(0xb0000000, 32);
  w.bits(0, 16);
  w.bits(93, 8);
  for (unsigned i = 0; i < max_sub_layers_minus1; ++i) w.bits(i == 0 ? 3 : 1, 2);
  if (max_sub_layers_minus1 > 0) w.bits(0, 2 * (8 - max_sub_layers_minus1));
  for (unsigned i = 0; i < max_sub_layers_minus1; ++i) {
    for (int j = 0; i == 0 && j < 11; ++j) w.bits(0xff, 8);
    w.bits(90, 8);
  }
}

struct MadeSps {
  unsigned layers_minus1 = 0;
  uint32_t chroma = 1, crop = 0, width = 640, height = 368, ref_sets = 0, refs = 2, long_term = 0;
  bool predict = false, scaling = false, pcm = false, fields = false, hrd = false;
};

void write_ref_sets(BitWriter& w, const MadeSps& m) {
  w.ue(m.ref_sets);
  for (uint32_t i = 0; i < m.ref_sets && i < 64; ++i) {
    if (i > 0) w.flag(m.predict);
    if (i > 0 && m.predict) {
      // One picture on from {-1, -2 | 1}: -1 becomes 0 and must not count, so that the set stays at
      // {-1 | 1, 2} and its successors stay within bounds.
      w.flag(false);
      w.ue(0);
      for (int j = 0; j < 4; ++j) w.flag(true);
      continue;
    }
    w.ue(m.refs);
    w.ue(1);
    for (uint32_t j = 0; j < m.refs + 1 && j < 40; ++j) {
      w.ue(0);
      w.flag(true);
    }
  }
}

Bytes make_sps(const MadeSps& m) {
  BitWriter w;
  w.bits(0, 4);
  w.bits(m.layers_minus1, 3);
  w.flag(true);
  write_profile(w, m.layers_minus1);
  w.ue(0);
  w.ue(m.chroma);
  if (m.chroma == 3) w.flag(false);
  w.ue(m.width);
  w.ue(m.height);
  w.flag(m.crop != 0);
  for (int i = 0; m.crop && i < 4; ++i) w.ue(m.crop);
  w.ue(0);
  w.ue(1);
  w.ue(4);  // 8 bits of picture order count
  w.flag(true);
  for (unsigned i = 0; i < 3 * (m.layers_minus1 + 1); ++i) w.ue(1);
  for (int i = 0; i < 6; ++i) w.ue(1);
  w.flag(m.scaling);
  if (m.scaling) {
    w.flag(true);
    for (int size = 0; size < 4; ++size) {
      for (int matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
        w.flag(matrix == 0);
        for (int i = 0; matrix == 0 && i < (size == 0 ? 16 : size == 1 ? 64 : 65); ++i) w.ue(1);
        if (matrix != 0) w.ue(0);
      }
    }
  }
  w.bits(3, 2);
  w.flag(m.pcm);
  if (m.pcm) {
    w.bits(0x77, 8);
    w.ue(0);
    w.ue(2);
    w.flag(false);
  }
  write_ref_sets(w, m);
  w.flag(m.long_term > 0);
  if (m.long_term > 0) {
    w.ue(m.long_term);
    for (uint32_t i = 0; i < m.long_term && i < 40; ++i) w.bits(0x1ff, 9);
  }
  w.bits(3, 2);
  w.flag(true);  // VUI
  w.flag(true);
  w.bits(255, 8);
  w.bits(4, 16);
  w.bits(3, 16);
  w.bits(0, 3);
  w.flag(false);
  w.flag(m.fields);
  w.bits(0, 2);
  w.flag(true);
  w.bits(1001, 32);
  w.bits(60000, 32);
  w.flag(false);
  w.flag(m.hrd);
  w.flag(true);
  w.bits(0, 3);
  w.ue(17);
  w.ue(0);
  w.flag(true);
  return nal_of(33, w.span());
}

TEST(H265Sps, WalksEveryTool) {
  for (const MadeSps& m : {MadeSps{}, MadeSps{.layers_minus1 = 2}, MadeSps{.layers_minus1 = 6},
                           MadeSps{.scaling = true}, MadeSps{.pcm = true}, MadeSps{.ref_sets = 5},
                           MadeSps{.ref_sets = 64, .refs = 15},
                           MadeSps{.ref_sets = 2, .predict = true}, MadeSps{.long_term = 32}}) {
    const auto sps = parse_h265_sps(make_sps(m));
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->width, 640);
    EXPECT_EQ(sps->height, 368);
    EXPECT_EQ(sps->bit_depth_luma, 8);
    EXPECT_EQ(sps->bit_depth_chroma, 9);
    // The VUI comes last: its values are right only if everything before was.
    EXPECT_EQ(sps->sar_width, 4);
    EXPECT_EQ(sps->sar_height, 3);
    EXPECT_DOUBLE_EQ(sps->frame_rate, 60000.0 / 1001);
    EXPECT_EQ(sps->min_spatial_segmentation, 17);
    EXPECT_EQ(sps->temporal_layers, m.layers_minus1 + 1);
    EXPECT_EQ(sps->general.space, 1);
    EXPECT_EQ(sps->general.level, 93);
  }
}

TEST(H265Sps, FieldsAreHalfFramesAndTheDecoderModelEndsTheReading) {
  EXPECT_DOUBLE_EQ(parse_h265_sps(make_sps({.fields = true}))->frame_rate, 30000.0 / 1001);
  EXPECT_EQ(parse_h265_sps(make_sps({.hrd = true}))->min_spatial_segmentation, 0);
}

TEST(H265Sps, ConformanceWindow) {
  struct Row {
    uint32_t chroma;
    int width, height;
  };
  for (const Row row : {Row{0, 638, 366}, Row{1, 636, 364}, Row{2, 636, 366}, Row{3, 638, 366}}) {
    const auto sps = parse_h265_sps(make_sps({.chroma = row.chroma, .crop = 1}));
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->width, row.width) << row.chroma;
    EXPECT_EQ(sps->height, row.height) << row.chroma;
  }
}

TEST(H265Sps, RefusesWhatIsWrong) {
  EXPECT_FALSE(parse_h265_sps({}));
  EXPECT_FALSE(parse_h265_sps(from_hex("4401c172b46240")));
  const auto whole = make_sps({.ref_sets = 5});
  for (size_t n = 0; n < 30; ++n) EXPECT_FALSE(parse_h265_sps(whole.slice(0, n))) << n;
  EXPECT_FALSE(parse_h265_sps(make_sps({.layers_minus1 = 7})));
  EXPECT_FALSE(parse_h265_sps(make_sps({.chroma = 4})));
  EXPECT_FALSE(parse_h265_sps(make_sps({.crop = 200})));
  EXPECT_FALSE(parse_h265_sps(make_sps({.width = 1 << 19})));
  EXPECT_FALSE(parse_h265_sps(make_sps({.ref_sets = 65})));
  EXPECT_FALSE(parse_h265_sps(make_sps({.ref_sets = 1, .refs = 17})));
  EXPECT_FALSE(parse_h265_sps(make_sps({.long_term = 33})));
}

TEST(H265Vps, FrameRate) {
  auto vps = [](uint32_t sets, bool timing) {
    BitWriter w;
    w.bits(0xc01, 12);
    w.bits(1, 3);
    w.bits(0x1ffff, 17);
    write_profile(w, 1);
    w.flag(false);
    for (int i = 0; i < 3; ++i) w.ue(1);
    w.bits(2, 6);
    w.ue(sets);
    for (uint32_t i = 0; i < sets * 3 && i < 3000; ++i) w.flag(true);
    w.flag(timing);
    w.bits(1, 32);
    w.bits(24, 32);
    return nal_of(32, w.span());
  };
  EXPECT_DOUBLE_EQ(*parse_h265_vps_frame_rate(vps(0, true)), 24);
  EXPECT_DOUBLE_EQ(*parse_h265_vps_frame_rate(vps(5, true)), 24);
  EXPECT_DOUBLE_EQ(*parse_h265_vps_frame_rate(vps(5, false)), 0);
  EXPECT_FALSE(parse_h265_vps_frame_rate(vps(1024, true)));
  EXPECT_FALSE(parse_h265_vps_frame_rate(vps(0, true).slice(0, 24)));
  EXPECT_FALSE(parse_h265_vps_frame_rate({}));
  EXPECT_TRUE(parse_h265_vps_frame_rate(parse_hvcc(from_hex(kSmall))->first(H265Nal::vps)));
}

TEST(H265Config, FromParameterSetsInBand) {
  auto c = *parse_hvcc(from_hex(kSmall));
  std::vector<uint8_t> payload;
  for (auto& a : c.arrays) {
    append_nal(payload, a.nals[0]);
    a.complete = true;
  }
  append_nal(payload, from_hex("2601af"));
  const auto made = hevc_config_in_band(payload);
  ASSERT_TRUE(made);
  EXPECT_EQ(to_hex(write_hvcc(*made)), to_hex(write_hvcc(c)));
  EXPECT_FALSE(hevc_config_in_band(from_hex("000000032601af")));
  const auto sps = c.first(H265Nal::sps), pps = c.first(H265Nal::pps);
  EXPECT_EQ(make_hevc_config(std::vector<Bytes>(65, sps), {sps}, {pps}).error().code, Code::limit);
  EXPECT_EQ(make_hevc_config({Bytes::take(std::vector<uint8_t>(65536))}, {sps}, {pps}).error().code,
            Code::limit);
}

TEST(H265Keyframe, ByTypeOfTheFirstSlice) {
  auto au = [](int type) {
    std::vector<uint8_t> out;
    append_nal(out, from_hex("460110"));
    append_nal(out, std::vector<uint8_t>{static_cast<uint8_t>(type << 1), 1, 0xaf});
    return out;
  };
  for (int type = 0; type < 32; ++type)
    EXPECT_EQ(h265_is_keyframe(au(type)), type >= 16 && type <= 21) << type;
  EXPECT_FALSE(h265_is_keyframe(au(40)));
  EXPECT_FALSE(h265_is_keyframe({}));
}

TEST(H265Config, AnnexbParameterSetsStandInOrder) {
  auto c = *parse_hvcc(from_hex(kSmall));
  std::swap(c.arrays[0], c.arrays[2]);
  const auto out = annexb_parameter_sets(c);
  AnnexbReader r(out);
  EXPECT_EQ(h265_nal_type(*r.next()), H265Nal::vps);
  EXPECT_EQ(h265_nal_type(*r.next()), H265Nal::sps);
  EXPECT_EQ(h265_nal_type(*r.next()), H265Nal::pps);
  EXPECT_FALSE(r.next());
}

TEST(H265Config, Describe) {
  EXPECT_EQ(*describe_hvcc(from_hex(kFullHd)), (VideoParams{1920, 1080, 50}));
  EXPECT_FALSE(describe_hvcc({}));
}

}  // namespace
}  // namespace weir::codecs
