// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/ac3.h"

#include <algorithm>
#include <vector>

#include "base/bits.h"

namespace weir::codecs {

namespace {

constexpr uint32_t kSyncWord = 0x0b77;
constexpr int kRates[3] = {48000, 44100, 32000};
constexpr uint8_t kChannels[8] = {2, 1, 2, 3, 3, 4, 4, 5};
// ETSI TS 102 366 table 4.13, kbit/s by frmsizecod >> 1.
constexpr int kBitRates[19] = {32,  40,  48,  56,  64,  80,  96,  112, 128, 160,
                               192, 224, 256, 320, 384, 448, 512, 576, 640};

// Table 4.13: whole 16-bit words; at 44.1 kHz the odd codes have one more.
size_t ac3_frame_size(const Ac3Header& h, uint32_t code) {
  const auto rate = static_cast<size_t>(kBitRates[code >> 1]);
  if (h.fscod == 0) return rate * 4;
  if (h.fscod == 2) return rate * 6;
  return 2 * (rate * 320 / 147 + (code & 1));
}

// 4.4.1 and 4.4.2 up to lfeon.
Result<Ac3Header> read_ac3(BitReader& r) {
  Ac3Header h;
  r.skip(16);  // crc1
  h.fscod = static_cast<uint8_t>(r.bits(2));
  const uint32_t code = r.bits(6);
  h.bsid = static_cast<uint8_t>(r.bits(5));
  h.bsmod = static_cast<uint8_t>(r.bits(3));
  h.acmod = static_cast<uint8_t>(r.bits(3));
  if ((h.acmod & 1) && h.acmod != 1) r.skip(2);  // cmixlev
  if (h.acmod & 4) r.skip(2);                    // surmixlev
  if (h.acmod == 2) r.skip(2);                   // dsurmod
  h.lfeon = r.flag();
  if (!r.ok()) return fail(Code::protocol, "ac3: header too short");
  if (h.fscod == 3 || code >= 38) return fail(Code::protocol, "ac3: reserved value");
  h.bit_rate_code = static_cast<uint8_t>(code >> 1);
  h.frame_size = ac3_frame_size(h, code);
  // bsid 9 and 10 are half and quarter rate, which decoders in the field agree on.
  const int shift = h.bsid > 8 ? h.bsid - 8 : 0;
  h.sample_rate = kRates[h.fscod] >> shift;
  h.bit_rate = kBitRates[h.bit_rate_code] * 1000 >> shift;
  return h;
}

// E.1.2.2 behind bsid. Zero when there is none.
uint16_t read_channel_map(BitReader& r, uint8_t acmod) {
  for (int i = 0; i < (acmod == 0 ? 2 : 1); ++i) {
    r.skip(5);                // dialnorm
    if (r.flag()) r.skip(8);  // compr
  }
  return r.flag() ? static_cast<uint16_t>(r.bits(16)) : uint16_t{0};
}

// E.1.2.1 and E.1.2.2 up to bsid, and the channel map.
Result<Ac3Header> read_enhanced(BitReader& r) {
  Ac3Header h;
  h.enhanced = true;
  h.stream_type = static_cast<uint8_t>(r.bits(2));
  h.substream_id = static_cast<uint8_t>(r.bits(3));
  h.frame_size = size_t{r.bits(11) + 1} * 2;
  h.fscod = static_cast<uint8_t>(r.bits(2));
  const uint32_t second = r.bits(2);  // numblkscod, or fscod2
  h.acmod = static_cast<uint8_t>(r.bits(3));
  h.lfeon = r.flag();
  h.bsid = static_cast<uint8_t>(r.bits(5));
  if (!r.ok()) return fail(Code::protocol, "eac3: header too short");
  if (h.stream_type == 3 || (h.fscod == 3 && second == 3))
    return fail(Code::protocol, "eac3: reserved value");
  if (h.fscod == 3) {
    h.sample_rate = kRates[second] / 2;
  } else {
    static constexpr int kBlocks[4] = {1, 2, 3, 6};
    h.sample_rate = kRates[h.fscod];
    h.samples = 256 * kBlocks[second];
  }
  h.bit_rate = static_cast<int>(static_cast<int64_t>(h.frame_size) * 8 * h.sample_rate / h.samples);
  if (h.stream_type == 1) h.channel_map = read_channel_map(r, h.acmod);
  return h;
}

struct IndependentSubstream {
  Ac3Header header;
  unsigned dependents = 0;
  uint16_t locations = 0;
};

// F.6.2.13: nine channel pairs, counted from the low bit; the map (table E.1.4) counts from the
// high one and begins with the five channels and ends with the LFE that need no mention.
uint16_t channel_locations(uint16_t map) {
  unsigned locations = 0;
  for (unsigned i = 0; i < 8; ++i) locations |= (map >> (10 - i) & 1u) << i;
  locations |= (map >> 1 & 1u) << 8;
  return static_cast<uint16_t>(locations);
}

void write_substream(BitWriter& w, const IndependentSubstream& s) {
  w.bits(s.header.fscod, 2);
  w.bits(s.header.bsid, 5);
  w.bits(0, 1 + 1 + 3);  // reserved, asvc, bsmod
  w.bits(s.header.acmod, 3);
  w.flag(s.header.lfeon);
  w.bits(0, 3);
  w.bits(s.dependents, 4);
  if (s.dependents > 0) {
    w.bits(s.locations, 9);
  } else {
    w.bits(0, 1);
  }
}

}  // namespace

Result<Ac3Header> parse_ac3(ByteSpan in) {
  if (in.size() < 6) return fail(Code::protocol, "ac3: header too short");
  BitReader r(in);
  if (r.bits(16) != kSyncWord) return fail(Code::protocol, "ac3: no sync word");
  // bsid stands at the same place in both, on purpose (E.1.3.1.6).
  const unsigned bsid = in[5] >> 3;
  if (bsid > 16) return fail(Code::unsupported, "ac3: bsid");
  TRY(auto h, bsid <= 10 ? read_ac3(r) : read_enhanced(r));
  h.channels = kChannels[h.acmod] + (h.lfeon ? 1 : 0);
  return h;
}

Time ac3_payload_duration(ByteSpan payload) {
  Time sum{};
  while (true) {
    const auto h = parse_ac3(payload);
    if (!h) return sum;
    if (h->stream_type != 1 && h->substream_id == 0) sum += h->duration();
    if (h->frame_size >= payload.size()) return sum;
    payload = payload.subspan(h->frame_size);
  }
}

Result<Bytes> write_dac3(ByteSpan syncframe) {
  TRY(auto h, parse_ac3(syncframe));
  if (h.enhanced) return fail(Code::protocol, "dac3: the frame is E-AC-3");
  BitWriter w;
  w.bits(h.fscod, 2);
  w.bits(h.bsid, 5);
  w.bits(h.bsmod, 3);
  w.bits(h.acmod, 3);
  w.flag(h.lfeon);
  w.bits(h.bit_rate_code, 5);
  w.bits(0, 5);
  return w.take();
}

Result<Bytes> write_dec3(ByteSpan access_unit) {
  // F.6.2.3 and F.6.2.11: the fields have room for these.
  constexpr size_t kMaxIndependent = 8;
  constexpr unsigned kMaxDependents = 15;
  std::vector<IndependentSubstream> all;
  int64_t rate = 0;
  while (!access_unit.empty()) {
    auto parsed = parse_ac3(access_unit);
    if (!parsed && !all.empty()) break;  // padding
    TRY(auto h, std::move(parsed));
    if (!h.enhanced) return fail(Code::protocol, "dec3: the frame is AC-3");
    // The next access unit of a sender that packs several.
    if (!all.empty() && h.stream_type != 1 && h.substream_id == 0) break;
    rate += h.bit_rate;
    if (h.stream_type != 1) {
      if (all.size() == kMaxIndependent) return fail(Code::limit, "dec3: too many substreams");
      all.push_back({h, 0, 0});
    } else if (all.empty()) {
      return fail(Code::protocol, "dec3: a dependent substream comes first");
    } else if (all.back().dependents < kMaxDependents) {
      ++all.back().dependents;
      all.back().locations |= channel_locations(h.channel_map);
    }
    access_unit = access_unit.subspan(std::min(h.frame_size, access_unit.size()));
  }
  if (all.empty()) return fail(Code::protocol, "dec3: no frame");
  BitWriter w;
  w.bits(static_cast<uint32_t>(std::min<int64_t>(rate / 1000, 0x1fff)), 13);
  w.bits(static_cast<uint32_t>(all.size() - 1), 3);
  for (const auto& s : all) write_substream(w, s);
  return w.take();
}

}  // namespace weir::codecs
