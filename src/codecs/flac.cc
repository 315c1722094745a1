// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/flac.h"

#include "base/bits.h"

namespace weir::codecs {

namespace {

constexpr std::string_view kMarker = "fLaC";
constexpr uint8_t kLastBlock = 0x80;

// RFC 9639 9.1.5: the coded number is up to seven bytes in the manner of UTF-8.
size_t coded_number_size(uint8_t first) {
  if (first < 0x80) return 1;
  size_t n = 0;
  for (uint8_t b = first; b & 0x80; b = static_cast<uint8_t>(b << 1)) ++n;
  return n == 1 || n == 8 ? 0 : n;
}

}  // namespace

Result<ByteSpan> find_flac_stream_info(ByteSpan config) {
  if (config.size() == FlacStreamInfo::kSize) return config;
  ByteReader r(config);
  if (config.size() >= kMarker.size() && ByteReader(config).text(kMarker.size()) == kMarker)
    r.skip(kMarker.size());
  const uint8_t type = r.u8() & ~kLastBlock;
  const uint32_t size = r.u24();
  const auto body = r.bytes(FlacStreamInfo::kSize);
  if (!r.ok()) return fail(Code::protocol, "flac: STREAMINFO too short");
  // RFC 9639 8.2: always the first block.
  if (type != 0 || size != FlacStreamInfo::kSize)
    return fail(Code::protocol, "flac: no STREAMINFO");
  return body;
}

Result<FlacStreamInfo> parse_flac_stream_info(ByteSpan config) {
  TRY(auto block, find_flac_stream_info(config));
  BitReader r(block);
  FlacStreamInfo s;
  s.min_block = static_cast<uint16_t>(r.bits(16));
  s.max_block = static_cast<uint16_t>(r.bits(16));
  s.min_frame = r.bits(24);
  s.max_frame = r.bits(24);
  s.sample_rate = static_cast<int>(r.bits(20));
  s.channels = static_cast<int>(r.bits(3)) + 1;
  s.bits_per_sample = static_cast<int>(r.bits(5)) + 1;
  s.total_samples = uint64_t{r.bits(4)} << 32;
  s.total_samples |= r.bits(32);
  if (s.sample_rate == 0) return fail(Code::protocol, "flac: sample rate is 0");
  return s;
}

Bytes write_flac_header(ByteSpan stream_info) {
  ByteWriter w;
  w.text(kMarker);
  w.u8(kLastBlock);
  w.u24(static_cast<uint32_t>(stream_info.size()));
  w.bytes(stream_info);
  return w.take();
}

int flac_frame_samples(ByteSpan frame) {
  ByteReader r(frame);
  const uint16_t sync = r.u16();
  const uint8_t sizes = r.u8();
  r.skip(1);  // channels, sample size
  if ((sync & 0xfffe) != 0xfff8) return 0;
  const size_t number = coded_number_size(r.peek_u8());
  r.skip(number);
  if (!r.ok() || number == 0) return 0;
  // RFC 9639 9.1.1
  const unsigned code = sizes >> 4;
  int samples = 0;
  if (code == 1) {
    samples = 192;
  } else if (code >= 2 && code <= 5) {
    samples = 144 << code;
  } else if (code == 6) {
    samples = r.u8() + 1;
  } else if (code == 7) {
    samples = r.u16() + 1;
  } else if (code >= 8) {
    samples = 1 << code;
  }
  return r.ok() ? samples : 0;
}

Result<AudioParams> describe_flac(ByteSpan config) {
  TRY(auto s, parse_flac_stream_info(config));
  return AudioParams{s.sample_rate, s.channels};
}

}  // namespace weir::codecs
