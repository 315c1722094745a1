// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/mp3.h"

#include "base/bits.h"

namespace weir::codecs {

namespace {

// Bit rates in kbit/s by bitrate_index: ISO/IEC 11172-3 2.4.2.3 and 13818-3 2.4.2.3.
// clang-format off
constexpr uint16_t kMpeg1[3][15] = {
    {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
    {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
    {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}};
constexpr uint16_t kMpeg2[2][15] = {
    {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
    {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}};
// clang-format on
constexpr int kRates[3] = {44100, 48000, 32000};

int bit_rate_of(const Mp3Header& h, uint32_t index) {
  if (h.version == Mp3Header::Version::mpeg1) return kMpeg1[h.layer - 1][index] * 1000;
  return kMpeg2[h.layer == 1 ? 0 : 1][index] * 1000;
}

int samples_of(const Mp3Header& h) {
  if (h.layer == 1) return 384;
  return h.layer == 3 && h.version != Mp3Header::Version::mpeg1 ? 576 : 1152;
}

}  // namespace

Result<Mp3Header> parse_mp3(ByteSpan in) {
  BitReader r(in);
  const uint32_t sync = r.bits(11), version = r.bits(2), layer = r.bits(2);
  r.skip(1);  // protection
  const uint32_t bit_rate = r.bits(4), rate = r.bits(2);
  const uint32_t padding = r.bits(1);
  r.skip(1);  // private
  const uint32_t mode = r.bits(2);
  r.skip(6);
  if (!r.ok()) return fail(Code::protocol, "mp3: header too short");
  if (sync != 0x7ff) return fail(Code::protocol, "mp3: no sync word");
  if (version == 1 || layer == 0 || bit_rate == 15 || rate == 3)
    return fail(Code::protocol, "mp3: reserved value");
  if (bit_rate == 0) return fail(Code::unsupported, "mp3: free format");
  using Version = Mp3Header::Version;
  Mp3Header h;
  h.version = version == 3 ? Version::mpeg1 : version == 2 ? Version::mpeg2 : Version::mpeg25;
  h.layer = 4 - static_cast<int>(layer);
  h.bit_rate = bit_rate_of(h, bit_rate);
  h.sample_rate = kRates[rate] >> static_cast<int>(h.version);
  h.channels = mode == 3 ? 1 : 2;
  h.samples = samples_of(h);
  // A slot is four bytes in layer I and one in the others.
  const size_t slot = h.layer == 1 ? 4 : 1;
  const auto slots = static_cast<size_t>(h.samples / 8) * static_cast<size_t>(h.bit_rate) /
                     static_cast<size_t>(h.sample_rate) / slot;
  h.frame_size = (slots + padding) * slot;
  return h;
}

Time mp3_payload_duration(ByteSpan payload) {
  Time sum{};
  while (true) {
    const auto h = parse_mp3(payload);
    if (!h) return sum;
    sum += h->duration();
    if (h->frame_size >= payload.size()) return sum;
    payload = payload.subspan(h->frame_size);
  }
}

}  // namespace weir::codecs
