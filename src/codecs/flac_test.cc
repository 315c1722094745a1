// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/flac.h"

#include <gtest/gtest.h>

namespace weir::codecs {
namespace {

// ffmpeg's flac encoder: 48 kHz, mono, 16 bits, 9600 samples.
constexpr char kBlock[] = "120012000000c20004ff0bb800f000002580bad7bf8f781a2330b6b7b8712dacb304";

TEST(FlacStreamInfo, ParsesEveryForm) {
  const std::string block = kBlock;
  for (const auto& form : {block, "00000022" + block, "80000022" + block,
                           "664c614300000022" + block, "664c614380000022" + block + "ffff"}) {
    const auto s = parse_flac_stream_info(from_hex(form));
    ASSERT_TRUE(s) << form;
    EXPECT_EQ(s->min_block, 4608);
    EXPECT_EQ(s->max_block, 4608);
    EXPECT_EQ(s->min_frame, 0xc2u);
    EXPECT_EQ(s->max_frame, 0x4ffu);
    EXPECT_EQ(s->sample_rate, 48000);
    EXPECT_EQ(s->channels, 1);
    EXPECT_EQ(s->bits_per_sample, 16);
    EXPECT_EQ(s->total_samples, 9600u);
    EXPECT_EQ(to_hex(*find_flac_stream_info(from_hex(form))), block);
  }
}

TEST(FlacStreamInfo, RefusesWhatIsWrong) {
  const std::string block = kBlock;
  for (const auto& form : {std::string(), std::string("664c6143"), block.substr(0, 66),
                           "664c614300000022" + block.substr(2), "664c614304000022" + block,
                           "664c614300000023" + block + "00", "04000022" + block})
    EXPECT_FALSE(parse_flac_stream_info(from_hex(form))) << form;
  EXPECT_FALSE(parse_flac_stream_info(from_hex(std::string(68, '0'))));
}

TEST(FlacStreamInfo, HeaderRoundTrip) {
  const auto header = write_flac_header(from_hex(kBlock));
  EXPECT_EQ(to_hex(header), "664c614380000022" + std::string(kBlock));
  EXPECT_EQ(to_hex(*find_flac_stream_info(header)), kBlock);
}

TEST(FlacFrame, Samples) {
  struct Row {
    const char* hex;
    int samples;
  };
  for (const Row& row : {
           Row{"fff85a0800814e000000eb01", 4608},  // the real stream's first frame
           Row{"fff81a0800", 192},
           Row{"fff82a0800", 576},
           Row{"fff88a0800", 256},
           Row{"fff8fa0800", 32768},
           Row{"fff86a08007f", 128},
           Row{"fff87a080012ff", 4864},
           Row{"fff97a08c28012ff", 4864},            // variable block size, number of two bytes
           Row{"fff97a08fe80808080808012ff", 4864},  // of seven
           Row{"fff80a0800", 0},                     // reserved
           Row{"fff86a0800", 0},                     // cut
           Row{"fff87a080012", 0},
           Row{"fff85a0880", 0},  // not the start of a number
           Row{"fff85a08ff", 0},
           Row{"fff85a08", 0},
           Row{"fff05a0800", 0},
           Row{"", 0},
       })
    EXPECT_EQ(flac_frame_samples(from_hex(row.hex)), row.samples) << row.hex;
}

TEST(FlacStreamInfo, Describe) {
  EXPECT_EQ(*describe_flac(from_hex(kBlock)), (AudioParams{48000, 1}));
  EXPECT_FALSE(describe_flac({}));
}

}  // namespace
}  // namespace weir::codecs
