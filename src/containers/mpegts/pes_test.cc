// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/pes.h"

#include <gtest/gtest.h>

#include "containers/mpegts/ts_packet.h"

namespace weir::mpegts {
namespace {

PesHeader round_trip(uint64_t pts, uint64_t dts, size_t body) {
  ByteWriter out;
  write_pes_header(out, kVideoStreamId, pts, dts, body);
  EXPECT_EQ(out.size(), pes_header_size(pts, dts));
  const auto parsed = parse_pes_header(out.span());
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().what);
  return parsed.value_or(PesHeader{});
}

TEST(Pes, BytesAsInTheStandard) {
  ByteWriter out;
  write_pes_header(out, kAudioStreamId, 900000, 900000, 7);
  EXPECT_EQ(to_hex(out.span()),
            "000001c0000f84800521003777"
            "41");
}

TEST(Pes, TimesOverTheirWholeRange) {
  for (unsigned bit = 0; bit < 33; ++bit) {
    const uint64_t t = 1ull << bit;
    const auto both = round_trip(t, t - 1, 10);
    EXPECT_EQ(both.pts, t);
    EXPECT_EQ(both.dts, t - 1);
    const auto one = round_trip(t, t, 10);
    EXPECT_EQ(one.pts, t);
    EXPECT_EQ(one.dts, t);
    EXPECT_EQ(one.header_size, 14u);
  }
  const auto wrapped = round_trip((1ull << 33) + 5, kTickMask, 0);
  EXPECT_EQ(wrapped.pts, 5u);
  EXPECT_EQ(wrapped.dts, kTickMask);
}

TEST(Pes, LengthIsZeroWhenItDoesNotFit) {
  EXPECT_EQ(round_trip(1, 0, 1000).body_size, 1000u);
  EXPECT_EQ(round_trip(1, 0, kMaxBoundedPes).body_size, kMaxBoundedPes);
  EXPECT_EQ(round_trip(1, 0, 65535).body_size, std::nullopt);
}

TEST(Pes, WithoutTimes) {
  const auto h = parse_pes_header(from_hex("000001e00000800000ff"));
  ASSERT_TRUE(h);
  EXPECT_FALSE(h->pts);
  EXPECT_FALSE(h->dts);
  EXPECT_EQ(h->header_size, 9u);
}

TEST(Pes, WrongOnes) {
  struct Row {
    const char* hex;
    Code code;
  };
  for (const auto& [hex, code] : std::initializer_list<Row>{
           {"", Code::protocol},
           {"000001", Code::protocol},
           {"000002e0000080800521003777 41", Code::protocol},    // start code
           {"000001e0000000800521003777 41", Code::protocol},    // MPEG-1 header
           {"000001e0000080400521003777 41", Code::protocol},    // DTS alone
           {"000001e0000080800521003777", Code::protocol},       // cut off
           {"000001e00000808003210037", Code::protocol},         // header length below its times
           {"000001e0000080800520003777 41", Code::protocol},    // marker bit
           {"000001e0000080800531003777 41", Code::protocol},    // prefix of PTS with DTS
           {"000001e0000480800521003777 41", Code::protocol},    // length inside the header
           {"000001be000080800521003777 41", Code::unsupported}  // padding stream
       }) {
    const auto h = parse_pes_header(from_hex(hex));
    ASSERT_FALSE(h) << hex;
    EXPECT_EQ(h.error().code, code) << hex;
  }
}

TEST(TsPacket, FieldsAndHostileFields) {
  std::vector<uint8_t> b(kPacketSize, 0xff);
  auto set = [&](std::string_view hex) {
    const Bytes head = from_hex(hex);
    std::copy(head.begin(), head.end(), b.begin());
    return parse_ts_packet(b);
  };
  const auto p = set("47 4100 35 07 50 00000001 fe 05");
  ASSERT_TRUE(p);
  EXPECT_EQ(p->pid, 0x100);
  EXPECT_TRUE(p->unit_start && p->random_access && p->has_payload);
  EXPECT_EQ(p->continuity, 5);
  EXPECT_EQ(p->pcr, (uint64_t{1} << 1 | 1) * 300 + 5);
  EXPECT_EQ(p->payload.size(), 176u);
  EXPECT_FALSE(set("48 4100 15"));                      // sync
  EXPECT_FALSE(set("47 4100 05"));                      // neither field nor payload
  EXPECT_FALSE(set("47 4100 35 b8"));                   // field past the packet
  EXPECT_FALSE(set("47 4100 35 b7"));                   // field up to the end, yet payload
  EXPECT_FALSE(set("47 4100 35 03 10 0000"));           // no room for the PCR
  EXPECT_FALSE(set("47 4100 35 07 10 00000000 ffff"));  // extension 511
  EXPECT_TRUE(set("47 4100 25 b7 00"));                 // a field alone
  EXPECT_TRUE(set("47 4100 35 00"));                    // one byte of stuffing
  EXPECT_FALSE(parse_ts_packet(ByteSpan(b).first(187)));
}

}  // namespace
}  // namespace weir::mpegts
