// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mp4/sample_entry.h"

#include <gtest/gtest.h>

#include "codecs/h265.h"

namespace weir::mp4 {
namespace {

// x264 by way of ffmpeg: 320x180. The second one has 4:3 samples, BT.709 and full range.
constexpr char kAvcc[] =
    "0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe0e4b22cfdf8f8"
    "00";
constexpr char kWide[] =
    "0164000cffe1001c6764000cacd941419f9f0e6e020202800000030080000019078a14cb01000668ebe3cb22c0fd"
    "f8f800";
// x265: 320x180.
constexpr char kHvcc[] =
    "0101600000009000000000003cf000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003"
    "003c959809210001002b42010101600000030090000003000003003ca00a080b9f796566924caf0168080000030008"
    "00000300c84022000100074401c172b46240";
// SVT-AV1: 320x180.
constexpr char kAv1c[] = "81000c000a0b000000043cfecc02f80040";
constexpr char kFlac[] = "120012000000c20004ff0bb800f000002580bad7bf8f781a2330b6b7b8712dacb304";

Track video(Codec codec, std::string_view config, VideoParams params = {}) {
  return {TrackId{0}, codec, from_hex(config), params, {}};
}
Track audio(Codec codec, std::string_view config, int rate, int channels) {
  return {TrackId{1}, codec, from_hex(config), AudioParams{rate, channels}, {}};
}

std::string entry_of(const Track& t, std::string_view first = {}) {
  ByteWriter out;
  const auto written = write_sample_entry(t, from_hex(first), out);
  return written ? to_hex(out.span()) : written.error().what;
}

std::string plain(std::string_view hex) { return to_hex(from_hex(hex)); }

// Behind the box header, all pictures' entries are alike but for the size; 78 bytes.
std::string visual(const std::string& size) {
  return "000000000000"
         "0001" +
         std::string(32, '0') + size +
         "00480000"
         "00480000"
         "00000000"
         "0001" +
         std::string(64, '0') +
         "0018"
         "ffff";
}

// And all sounds': 28 bytes.
std::string sound(const std::string& channels, const std::string& bits, const std::string& rate) {
  return "000000000000"
         "0001"
         "0000000000000000" +
         channels + bits + "00000000" + rate;
}

TEST(SampleEntry, H264) {
  // 8 + 78 + (8 + 47): no colour, square samples.
  EXPECT_EQ(entry_of(video(Codec::h264, kAvcc)),
            "0000008d"
            "61766331" +
                visual("014000b4") +
                "00000037"
                "61766343" +
                kAvcc);
}

TEST(SampleEntry, H264WithColourAndWideSamples) {
  // colr nclx 1 1 1 full, pasp 4:3.
  EXPECT_EQ(entry_of(video(Codec::h264, kWide)),
            "000000b2"
            "61766331" +
                visual("014000b4") +
                "00000039"
                "61766343" +
                kWide + plain("00000013 636f6c72 6e636c78 0001 0001 0001 80") +
                plain("00000010 70617370 00000004 00000003"));
}

TEST(SampleEntry, LengthsAreFourBytesWhateverTheRecordSays) {
  std::string two = kAvcc;
  two[9] = 'd';  // lengthSizeMinusOne 1
  EXPECT_EQ(entry_of(video(Codec::h264, two)), entry_of(video(Codec::h264, kAvcc)));
}

TEST(SampleEntry, H265HasCompleteArrays) {
  auto config = *codecs::parse_hvcc(from_hex(kHvcc));
  config.length_size = 2;
  for (auto& a : config.arrays) a.complete = false;
  Track t = video(Codec::h265, {});
  t.config = codecs::write_hvcc(config);
  std::string expected = kHvcc;
  // array_completeness is the high bit in front of the type.
  for (const std::string_view array : {"2000010018", "210001002b", "2200010007"})
    expected[expected.find(array)] = 'a';
  const auto entry = entry_of(t);
  EXPECT_EQ(entry.substr(8, 8), "68766331");
  EXPECT_EQ(entry.substr(16, 156), visual("014000b4"));
  EXPECT_EQ(entry.substr(16 + 156 + 8), "68766343" + expected);
}

TEST(SampleEntry, Av1AndVp9) {
  EXPECT_EQ(entry_of(video(Codec::av1, kAv1c)),
            "0000006f"
            "61763031" +
                visual("014000b4") +
                "00000019"
                "61763143" +
                kAv1c);
  // vpcC: version 1; profile 2, level 3.1, 10 bits, 4:2:0, BT.2020 with PQ.
  EXPECT_EQ(entry_of(video(Codec::vp9, "021fa20910090000", {640, 360, 0})),
            "0000007d"
            "76703039" +
                visual("02800168") + plain("00000014 76706343 01000000 021fa20910090000") +
                plain("00000013 636f6c72 6e636c78 0009 0010 0009 00"));
}

TEST(SampleEntry, Aac) {
  // ES descriptor, 25 bytes: ES_ID 0; decoder 17: AAC, audio stream; its configuration; SL 2.
  EXPECT_EQ(entry_of(audio(Codec::aac, "1190", 48000, 2)),
            "0000004b"
            "6d703461" +
                sound("0002", "0010", "bb800000") +
                plain("00000027 65736473 00000000 0319 0000 00 0411 40 15 000000 00000000 00000000"
                      "0502 1190 0601 02"));
}

TEST(SampleEntry, ALongConfigurationHasLongLengths) {
  const std::string config = "1190" + std::string(2 * 126, '0');
  const auto entry = entry_of(audio(Codec::aac, config, 48000, 2));
  EXPECT_NE(entry.find("038119"
                       "000000"
                       "048110"
                       "40"),
            std::string::npos)
      << entry;
  EXPECT_NE(entry.find("058100"
                       "1190"),
            std::string::npos)
      << entry;
  EXPECT_EQ(entry_of(audio(Codec::aac, "1190" + std::string(40'000, '0'), 48000, 2)),
            "mp4: configuration too long");
}

TEST(SampleEntry, Mp3IsMpeg1OrMpeg2ByItsRate) {
  EXPECT_EQ(entry_of(audio(Codec::mp3, "", 44100, 2)),
            "00000047"
            "6d703461" +
                sound("0002", "0010", "ac440000") +
                plain("00000023 65736473 00000000 0315 0000 00 040d 6b 15 000000 00000000 00000000"
                      "0601 02"));
  EXPECT_NE(entry_of(audio(Codec::mp3, "", 22050, 1)).find("040d6915"), std::string::npos);
  EXPECT_NE(entry_of(audio(Codec::mp3, "", 32000, 1)).find("040d6b15"), std::string::npos);
}

TEST(SampleEntry, OpusIsBigEndian) {
  // Pre-skip 312, input 44.1 kHz, gain -1: little-endian in OpusHead.
  EXPECT_EQ(entry_of(audio(Codec::opus, "4f70757348656164 01 02 3801 44ac0000 ffff 00", 48000, 2)),
            "00000037"
            "4f707573" +
                sound("0002", "0010", "bb800000") +
                plain("00000013 644f7073 00 02 0138 0000ac44 ffff 00"));
  // 5.1: family 1, four streams of which two coupled, and the mapping.
  EXPECT_EQ(
      entry_of(audio(Codec::opus, "4f70757348656164 01 06 3801 80bb0000 0000 01 04 02 000401020305",
                     48000, 6)),
      "0000003f"
      "4f707573" +
          sound("0006", "0010", "bb800000") +
          plain("0000001b 644f7073 00 06 0138 0000bb80 0000 01 04 02 000401020305"));
}

TEST(SampleEntry, Flac) {
  EXPECT_EQ(entry_of(audio(Codec::flac, kFlac, 48000, 1)),
            "00000056"
            "664c6143" +
                sound("0001", "0010", "bb800000") + plain("00000032 64664c61 00000000 80 000022") +
                kFlac);
}

TEST(SampleEntry, RatesThatDoNotFitStandAsADivision) {
  std::string fast = kFlac;
  fast.replace(20, 5, "17700");  // 20 bits: 96000
  EXPECT_NE(entry_of(audio(Codec::flac, fast, 96000, 1)).find(sound("0001", "0010", "bb800000")),
            std::string::npos);
  EXPECT_NE(entry_of(audio(Codec::aac, "1010", 96000, 2)).find(sound("0002", "0010", "bb800000")),
            std::string::npos);
  EXPECT_NE(entry_of(audio(Codec::aac, "1010", 176400, 2)).find("00000000ac440000"),
            std::string::npos);
  EXPECT_NE(entry_of(audio(Codec::aac, "1010", 70001, 2)).find("00000000ffff0000"),
            std::string::npos);
}

TEST(SampleEntry, Dolby) {
  EXPECT_EQ(entry_of(audio(Codec::ac3, "", 48000, 6), "0b77b50b1e40ebf8403eff99"),
            "0000002f"
            "61632d33" +
                sound("0006", "0010", "bb800000") + plain("0000000b 64616333 103de0"));
  EXPECT_EQ(entry_of(audio(Codec::eac3, "", 48000, 6), "0b77037f3f87c00020f82000"),
            "00000031"
            "65632d33" +
                sound("0006", "0010", "bb800000") + plain("0000000d 64656333 0e00200f00"));
}

TEST(SampleEntry, SaysWhatIsWrong) {
  EXPECT_EQ(entry_of(video(Codec::vp8, "", {320, 180, 0})), "mp4: vp8 cannot be carried");
  EXPECT_EQ(entry_of({TrackId{2}, Codec::script, {}, DataParams{}, {}}),
            "mp4: script cannot be carried");
  EXPECT_EQ(entry_of(video(Codec::vp9, "021fa20910090000")), "mp4: the picture's size is unknown");
  EXPECT_EQ(entry_of(video(Codec::vp9, "021fa20910090000", {70000, 2, 0})),
            "mp4: the picture is too big");
  EXPECT_EQ(entry_of(audio(Codec::mp3, "", 0, 2)), "mp4: the sample rate is unknown");
  EXPECT_EQ(entry_of(audio(Codec::aac, "", 48000, 2)), "mp4: AAC without a configuration");
  // Parameters of the wrong kind, as no parser of ours makes them.
  EXPECT_EQ(entry_of(video(Codec::aac, "1190", {320, 180, 0})), "mp4: the sample rate is unknown");
  for (Codec c : {Codec::h264, Codec::h265, Codec::av1, Codec::vp9})
    EXPECT_FALSE(entry_of(video(c, "ff")).starts_with("0000")) << to_string(c);
  for (Codec c : {Codec::opus, Codec::flac, Codec::ac3, Codec::eac3})
    EXPECT_FALSE(entry_of(audio(c, "ff", 48000, 2), "ff").starts_with("0000")) << to_string(c);
}

TEST(Picture, DisplaySize) {
  struct Row {
    Picture picture;
    uint32_t width, height;
  };
  for (const Row& row : {Row{{320, 180, 1, 1, {}}, 320 << 16, 180 << 16},
                         Row{{720, 576, 64, 45, {}}, 1024 << 16, 576 << 16},
                         Row{{720, 480, 8, 9, {}}, 640 << 16, 480 << 16},
                         Row{{720, 480, 10, 11, {}}, 42896291, 480 << 16},  // 654.545 * 65536
                         Row{{65535, 65535, 1, 1, {}}, 0xffff0000, 0xffff0000}}) {
    EXPECT_EQ(row.picture.display_width(), row.width);
    EXPECT_EQ(row.picture.display_height(), row.height);
  }
}

TEST(Picture, OfAConfiguration) {
  const auto wide = describe_picture(video(Codec::h264, kWide));
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->width, 320);
  EXPECT_EQ(wide->sar_width * 3, wide->sar_height * 4);
  // The configuration knows better than the parameters; without a sequence header they count.
  EXPECT_EQ(describe_picture(video(Codec::av1, kAv1c, {1, 1, 0}))->width, 320);
  EXPECT_EQ(describe_picture(video(Codec::av1, "81000c00", {640, 360, 0}))->height, 360);
  EXPECT_EQ(describe_picture(audio(Codec::aac, "1190", 48000, 2)).error().code, Code::unsupported);
}

}  // namespace
}  // namespace weir::mp4
