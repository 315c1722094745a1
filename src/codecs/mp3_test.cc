// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/mp3.h"

#include <gtest/gtest.h>

namespace weir::codecs {
namespace {

using Version = Mp3Header::Version;

TEST(Mp3, ParsesHeaders) {
  struct Row {
    const char* hex;
    Version version;
    int layer, bit_rate, rate, channels, samples;
    size_t size;
  };
  for (const Row& row : {
           // LAME by way of ffmpeg: 48 kHz and 22.05 kHz, both mono; sizes as ffprobe has them.
           Row{"fffb54c0", Version::mpeg1, 3, 64000, 48000, 1, 1152, 192},
           Row{"fff340c0", Version::mpeg2, 3, 32000, 22050, 1, 576, 104},
           Row{"fff342c0", Version::mpeg2, 3, 32000, 22050, 1, 576, 105},
           Row{"fffb9000", Version::mpeg1, 3, 128000, 44100, 2, 1152, 417},
           Row{"fffb9244", Version::mpeg1, 3, 128000, 44100, 2, 1152, 418},
           Row{"fffdc480", Version::mpeg1, 2, 256000, 48000, 2, 1152, 768},
           Row{"ffff4400", Version::mpeg1, 1, 128000, 48000, 2, 384, 128},
           Row{"ffff4200", Version::mpeg1, 1, 128000, 44100, 2, 384, 140},
           Row{"fff59400", Version::mpeg2, 2, 80000, 24000, 2, 1152, 480},
           Row{"ffe388c0", Version::mpeg25, 3, 64000, 8000, 1, 576, 576},
       }) {
    const auto h = parse_mp3(from_hex(row.hex));
    ASSERT_TRUE(h) << row.hex;
    EXPECT_EQ(h->version, row.version) << row.hex;
    EXPECT_EQ(h->layer, row.layer) << row.hex;
    EXPECT_EQ(h->bit_rate, row.bit_rate) << row.hex;
    EXPECT_EQ(h->sample_rate, row.rate) << row.hex;
    EXPECT_EQ(h->channels, row.channels) << row.hex;
    EXPECT_EQ(h->samples, row.samples) << row.hex;
    EXPECT_EQ(h->frame_size, row.size) << row.hex;
  }
}

TEST(Mp3, RefusesWhatIsWrong) {
  for (const char* bad : {"", "fffb54", "00fb54c0", "ffeb54c0", "fff954c0", "fffbf4c0", "fffb5cc0"})
    EXPECT_EQ(parse_mp3(from_hex(bad)).error().code, Code::protocol) << bad;
  EXPECT_EQ(parse_mp3(from_hex("fffb04c0")).error().code, Code::unsupported);
}

TEST(Mp3, PayloadDurations) {
  const std::string frame = "fffb54c0" + std::string(188 * 2, '0');
  EXPECT_EQ(mp3_payload_duration(from_hex(frame)), 24ms);
  EXPECT_EQ(mp3_payload_duration(from_hex(frame + frame)), 48ms);
  EXPECT_EQ(mp3_payload_duration(from_hex(frame + "0000")), 24ms);
  EXPECT_EQ(mp3_payload_duration(from_hex("0000")), 0ms);
}

}  // namespace
}  // namespace weir::codecs
