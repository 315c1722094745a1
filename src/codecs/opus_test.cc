// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/opus.h"

#include <gtest/gtest.h>

namespace weir::codecs {
namespace {

// libopus by way of ffmpeg: mono, and 5.1 in mapping family 1.
constexpr char kMono[] = "4f707573486561640101380180bb0000000000";
constexpr char kSurround[] = "4f707573486561640106380180bb00000000010402000401020305";

TEST(OpusHead, ParsesRealOnes) {
  const auto mono = parse_opus_head(from_hex(kMono));
  ASSERT_TRUE(mono);
  EXPECT_EQ(mono->channels, 1);
  EXPECT_EQ(mono->pre_skip, 312);
  EXPECT_EQ(mono->input_rate, 48000u);
  EXPECT_EQ(mono->streams, 1);
  EXPECT_EQ(mono->coupled, 0);
  const auto surround = parse_opus_head(from_hex(kSurround));
  ASSERT_TRUE(surround);
  EXPECT_EQ(surround->channels, 6);
  EXPECT_EQ(surround->mapping_family, 1);
  EXPECT_EQ(surround->streams, 4);
  EXPECT_EQ(surround->coupled, 2);
  EXPECT_EQ(to_hex(surround->mapping), "000401020305");
}

TEST(OpusHead, RoundTrips) {
  for (const char* head : {kMono, kSurround, "4f70757348656164010238014 4ac0000ff7f00"})
    EXPECT_EQ(write_opus_head(*parse_opus_head(from_hex(head))), from_hex(head));
  EXPECT_EQ(parse_opus_head(from_hex("4f7075734865616401023801 44ac0000 00ff00"))->gain, -256);
}

TEST(OpusHead, RefusesWhatIsWrong) {
  const std::string mono = kMono, surround = kSurround;
  for (const auto& whole : {mono, surround})
    for (size_t n = 0; n < whole.size(); n += 2)
      EXPECT_FALSE(parse_opus_head(from_hex(whole.substr(0, n)))) << n;
  EXPECT_EQ(parse_opus_head(from_hex(mono.substr(0, 16) + "11" + mono.substr(18))).error().code,
            Code::unsupported);
  EXPECT_FALSE(parse_opus_head(from_hex("4f707573486561640100380180bb0000000000")));
  EXPECT_FALSE(parse_opus_head(from_hex("4f707573486561640103380180bb0000000000")));
}

TEST(OpusPacket, Durations) {
  struct Row {
    const char* hex;
    Time duration;
  };
  for (const Row& row : {
           Row{"f8b4af", 20ms},                     // CELT 20 ms, one frame, as libopus writes it
           Row{"e0", 2500us},                       // CELT 2.5 ms
           Row{"e8", 5ms},                          // CELT 5 ms
           Row{"f0", 10ms},                         // CELT 10 ms
           Row{"00", 10ms},                         // SILK 10 ms
           Row{"18", 60ms},                         // SILK 60 ms
           Row{"58", 60ms},                         // SILK wideband 60 ms
           Row{"60", 10ms},                         // hybrid 10 ms
           Row{"78", 20ms},                         // hybrid 20 ms
           Row{"f90101", 40ms},                     // two of a size
           Row{"f901", 0ms},                        // that do not divide evenly
           Row{"fa0101", 40ms},                     // two of different sizes
           Row{"fa", 0ms},      Row{"fb03", 60ms},  // a count
           Row{"fb06", 120ms},  Row{"fb07", 0ms},   // beyond 120 ms
           Row{"fb00", 0ms},    Row{"fb", 0ms},
           Row{"e3b0", 120ms},  // 48 of 2.5 ms with padding flag
           Row{"", 0ms},
       })
    EXPECT_EQ(opus_packet_duration(from_hex(row.hex)), row.duration) << row.hex;
}

TEST(OpusHead, Describe) {
  EXPECT_EQ(*describe_opus(from_hex(kSurround)), (AudioParams{48000, 6}));
  EXPECT_FALSE(describe_opus({}));
}

}  // namespace
}  // namespace weir::codecs
