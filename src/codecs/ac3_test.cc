// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/ac3.h"

#include <gtest/gtest.h>

#include "base/bits.h"

namespace weir::codecs {
namespace {

// ffmpeg's encoders: AC-3 5.1 at 448 kbit/s, E-AC-3 mono at 96 and 5.1 at 448 kbit/s, all 48 kHz.
constexpr char kAc3[] = "0b77b50b1e40ebf8403eff99";
constexpr char kEac3Mono[] = "0b7700bf3287c00021064060";
constexpr char kEac3[] = "0b77037f3f87c00020f82000";

TEST(Ac3, RealFrame) {
  const auto h = parse_ac3(from_hex(kAc3));
  ASSERT_TRUE(h);
  EXPECT_FALSE(h->enhanced);
  EXPECT_EQ(h->sample_rate, 48000);
  EXPECT_EQ(h->channels, 6);
  EXPECT_EQ(h->acmod, 7);
  EXPECT_TRUE(h->lfeon);
  EXPECT_EQ(h->bsid, 8);
  EXPECT_EQ(h->bit_rate, 448000);
  EXPECT_EQ(h->bit_rate_code, 15);
  EXPECT_EQ(h->frame_size, 1792u);
  EXPECT_EQ(h->duration(), 32ms);
}

TEST(Eac3, RealFrames) {
  const auto mono = parse_ac3(from_hex(kEac3Mono));
  ASSERT_TRUE(mono);
  EXPECT_TRUE(mono->enhanced);
  EXPECT_EQ(mono->channels, 1);
  EXPECT_EQ(mono->frame_size, 384u);
  EXPECT_EQ(mono->bit_rate, 96000);
  EXPECT_EQ(mono->bsid, 16);
  EXPECT_EQ(mono->samples, 1536);
  const auto surround = parse_ac3(from_hex(kEac3));
  ASSERT_TRUE(surround);
  EXPECT_EQ(surround->channels, 6);
  EXPECT_TRUE(surround->lfeon);
  EXPECT_EQ(surround->frame_size, 1792u);
  EXPECT_EQ(surround->bit_rate, 448000);
}

struct Made {
  uint32_t fscod = 0, code = 0, bsid = 8, acmod = 2;
  bool lfeon = false;
};

Bytes make_ac3(const Made& m) {
  BitWriter w;
  w.bits(0x0b770000, 32);
  w.bits(m.fscod, 2);
  w.bits(m.code, 6);
  w.bits(m.bsid, 5);
  w.bits(0, 3);
  w.bits(m.acmod, 3);
  // The mix levels say "no lfe" to a reader that forgets one of them, and the other way round.
  if ((m.acmod & 1) && m.acmod != 1) w.bits(m.lfeon ? 0 : 3, 2);
  if (m.acmod & 4) w.bits(m.lfeon ? 0 : 3, 2);
  if (m.acmod == 2) w.bits(m.lfeon ? 0 : 3, 2);
  w.flag(m.lfeon);
  w.bits(m.lfeon ? 0 : 0xff, 8);
  return w.take();
}

TEST(Ac3, SizesOfTheTable) {
  struct Row {
    uint32_t fscod, code;
    size_t size;
    int rate;
  };
  for (const Row row :
       {Row{0, 0, 128, 48000}, Row{0, 1, 128, 48000}, Row{1, 0, 138, 44100}, Row{1, 1, 140, 44100},
        Row{2, 0, 192, 32000}, Row{0, 37, 2560, 48000}, Row{1, 36, 2786, 44100},
        Row{1, 37, 2788, 44100}, Row{2, 37, 3840, 32000}, Row{1, 30, 1950, 44100}}) {
    const auto h = parse_ac3(make_ac3({.fscod = row.fscod, .code = row.code}));
    ASSERT_TRUE(h);
    EXPECT_EQ(h->frame_size, row.size) << row.fscod << " " << row.code;
    EXPECT_EQ(h->sample_rate, row.rate);
  }
}

TEST(Ac3, Channels) {
  const int channels[8] = {2, 1, 2, 3, 3, 4, 4, 5};
  for (uint32_t acmod = 0; acmod < 8; ++acmod) {
    EXPECT_EQ(parse_ac3(make_ac3({.acmod = acmod}))->channels, channels[acmod]) << acmod;
    EXPECT_EQ(parse_ac3(make_ac3({.acmod = acmod, .lfeon = true}))->channels, channels[acmod] + 1);
  }
}

TEST(Ac3, LowRates) {
  EXPECT_EQ(parse_ac3(make_ac3({.code = 20, .bsid = 9}))->sample_rate, 24000);
  EXPECT_EQ(parse_ac3(make_ac3({.code = 20, .bsid = 10}))->bit_rate, 48000);
}

Bytes make_eac3(uint32_t type, uint32_t id, uint32_t words, uint32_t fscod, uint32_t second) {
  BitWriter w;
  w.bits(0x0b77, 16);
  w.bits(type, 2);
  w.bits(id, 3);
  w.bits(words - 1, 11);
  w.bits(fscod, 2);
  w.bits(second, 2);
  w.bits(2, 3);
  w.flag(false);
  w.bits(16, 5);
  std::vector<uint8_t> out(w.span().begin(), w.span().end());
  out.resize(words * 2);
  return Bytes::take(std::move(out));
}

TEST(Eac3, BlocksAndHalfRates) {
  EXPECT_EQ(parse_ac3(make_eac3(0, 0, 32, 0, 0))->samples, 256);
  EXPECT_EQ(parse_ac3(make_eac3(0, 0, 32, 0, 2))->samples, 768);
  EXPECT_EQ(parse_ac3(make_eac3(0, 0, 32, 3, 0))->sample_rate, 24000);
  EXPECT_EQ(parse_ac3(make_eac3(0, 0, 32, 3, 1))->sample_rate, 22050);
  EXPECT_EQ(parse_ac3(make_eac3(0, 0, 32, 3, 2))->samples, 1536);
  EXPECT_FALSE(parse_ac3(make_eac3(0, 0, 32, 3, 3)));
  EXPECT_FALSE(parse_ac3(make_eac3(3, 0, 32, 0, 3)));
}

// A dependent 7.1 part: rear surrounds and LFE2 beside the five that are always there. `compressed`
// and `two` (acmod 0) move the map.
Bytes make_dependent(uint32_t map, bool compressed = false, bool two = false) {
  BitWriter w;
  w.bits(0x0b77, 16);
  w.bits(1, 2);
  w.bits(0, 3);
  w.bits(15, 11);
  w.bits(0, 2);
  w.bits(3, 2);
  w.bits(two ? 0 : 2, 3);
  w.flag(false);
  w.bits(16, 5);
  for (int i = 0; i < (two ? 2 : 1); ++i) {
    w.bits(31, 5);
    w.flag(compressed);
    if (compressed) w.bits(0xff, 8);
  }
  w.flag(map != 0);
  if (map != 0) w.bits(map, 16);
  std::vector<uint8_t> out(w.span().begin(), w.span().end());
  out.resize(32);
  return Bytes::take(std::move(out));
}

TEST(Eac3, ChannelMaps) {
  EXPECT_EQ(parse_ac3(make_dependent(0x1a02))->channel_map, 0x1a02);
  EXPECT_EQ(parse_ac3(make_dependent(0x1a02, true))->channel_map, 0x1a02);
  EXPECT_EQ(parse_ac3(make_dependent(0x1a02, false, true))->channel_map, 0x1a02);
  EXPECT_EQ(parse_ac3(make_dependent(0x1a02, true, true))->channel_map, 0x1a02);
  EXPECT_EQ(parse_ac3(make_dependent(0))->channel_map, 0);
  EXPECT_EQ(parse_ac3(make_dependent(0x1a02).slice(0, 8))->channel_map, 0);
}

TEST(Dac3, Body) {
  // fscod 00, bsid 01000, bsmod 000, acmod 111, lfeon 1, bit_rate_code 01111, reserved.
  EXPECT_EQ(to_hex(*write_dac3(from_hex(kAc3))), "103de0");
  EXPECT_EQ(write_dac3(from_hex(kEac3)).error().code, Code::protocol);
  EXPECT_FALSE(write_dac3({}));
}

Bytes join(std::initializer_list<Bytes> parts) {
  std::vector<uint8_t> all;
  for (const auto& p : parts) all.insert(all.end(), p.begin(), p.end());
  return Bytes::take(std::move(all));
}

TEST(Dec3, Body) {
  // data_rate 448 (13 bits), num_ind_sub 0; fscod 00, bsid 10000, reserved, asvc, bsmod, acmod 111,
  // lfeon 1, reserved, num_dep_sub 0, reserved.
  EXPECT_EQ(to_hex(*write_dec3(from_hex(kEac3))), "0e00200f00");
  EXPECT_EQ(to_hex(*write_dec3(from_hex(kEac3Mono))), "0300200200");
  EXPECT_EQ(write_dec3(from_hex(kAc3)).error().code, Code::protocol);
  EXPECT_FALSE(write_dec3({}));
}

TEST(Dec3, Substreams) {
  const Bytes main = make_eac3(0, 0, 16, 0, 3), other = make_eac3(0, 1, 16, 0, 3);
  // 32 bytes in 32 ms are 8 kbit/s. Rear surrounds are location bit 1, LFE2 is bit 8: 1 00000010.
  EXPECT_EQ(to_hex(*write_dec3(join({main, make_dependent(0x1a02)}))), "008020040302");
  // Two programs, the second with two dependents, of which one has no map; 32 kbit/s.
  EXPECT_EQ(to_hex(*write_dec3(join({main, other, make_dependent(0x0400), make_dependent(0)}))),
            "0101200400200404"
            "01");
  // A second access unit and padding say nothing.
  EXPECT_EQ(to_hex(*write_dec3(join({main, main}))), "0040200400");
  EXPECT_EQ(to_hex(*write_dec3(join({main, from_hex("0000")}))), "0040200400");
  EXPECT_EQ(write_dec3(make_dependent(0)).error().code, Code::protocol);
}

TEST(Dec3, HostileCounts) {
  std::vector<uint8_t> many;
  auto add = [&many](const Bytes& b) { many.insert(many.end(), b.begin(), b.end()); };
  add(make_eac3(0, 0, 16, 0, 3));
  for (int i = 0; i < 40; ++i) add(make_dependent(0x0400));
  const auto capped = write_dec3(many);
  ASSERT_TRUE(capped);
  EXPECT_EQ(capped->size(), 6u);
  EXPECT_EQ((*capped)[4] >> 1 & 15, 15);
  for (int i = 0; i < 9; ++i) add(make_eac3(0, 1, 16, 0, 3));
  EXPECT_EQ(write_dec3(many).error().code, Code::limit);
}

TEST(Ac3, RefusesWhatIsWrong) {
  for (size_t n = 0; n < 12; n += 2)
    EXPECT_FALSE(parse_ac3(from_hex(std::string_view(kAc3).substr(0, n)))) << n;
  EXPECT_FALSE(parse_ac3(from_hex("0b78b50b1e40ebf8")));
  EXPECT_FALSE(parse_ac3(make_ac3({.fscod = 3})));
  EXPECT_FALSE(parse_ac3(make_ac3({.code = 38})));
  EXPECT_EQ(parse_ac3(make_ac3({.bsid = 17})).error().code, Code::unsupported);
}

TEST(Ac3, PayloadDurations) {
  std::vector<uint8_t> payload;
  auto add = [&payload](const Bytes& b) { payload.insert(payload.end(), b.begin(), b.end()); };
  EXPECT_EQ(ac3_payload_duration(payload), 0ms);
  add(make_eac3(0, 0, 32, 0, 1));  // 512 samples
  add(make_eac3(1, 0, 16, 0, 1));  // dependent
  add(make_eac3(0, 1, 16, 0, 1));  // another program
  EXPECT_EQ(ac3_payload_duration(payload), from_ticks(512, 48000));
  add(make_eac3(0, 0, 32, 0, 1));
  EXPECT_EQ(ac3_payload_duration(payload), 2 * from_ticks(512, 48000));
  payload.push_back(0);
  EXPECT_EQ(ac3_payload_duration(payload), 2 * from_ticks(512, 48000));
}

}  // namespace
}  // namespace weir::codecs
