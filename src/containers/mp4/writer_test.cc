// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mp4/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "containers/mp4/fixture.h"

namespace weir::mp4 {
namespace {

using testing::HasSubstr;
using testing::Not;

// 320x180, and a parameter set of each kind as they stand in it.
constexpr char kAvcc[] =
    "0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe0e4b22cfdf8f8"
    "00";
constexpr char kSps[] = "0000001a 6764000cacd941419f9f011000000300100000030320f1429960";
constexpr char kPps[] = "00000006 68ebe0e4b22c";

Track h264() { return {TrackId{0}, Codec::h264, from_hex(kAvcc), VideoParams{320, 180, 25}, {}}; }
Track aac(std::string language = {}) {
  return {TrackId{1}, Codec::aac, from_hex("1190"), AudioParams{48000, 2}, std::move(language)};
}
std::string plain(std::string_view hex) { return to_hex(from_hex(hex)); }
Bytes joined(std::initializer_list<std::string_view> parts) {
  std::string s;
  for (auto p : parts) s += p;
  return from_hex(s);
}

std::string chunk(const Track& t, uint32_t sequence, uint64_t at, std::vector<Sample> samples) {
  ByteWriter out;
  write_chunk(t, sequence, at, samples, out);
  return to_hex(out.span());
}

TEST(Chunk, SoundOfOneLengthSaysItOnce) {
  // moof 104: mfhd 16, traf 80: tfhd 24 (base is moof; duration 1024; flags), tfdt 20, trun 28
  // (offset 112; sizes 2, 3); mdat 13.
  EXPECT_EQ(chunk(aac(), 7, 0x100000002,
                  {{1024, 0, true, from_hex("a1a2")}, {1024, 0, true, from_hex("b1b2b3")}}),
            plain("00000068 6d6f6f66"
                  "00000010 6d666864 00000000 00000007"
                  "00000050 74726166"
                  "00000018 74666864 00020028 00000001 00000400 02000000"
                  "00000014 74666474 01000000 00000001 00000002"
                  "0000001c 7472756e 01000201 00000002 00000070 00000002 00000003"
                  "0000000d 6d646174 a1a2 b1b2b3"));
}

TEST(Chunk, FramesOfOneSizeNeedNoTable) {
  EXPECT_EQ(
      chunk(aac(), 1, 0, {{1024, 0, true, from_hex("a1a2")}, {1024, 0, true, from_hex("b1b2")}}),
      plain("00000064 6d6f6f66"
            "00000010 6d666864 00000000 00000001"
            "0000004c 74726166"
            "0000001c 74666864 00020038 00000001 00000400 00000002 02000000"
            "00000014 74666474 01000000 00000000 00000000"
            "00000014 7472756e 01000001 00000002 0000006c"
            "0000000c 6d646174 a1a2 b1b2"));
}

TEST(Chunk, PicturesWithOffsetsOfEitherSign) {
  // A key picture, then one that refers and is referred to: first flags differ from the others'.
  EXPECT_EQ(chunk(h264(), 2, 90000,
                  {{3600, 7200, true, from_hex("000000016588")},
                   {3600, -3600, false, from_hex("0000000141")}}),
            plain("00000074 6d6f6f66"
                  "00000010 6d666864 00000000 00000002"
                  "0000005c 74726166"
                  "00000018 74666864 00020028 00000001 00000e10 01010000"
                  "00000014 74666474 01000000 00000000 00015f90"
                  "00000028 7472756e 01000a05 00000002 0000007c 02000000"
                  "00000006 00001c20 00000005 fffff1f0"
                  "00000013 6d646174 000000016588 0000000141"));
}

TEST(Chunk, DisposablePicturesSaySo) {
  // nal_ref_idc 0 in a B picture; durations differ, and so do flags beyond the first.
  EXPECT_EQ(chunk(h264(), 2, 0,
                  {{3600, 0, true, from_hex("000000016588")},
                   {3601, 0, false, from_hex("000000014199")},
                   {3600, 0, false, from_hex("000000010199")}}),
            plain("00000078 6d6f6f66"
                  "00000010 6d666864 00000000 00000002"
                  "00000060 74726166"
                  "00000018 74666864 00020030 00000001 00000006 01810000"
                  "00000014 74666474 01000000 00000000 00000000"
                  "0000002c 7472756e 01000501 00000003 00000080"
                  "00000e10 02000000 00000e11 01010000 00000e10 01810000"
                  "0000001a 6d646174 000000016588 000000014199 000000010199"));
}

TEST(Chunk, FollowsWhatIsThere) {
  ByteWriter out;
  write_segment_type(out);
  const size_t start = out.size();
  const Sample one{1024, 0, true, from_hex("a1a2")};
  write_chunk(aac(), 1, 0, {&one, 1}, out);
  const size_t length = out.size() - start;
  write_chunk(aac(), 1, 0, {&one, 1}, out);
  const auto text = to_hex(out.span());
  EXPECT_EQ(text.substr(0, 2 * start), plain("0000001c 73747970 6d736468 00000000 6d736468 636d6663"
                                             "636d666c"));
  // Data offsets count from the moof, not from the start of the file.
  EXPECT_EQ(text.substr(2 * start, 2 * length), text.substr(2 * (start + length)));
}

TEST(Header, OfSound) {
  const auto header = write_header(aac("deu"), {});
  ASSERT_TRUE(header);
  const auto text = to_hex(*header);
  const std::string matrix =
      plain("00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000");
  EXPECT_TRUE(
      text.starts_with(plain("0000001c 66747970 69736f36 00000000 69736f36 636d6663"
                             "6d703431") +
                       plain("00000231 6d6f6f76 0000006c 6d766864 00000000 00000000 00000000"
                             "0000bb80 00000000 00010000 0100 0000 00000000 00000000") +
                       matrix +
                       plain("00000000 00000000 00000000 00000000 00000000"
                             "00000000 00000002")))
      << text;
  EXPECT_THAT(text, HasSubstr(plain("0000005c 746b6864 00000003 00000000 00000000 00000001 00000000"
                                    "00000000 00000000 00000000 0000 0000 0100 0000") +
                              matrix + plain("00000000 00000000")));
  // 48 kHz; d e u are 4, 5, 21.
  EXPECT_THAT(text,
              HasSubstr(plain("00000020 6d646864 00000000 00000000 00000000 0000bb80 00000000"
                              "10b5 0000 00000026 68646c72 00000000 00000000 736f756e 00000000"
                              "00000000 00000000 736f756e6400")));
  EXPECT_THAT(text,
              HasSubstr(plain("00000010 736d6864 00000000 0000 0000 00000024 64696e66 0000001c"
                              "64726566 00000000 00000001 0000000c 75726c20 00000001")));
  EXPECT_THAT(text, HasSubstr(plain("00000010 73747473 00000000 00000000 00000010 73747363 00000000"
                                    "00000000 00000010 7374636f 00000000 00000000 00000014 7374737a"
                                    "00000000 00000000 00000000")));
  EXPECT_TRUE(
      text.ends_with(plain("00000028 6d766578 00000020 74726578 00000000 00000001 00000001"
                           "00000000 00000000 00000000")))
      << text;
  EXPECT_THAT(text, Not(HasSubstr("656c6e67")));  // elng
}

TEST(Header, OfPictures) {
  const auto text = to_hex(*write_header(h264(), {}));
  EXPECT_THAT(text, HasSubstr(plain("00015f90 00000000 55c4 0000 00000026 68646c72")));  // und
  EXPECT_THAT(text, HasSubstr(plain("766964656f00 ")));
  EXPECT_THAT(text, HasSubstr(plain("00000014 766d6864 00000001 00000000 00000000")));
  EXPECT_THAT(text, HasSubstr(plain("40000000 01400000 00b40000")));
}

TEST(Header, LanguagesThatDoNotPackStandAsTags) {
  const auto text = to_hex(*write_header(aac("pt-BR"), {}));
  EXPECT_THAT(text, HasSubstr(plain("55c4 0000 00000012 656c6e67 00000000 70742d425200")));
  for (const auto* hostile : {"", "a\nb", "x y", "\xff\xff\xff"})
    EXPECT_THAT(to_hex(*write_header(aac(hostile), {})), Not(HasSubstr("656c6e67"))) << hostile;
}

TEST(Carries, ByCodecAndConfiguration) {
  EXPECT_TRUE(carries(h264()));
  EXPECT_TRUE(carries(aac()));
  // Before there is a frame.
  EXPECT_TRUE(carries({TrackId{1}, Codec::eac3, {}, AudioParams{48000, 6}, {}}));
  EXPECT_TRUE(carries({TrackId{1}, Codec::mp3, {}, AudioParams{44100, 2}, {}}));
  EXPECT_EQ(carries({TrackId{1}, Codec::ac3, {}, AudioParams{}, {}}).error().code, Code::protocol);
  EXPECT_EQ(carries({TrackId{1}, Codec::vp8, {}, VideoParams{320, 180, 0}, {}}).error().code,
            Code::unsupported);
  EXPECT_EQ(carries({TrackId{1}, Codec::script, {}, DataParams{}, {}}).error().code,
            Code::unsupported);
  EXPECT_EQ(carries({TrackId{1}, Codec::h264, {}, VideoParams{}, {}}).error().code, Code::protocol);
  EXPECT_FALSE(write_header({TrackId{1}, Codec::ac3, {}, AudioParams{48000, 2}, {}}, {}));
}

TEST(Timescale, PicturesAndSound) {
  EXPECT_EQ(timescale_of(h264()), 90000u);
  EXPECT_EQ(timescale_of(aac()), 48000u);
  EXPECT_EQ(timescale_of({TrackId{1}, Codec::mp3, {}, AudioParams{22050, 1}, {}}), 22050u);
  EXPECT_EQ(timescale_of({TrackId{1}, Codec::opus, {}, AudioParams{44100, 2}, {}}), 48000u);
  EXPECT_EQ(timescale_of({TrackId{1}, Codec::mp3, {}, AudioParams{}, {}}), 48000u);
}

TEST(SamplePayload, SetsThatTheConfigurationHoldsGo) {
  const std::string_view sei = "00000002 0605", idr = "00000003 658884", aud = "00000002 0910";
  struct Row {
    Bytes in, out;
    bool shared;
  };
  for (const Row& row : {
           Row{joined({sei, idr}), joined({sei, idr}), true},
           Row{joined({kSps, kPps, sei, idr}), joined({sei, idr}), true},
           Row{joined({idr, kPps}), joined({idr}), true},
           Row{joined({aud, kSps, kPps, idr}), joined({aud, idr}), false},
           // Another set than ours is needed to decode what follows.
           Row{joined({kSps, "00000002 68ff", idr}), joined({"00000002 68ff", idr}), true},
           // Nothing would be left; and lengths that lie.
           Row{joined({kSps}), joined({kSps}), true},
           Row{joined({kSps, "000000ff 65"}), joined({kSps, "000000ff 65"}), true},
           Row{{}, {}, true},
       }) {
    const Bytes out = sample_payload(h264(), row.in);
    EXPECT_EQ(to_hex(out), to_hex(row.out)) << to_hex(row.in);
    const bool inside = out.data() >= row.in.data() && out.data() <= row.in.data() + row.in.size();
    EXPECT_EQ(inside, row.shared) << to_hex(row.in);
  }
  const Bytes frame = joined({kSps, idr});
  EXPECT_EQ(sample_payload(aac(), frame).data(), frame.data());
}

TEST(SamplePayload, H265) {
  Track t{TrackId{0}, Codec::h265, {}, VideoParams{320, 180, 25}, {}};
  t.config = from_hex(
      "0101600000009000000000003cf000fcfdf8f800000f03200001001840010c01ffff016000000300900000030000"
      "03003c959809210001002b42010101600000030090000003000003003ca00a080b9f796566924caf016808000003"
      "000800000300c84022000100074401c172b46240");
  EXPECT_EQ(to_hex(sample_payload(t, from_hex("00000007 4401c172b46240 00000003 2601af"))),
            "000000032601af");
  EXPECT_EQ(to_hex(sample_payload(t, from_hex("00000003 4401c1 00000003 2601af"))),
            "000000034401c1000000032601af");
}

// Real tracks through ffmpeg and ffprobe.

struct Real {
  const char* name;
  Codec codec;
  const char* options;
  // What ffprobe has to say of ours.
  std::vector<std::pair<const char*, const char*>> properties;
};

void PrintTo(const Real& r, std::ostream* out) { *out << r.name; }

class RealTracks : public testing::TestWithParam<Real> {};

#define PICTURES "-f lavfi -i testsrc2=size=320x180:rate=25 -t 2 "
#define SOUND "-f lavfi -i sine=frequency=440:sample_rate=48000 -t 2 "

const Real kReal[] = {
    {"h264",
     Codec::h264,
     PICTURES "-c:v libx264 -preset veryfast -bf 3 -g 25 -pix_fmt yuv420p",
     {{"codec_name", "h264"},
      {"codec_tag_string", "avc1"},
      {"width", "320"},
      {"height", "180"},
      {"has_b_frames", "2"},
      {"time_base", "1/90000"},
      {"color_space", "unknown"}}},
    {"h264_colour",
     Codec::h264,
     PICTURES "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -vf setsar=4/3 -x264-params "
              "colorprim=bt709:transfer=bt709:colormatrix=bt709",
     {{"color_space", "bt709"},
      {"color_primaries", "bt709"},
      {"color_transfer", "bt709"},
      {"color_range", "tv"},
      {"sample_aspect_ratio", "4:3"},
      {"display_aspect_ratio", "64:27"}}},
    {"h265_hdr",
     Codec::h265,
     PICTURES
     "-c:v libx265 -preset ultrafast -bf 3 -g 25 -pix_fmt yuv420p10 -tag:v hvc1 "
     "-x265-params log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
     {{"codec_name", "hevc"},
      {"codec_tag_string", "hvc1"},
      {"width", "320"},
      {"pix_fmt", "yuv420p10le"},
      {"color_space", "bt2020nc"},
      {"color_primaries", "bt2020"},
      {"color_transfer", "smpte2084"}}},
    {"av1",
     Codec::av1,
     PICTURES "-t 0.8 -c:v libsvtav1 -preset 12 -g 10 -pix_fmt yuv420p -colorspace bt709 "
              "-color_primaries bt709 -color_trc bt709",
     {{"codec_name", "av1"}, {"codec_tag_string", "av01"}, {"width", "320"}, {"height", "180"}}},
    {"vp9",
     Codec::vp9,
     PICTURES "-t 0.8 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 10 -pix_fmt yuv420p "
              "-colorspace bt709",
     {{"codec_name", "vp9"},
      {"codec_tag_string", "vp09"},
      {"width", "320"},
      {"height", "180"},
      {"color_space", "bt709"}}},
    {"aac",
     Codec::aac,
     SOUND "-c:a aac -ac 2 -ar 44100",
     {{"codec_name", "aac"}, {"profile", "LC"}, {"sample_rate", "44100"}, {"channels", "2"}}},
    {"mp3",
     Codec::mp3,
     SOUND "-c:a libmp3lame -ac 1",
     {{"codec_name", "mp3"}, {"sample_rate", "48000"}, {"channels", "1"}}},
    {"mp3_low",
     Codec::mp3,
     SOUND "-c:a libmp3lame -ar 22050",
     {{"codec_name", "mp3"}, {"sample_rate", "22050"}}},
    {"opus",
     Codec::opus,
     SOUND "-c:a libopus -ac 2",
     {{"codec_name", "opus"}, {"sample_rate", "48000"}, {"channels", "2"}}},
    {"opus_surround",
     Codec::opus,
     SOUND "-c:a libopus -ac 6 -mapping_family 1",
     {{"channels", "6"}, {"channel_layout", "5.1"}}},
    {"flac",
     Codec::flac,
     SOUND "-c:a flac -ac 2 -ar 96000",
     {{"codec_name", "flac"}, {"sample_rate", "96000"}, {"channels", "2"}}},
    {"ac3",
     Codec::ac3,
     SOUND "-c:a ac3 -ac 6",
     {{"codec_name", "ac3"}, {"sample_rate", "48000"}, {"channels", "6"}}},
    {"eac3",
     Codec::eac3,
     SOUND "-c:a eac3 -ac 6",
     {{"codec_name", "eac3"}, {"sample_rate", "48000"}, {"channels", "6"}}},
};

// Header, then segments of two chunks of seven frames.
Bytes whole_file(const fixture::RealTrack& real) {
  ByteWriter out;
  out.bytes(*write_header(real.track, real.payloads[0]));
  uint32_t sequence = 0;
  for (size_t i = 0; i < real.packets.size(); i += 7) {
    if (sequence % 2 == 0) write_segment_type(out);
    std::vector<Sample> samples;
    for (size_t j = i; j < std::min(i + 7, real.packets.size()); ++j) {
      const auto& p = real.packets[j];
      samples.push_back({static_cast<uint32_t>(p.duration), static_cast<int32_t>(p.pts - p.dts),
                         p.key, sample_payload(real.track, real.payloads[j])});
    }
    write_chunk(real.track, ++sequence, static_cast<uint64_t>(real.packets[i].dts), samples, out);
  }
  return out.take();
}

TEST_P(RealTracks, ReadsAndDecodesAsTheSource) {
  if (!fixture::have_ffmpeg()) GTEST_SKIP() << "needs ffmpeg";
  const auto real = fixture::real_track(GetParam().codec, GetParam().options);
  ASSERT_GT(real.packets.size(), 10u);
  ASSERT_TRUE(carries(real.track));
  const fixture::TempFile file("ours.mp4");
  file.write(whole_file(real));
  for (const auto& [name, value] : GetParam().properties)
    EXPECT_EQ(fixture::property(file.path(), name), value) << name;
  const auto ours = fixture::packets_of(file.path());
  ASSERT_EQ(ours.size(), real.packets.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].pts, real.packets[i].pts) << i;
    EXPECT_EQ(ours[i].dts, real.packets[i].dts) << i;
    EXPECT_EQ(ours[i].key, real.packets[i].key) << i;
    EXPECT_EQ(ours[i].size, real.packets[i].size) << i;
  }
  const auto decoded = fixture::decode(file.path());
  EXPECT_THAT(decoded, testing::StartsWith("MD5="));
  EXPECT_EQ(decoded, real.decoded);
}

INSTANTIATE_TEST_SUITE_P(Codecs, RealTracks, testing::ValuesIn(kReal),
                         [](const auto& test) { return std::string(test.param.name); });

// The colour of AV1 stands in `colr` as well as in the stream: a reader that looks at headers only
// must find it.
TEST(RealColour, OfAv1IsInTheHeader) {
  if (!fixture::have_ffmpeg()) GTEST_SKIP() << "needs ffmpeg";
  const auto real =
      fixture::real_track(Codec::av1, PICTURES
                          "-frames:v 1 -c:v libaom-av1 -cpu-used 8 -pix_fmt yuv420p "
                          "-colorspace bt709 -color_primaries bt709 -color_trc bt709");
  ASSERT_FALSE(real.payloads.empty());
  EXPECT_THAT(to_hex(*write_header(real.track, {})),
              HasSubstr(plain("00000013 636f6c72 6e636c78 0001 0001 0001 00")));
}

}  // namespace
}  // namespace weir::mp4
