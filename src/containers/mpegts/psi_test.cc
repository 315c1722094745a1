// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/psi.h"

#include <gtest/gtest.h>

#include "containers/mpegts/crc32.h"

namespace weir::mpegts {
namespace {

TEST(Crc32, KnownValues) {
  EXPECT_EQ(crc32({}), 0xffffffffu);
  EXPECT_EQ(crc32(as_bytes("123456789")), 0x0376e6e7u);  // the catalogue value of CRC-32/MPEG-2
}

TEST(Psi, PatAsFfmpegWritesIt) {
  EXPECT_EQ(to_hex(write_pat({1, 0x1000})), "00b00d0001c100000001f0002ab104b2");
}

TEST(Psi, PatRoundTrip) {
  const auto section = write_pat({1, 0x1000});
  const auto programs = parse_pat(section);
  ASSERT_TRUE(programs);
  ASSERT_EQ(programs->size(), 1u);
  EXPECT_EQ((*programs)[0], (Program{1, 0x1000}));
}

ProgramMap example() {
  return {1,
          7,
          0x100,
          {{StreamType::h264, 0x100, 0, ""},
           {StreamType::aac_adts, 0x101, 0, "eng"},
           {StreamType::ac3, 0x102, four_cc("AC-3"), "deu"},
           {StreamType::h265, 0x103, four_cc("HEVC"), ""}}};
}

TEST(Psi, PmtRoundTrip) {
  const auto parsed = parse_pmt(write_pmt(example()));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, example());
}

TEST(Psi, LargestPmtFitsItsSection) {
  auto map = example();
  map.streams.assign(kMaxStreams, {StreamType::eac3, 0x101, four_cc("EAC3"), "eng"});
  const auto section = write_pmt(map);
  EXPECT_LE(section.size(), 1024u);
  const auto parsed = parse_pmt(section);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, map);
}

TEST(Psi, EveryBitCounts) {
  const auto good = write_pmt(example());
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ 1 << bit % 8);
    // The four bits in front of the length say nothing we use, yet the CRC covers them.
    EXPECT_FALSE(parse_pmt(bad)) << bit;
  }
}

TEST(Psi, ShortAndForeignSections) {
  const auto good = write_pmt(example());
  for (size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(parse_pmt(ByteSpan(good).first(n)));
  const auto pat = parse_pat(good);
  ASSERT_FALSE(pat);
  EXPECT_EQ(pat.error().code, Code::unsupported);
}

// A section around a body, with a right CRC: what is inside may still be wrong.
std::vector<uint8_t> section_of(uint8_t table, std::string_view body_hex) {
  ByteWriter out;
  const Bytes body = from_hex(body_hex);
  out.u8(table);
  out.u16(static_cast<uint16_t>(0xb000 | (body.size() + 9)));
  out.u16(1);
  out.u24(0xc10000);
  out.bytes(body);
  out.u32(crc32(out.span()));
  return std::move(out.vector());
}

TEST(Psi, HostileBodies) {
  for (const char* body : {"e1", "e100f0", "e100f00a", "e100f000 1be100", "e100f000 1be100f005",
                           "e100f000 1be100f002 05ff", "e100f000 1be100f001 05"})
    EXPECT_FALSE(parse_pmt(section_of(2, body))) << body;
  EXPECT_FALSE(parse_pat(section_of(0, "0001f0")));
  const auto network_only = parse_pat(section_of(0, "0000e010"));
  ASSERT_TRUE(network_only);
  EXPECT_TRUE(network_only->empty());
  // Descriptors shorter than what they should hold are passed over.
  const auto odd = parse_pmt(section_of(2, "e100f000 1be100f004 0502 4845"));
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->streams[0].registration, 0u);
}

}  // namespace
}  // namespace weir::mpegts
