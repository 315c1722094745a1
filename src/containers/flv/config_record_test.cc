// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/config_record.h"

#include <gtest/gtest.h>

#include "containers/flv/samples_for_test.h"

namespace weir::flv {
namespace {

TEST(ConfigRecord, RoundTripsForEveryCodec) {
  for (const Codec codec : kMediaCodecs) {
    if (!needs_sequence_header(codec)) continue;
    const Track track = sample(codec, TrackId{0}).track;
    const auto read = read_config_record(codec, write_config_record(track));
    ASSERT_TRUE(read) << to_string(codec) << ": " << read.error().what;
    EXPECT_EQ(to_hex(read->canonical), to_hex(track.config)) << to_string(codec);
    EXPECT_EQ(read->length_size, 4) << to_string(codec);
  }
}

TEST(ConfigRecord, IsNotNeededWhereFramesSayAll) {
  for (const Codec codec : {Codec::mp3, Codec::ac3, Codec::eac3, Codec::script}) {
    EXPECT_FALSE(needs_sequence_header(codec));
    EXPECT_TRUE(read_config_record(codec, from_hex("010203"))->canonical.empty());
  }
  EXPECT_TRUE(needs_sequence_header(Codec::vp8));
}

TEST(ConfigRecord, WritesWhatTheWireWants) {
  const auto wire = [](Codec codec) {
    return to_hex(write_config_record(sample(codec, TrackId{0}).track));
  };
  EXPECT_EQ(wire(Codec::flac).substr(0, 16), "664c614380000022");
  EXPECT_EQ(wire(Codec::vp8).substr(0, 8), "01000000");
  EXPECT_EQ(wire(Codec::vp9).substr(0, 8), "01000000");
  EXPECT_EQ(wire(Codec::aac), "121056e500");
  EXPECT_EQ(wire(Codec::opus).substr(0, 16), to_hex(as_bytes("OpusHead")));
}

TEST(ConfigRecord, SharesMemoryWhereFormsAreTheSame) {
  const Bytes avc = from_hex(kAvcRecord), hevc = from_hex(kHevcRecord), av1 = from_hex(kAv1Record);
  EXPECT_EQ(read_config_record(Codec::h264, avc)->canonical.data(), avc.data());
  EXPECT_EQ(read_config_record(Codec::h265, hevc)->canonical.data(), hevc.data());
  EXPECT_EQ(read_config_record(Codec::av1, av1)->canonical.data(), av1.data());
}

// A record with another lengthSizeMinusOne in its low two bits at `at`.
Bytes with_length_size(const char* record, size_t at, int size) {
  const Bytes b = from_hex(record);
  std::vector<uint8_t> copy(b.begin(), b.end());
  copy[at] = static_cast<uint8_t>((copy[at] & ~3) | (size - 1));
  return Bytes::take(std::move(copy));
}

TEST(ConfigRecord, TellsTheLengthSizeAndKeepsFour) {
  for (const int size : {1, 2, 4}) {
    const auto avc = read_config_record(Codec::h264, with_length_size(kAvcRecord, 4, size));
    ASSERT_TRUE(avc) << size;
    EXPECT_EQ(avc->length_size, size);
    EXPECT_EQ(avc->canonical, from_hex(kAvcRecord));
    const auto hevc = read_config_record(Codec::h265, with_length_size(kHevcRecord, 21, size));
    ASSERT_TRUE(hevc) << size;
    EXPECT_EQ(hevc->length_size, size);
    EXPECT_EQ(hevc->canonical, from_hex(kHevcRecord));
  }
}

TEST(ConfigRecord, TakesStartCodedHevcParameterSets) {
  const auto read = read_config_record(
      Codec::h265,
      from_hex(
          "00000001 40010c01ffff01600000030090000003000003001e959809"
          "00000001 42010101600000030090000003000003001ea02083165959ae4caf0168080000030008000003"
          "00504000000001 4401c173d089"));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->length_size, 4);
  EXPECT_EQ(read->canonical[0], 1);
}

TEST(ConfigRecord, RefusesWhatIsCutShort) {
  for (const Codec codec :
       {Codec::h264, Codec::h265, Codec::av1, Codec::vp9, Codec::aac, Codec::opus, Codec::flac}) {
    const Bytes wire = write_config_record(sample(codec, TrackId{0}).track);
    EXPECT_FALSE(read_config_record(codec, wire.slice(0, 1))) << to_string(codec);
    // Whatever the length, an answer and no reading past the end.
    for (size_t n = 0; n < wire.size(); ++n) {
      const auto read = read_config_record(codec, Bytes::copy(wire.slice(0, n).span()));
      if (read) {
        EXPECT_LE(read->canonical.size(), wire.size()) << to_string(codec) << n;
      }
    }
  }
  EXPECT_FALSE(read_config_record(Codec::h264, from_hex("00000001 6588")));
  EXPECT_FALSE(read_config_record(Codec::h265, from_hex("000001 2601 ac10")));
}

}  // namespace
}  // namespace weir::flv
