// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/registry.h"

#include <gtest/gtest.h>

namespace weir::codecs {
namespace {

constexpr Codec kAll[] = {Codec::h264, Codec::h265, Codec::av1,  Codec::vp8,
                          Codec::vp9,  Codec::aac,  Codec::opus, Codec::flac,
                          Codec::mp3,  Codec::ac3,  Codec::eac3, Codec::script};

constexpr char kAvcc[] =
    "0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe0e4b22cfdf8f8"
    "00";
constexpr char kOpusHead[] = "4f707573486561640101380180bb0000000000";
constexpr char kFlac[] = "120012000000c20004ff0bb800f000002580bad7bf8f781a2330b6b7b8712dacb304";

Track track(Codec codec, std::string_view config) {
  return Track{.codec = codec, .config = from_hex(config)};
}

TEST(Registry, Rfc6381) {
  struct Row {
    Codec codec;
    const char *config, *name;
  };
  // The records are cut behind what the names need, where their parsers allow.
  for (const Row& row : {
           Row{Codec::h264, kAvcc, "avc1.64000c"},
           Row{Codec::h264, "0142c01effe100046742c01e0000", "avc1.42c01e"},
           Row{Codec::h265, "0101600000009000000000003cf000fcfdf8f800000f00", "hvc1.1.6.L60.90"},
           Row{Codec::h265, "010160000000b000000000005df000fcfdf8f800000f00", "hvc1.1.6.L93.B0"},
           Row{Codec::h265, "016440000000b000800000007bf000fcfdf8f800000f00",
               "hvc1.A4.2.H123.B0.0.80"},
           Row{Codec::h265, "01010000000000000000000000f000fcfdf8f800000f00", "hvc1.1.0.L0"},
           Row{Codec::av1, "81040c00", "av01.0.04M.08"},
           Row{Codec::av1, "812df000", "av01.1.13H.12"},
           Row{Codec::vp9, "001f820202020000", "vp09.00.31.08"},
           Row{Codec::vp9, "01000000023da20202020000", "vp09.02.61.10"},
           Row{Codec::vp8, "", "vp8"},
           Row{Codec::aac, "1210", "mp4a.40.2"},
           Row{Codec::aac, "131056e598", "mp4a.40.5"},
           Row{Codec::aac, "eb09880000", "mp4a.40.29"},
           Row{Codec::opus, kOpusHead, "opus"},
           Row{Codec::flac, kFlac, "flac"},
           Row{Codec::mp3, "", "mp4a.40.34"},
           Row{Codec::ac3, "", "ac-3"},
           Row{Codec::eac3, "", "ec-3"},
           Row{Codec::script, "", ""},
           Row{Codec::h264, "", "avc1"},
           Row{Codec::h265, "", "hvc1"},
           Row{Codec::av1, "", "av01"},
           Row{Codec::vp9, "", "vp09"},
           Row{Codec::aac, "", "mp4a.40.2"},
       })
    EXPECT_EQ(rfc6381(track(row.codec, row.config)), row.name) << row.config;
}

TEST(Registry, Describe) {
  EXPECT_EQ(*describe(Codec::h264, from_hex(kAvcc)), Params(VideoParams{320, 180, 25}));
  EXPECT_EQ(*describe(Codec::aac, from_hex("1210")), Params(AudioParams{44100, 2}));
  EXPECT_EQ(*describe(Codec::opus, from_hex(kOpusHead)), Params(AudioParams{48000, 1}));
  EXPECT_EQ(*describe(Codec::flac, from_hex(kFlac)), Params(AudioParams{48000, 1}));
  EXPECT_EQ(*describe(Codec::vp9, from_hex("001f820202020000")), Params(VideoParams{}));
  EXPECT_EQ(*describe(Codec::mp3, {}), Params(AudioParams{}));
  EXPECT_EQ(*describe(Codec::vp8, {}), Params(VideoParams{}));
  EXPECT_EQ(*describe(Codec::script, {}), Params(DataParams{}));
}

TEST(Registry, DescribeGivesParamsOfTheKind) {
  for (Codec c : kAll) {
    const auto p = describe(c, {});
    const bool needs_config = c == Codec::h264 || c == Codec::h265 || c == Codec::av1 ||
                              c == Codec::vp9 || c == Codec::aac || c == Codec::opus ||
                              c == Codec::flac;
    ASSERT_EQ(p.has_value(), !needs_config) << to_string(c);
    if (p) EXPECT_EQ(p->index(), static_cast<size_t>(kind_of(c))) << to_string(c);
  }
}

TEST(Registry, DescribeFrame) {
  EXPECT_EQ(*describe_frame(Codec::mp3, from_hex("fff340c0")), Params(AudioParams{22050, 1}));
  EXPECT_EQ(*describe_frame(Codec::ac3, from_hex("0b77b50b1e40ebf8")),
            Params(AudioParams{48000, 6}));
  EXPECT_EQ(*describe_frame(Codec::eac3, from_hex("0b7700bf3287c000")),
            Params(AudioParams{48000, 1}));
  EXPECT_EQ(*describe_frame(Codec::vp8, from_hex("1062009d012a4001b400")),
            Params(VideoParams{320, 180, 0}));
  EXPECT_EQ(*describe_frame(Codec::vp9, from_hex("824983420013f00b3610")),
            Params(VideoParams{320, 180, 0}));
  EXPECT_EQ(describe_frame(Codec::vp8, from_hex("b10d00")).error().code, Code::unsupported);
  EXPECT_EQ(describe_frame(Codec::vp9, from_hex("8600")).error().code, Code::unsupported);
  EXPECT_EQ(describe_frame(Codec::h264, {}).error().code, Code::unsupported);
  EXPECT_EQ(describe_frame(Codec::mp3, {}).error().code, Code::protocol);
}

TEST(Registry, Keyframes) {
  struct Row {
    Codec codec;
    const char *key, *other;
  };
  for (const Row& row :
       {Row{Codec::h264, "0000000265b8", "00000002419a"},
        Row{Codec::h265, "000000032601af", "000000030201d0"}, Row{Codec::av1, "320114", "320130"},
        Row{Codec::vp8, "1062009d012a4001b400", "b10d00"},
        Row{Codec::vp9, "824983420013f00b3610", "8600"}}) {
    EXPECT_TRUE(is_keyframe(row.codec, from_hex(row.key))) << to_string(row.codec);
    EXPECT_FALSE(is_keyframe(row.codec, from_hex(row.other))) << to_string(row.codec);
  }
  for (Codec c : kAll) EXPECT_EQ(is_keyframe(c, {}), kind_of(c) != Kind::video) << to_string(c);
}

TEST(Registry, Durations) {
  EXPECT_EQ(frame_duration(track(Codec::aac, "1190"), from_hex("de02")), from_ticks(1024, 48000));
  EXPECT_EQ(frame_duration(track(Codec::aac, ""), from_hex("de02")), 0ms);
  EXPECT_EQ(frame_duration(track(Codec::opus, kOpusHead), from_hex("f8b4")), 20ms);
  EXPECT_EQ(frame_duration(track(Codec::flac, kFlac), from_hex("fff85a0800")), 96ms);
  EXPECT_EQ(frame_duration(track(Codec::flac, ""), from_hex("fff85a0800")), 0ms);
  EXPECT_EQ(frame_duration(track(Codec::mp3, ""), from_hex("fffb54c0")), 24ms);
  EXPECT_EQ(frame_duration(track(Codec::ac3, ""), from_hex("0b77b50b1e40ebf8")), 32ms);
  EXPECT_EQ(frame_duration(track(Codec::eac3, ""), from_hex("0b7700bf3287c000")), 32ms);
  EXPECT_EQ(frame_duration(track(Codec::h264, kAvcc), from_hex("0000000265b8")), 0ms);
}

}  // namespace
}  // namespace weir::codecs
