// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/aac.h"

#include <algorithm>
#include <optional>

#include "base/bits.h"

namespace weir::codecs {

namespace {

// Table 1.18.
constexpr std::array<int, 13> kRates{96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                     22050, 16000, 12000, 11025, 8000,  7350};
// Table 1.19, with the additions of 14496-3:2009/Amd 4; zero is a program config element or
// reserved.
constexpr std::array<uint8_t, 16> kChannels{0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0};

constexpr uint32_t kSbr = 5, kPs = 29, kBsac = 22;
constexpr uint32_t kSbrSync = 0x2b7, kPsSync = 0x548;

uint32_t read_object_type(BitReader& r) {
  const uint32_t type = r.bits(5);
  return type == 31 ? 32 + r.bits(6) : type;
}

// Zero for reserved indices.
int read_rate(BitReader& r) {
  const uint32_t index = r.bits(4);
  if (index == 15) return static_cast<int>(r.bits(24));
  return index < kRates.size() ? kRates[index] : 0;
}

std::optional<uint32_t> rate_index(int rate) {
  const auto at = std::find(kRates.begin(), kRates.end(), rate);
  if (at == kRates.end()) return std::nullopt;
  return static_cast<uint32_t>(at - kRates.begin());
}

void write_rate(BitWriter& w, int rate) {
  if (const auto index = rate_index(rate)) {
    w.bits(*index, 4);
  } else {
    w.bits(15, 4);
    w.bits(static_cast<uint32_t>(rate), 24);
  }
}

// program_config_element, 4.4.1.1: the number of channels; what follows them is skipped.
int read_program_config(BitReader& r) {
  r.skip(4 + 2 + 4);  // tag, object type, sampling index
  const uint32_t front = r.bits(4), side = r.bits(4), back = r.bits(4), lfe = r.bits(2);
  const uint32_t data = r.bits(3), coupling = r.bits(4);
  if (r.flag()) r.skip(4);  // mono mixdown
  if (r.flag()) r.skip(4);  // stereo mixdown
  if (r.flag()) r.skip(3);  // matrix mixdown
  int channels = static_cast<int>(lfe);
  for (uint32_t i = 0; i < front + side + back; ++i) {
    channels += r.flag() ? 2 : 1;
    r.skip(4);
  }
  r.skip(4 * (lfe + data) + 5 * coupling);
  r.skip((8 - r.position() % 8) % 8);
  r.skip(8 * r.bits(8));  // comment
  return r.ok() ? channels : 0;
}

bool is_general_audio(uint32_t type) {
  return (type >= 1 && type <= 4) || type == 6 || type == 7 || type == 17 ||
         (type >= 19 && type <= 23);
}

bool is_error_resilient(uint32_t type) {
  return type == 17 || (type >= 19 && type <= 27) || type == 39;
}

// GASpecificConfig, 4.4.1.
void read_general_audio(BitReader& r, AudioSpecificConfig& c) {
  c.short_frame = r.flag();
  if (r.flag()) r.skip(14);  // core coder delay
  const bool extension = r.flag();
  if (c.channel_config == 0) c.channels = read_program_config(r);
  if (c.object_type == 6 || c.object_type == 20) r.skip(3);
  if (!extension) return;
  if (c.object_type == kBsac) r.skip(16);
  if (c.object_type == 17 || c.object_type == 19 || c.object_type == 20 || c.object_type == 23)
    r.skip(3);
  r.skip(1);
}

// The backward compatible signalling behind the core, 1.6.2.1: optional, so whatever does not fit
// is taken as absent.
void read_sync_extension(BitReader& r, AudioSpecificConfig& c) {
  if (r.bits_left() < 16 || r.bits(11) != kSbrSync) return;
  if (read_object_type(r) != kSbr || !r.flag()) return;
  const int rate = read_rate(r);
  if (!r.ok() || rate == 0) return;
  c.sbr = true;
  c.extension_sample_rate = rate;
  if (r.bits_left() >= 12 && r.bits(11) == kPsSync) c.ps = r.flag();
}

}  // namespace

int AudioSpecificConfig::samples_per_frame() const {
  // 23 is AAC LD, 39 is AAC ELD.
  const int full = object_type == 23 || object_type == 39 ? 512 : 1024;
  return short_frame ? full / 16 * 15 : full;
}

Time AudioSpecificConfig::frame_duration() const {
  return sample_rate > 0 ? from_ticks(samples_per_frame(), sample_rate) : Time{};
}

Result<AudioSpecificConfig> parse_audio_specific_config(ByteSpan config) {
  BitReader r(config);
  AudioSpecificConfig c;
  uint32_t type = read_object_type(r);
  c.sample_rate = read_rate(r);
  c.channel_config = static_cast<uint8_t>(r.bits(4));
  if (type == kSbr || type == kPs) {
    c.hierarchical = c.sbr = true;
    c.ps = type == kPs;
    c.extension_sample_rate = read_rate(r);
    type = read_object_type(r);
    if (type == kBsac) r.skip(4);
  }
  if (!r.ok()) return fail(Code::protocol, "AudioSpecificConfig: too short");
  if (type == 0) return fail(Code::protocol, "AudioSpecificConfig: object type 0");
  if (c.sample_rate == 0 || (c.sbr && c.extension_sample_rate == 0))
    return fail(Code::protocol, "AudioSpecificConfig: reserved sample rate");
  c.object_type = static_cast<uint8_t>(type);
  c.channels = kChannels[c.channel_config];
  // What follows may be cut short by careless writers; the fields above stand.
  if (is_general_audio(type)) {
    read_general_audio(r, c);
  } else if (type == 39) {
    c.short_frame = r.flag();
    return c;  // ELDSpecificConfig has its own SBR signalling, of which nothing is needed here
  } else {
    return c;
  }
  if (is_error_resilient(type)) r.skip(2);
  if (!c.sbr && r.ok()) read_sync_extension(r, c);
  return c;
}

Result<Bytes> write_audio_specific_config(const AudioSpecificConfig& c) {
  if (c.object_type < 1 || c.object_type > 4)
    return fail(Code::unsupported, "AudioSpecificConfig: object type");
  if (c.channel_config >= kChannels.size() || kChannels[c.channel_config] == 0)
    return fail(Code::unsupported, "AudioSpecificConfig: channel configuration");
  if (c.sample_rate <= 0 || c.sample_rate >= 1 << 24 ||
      (c.sbr && (c.extension_sample_rate <= 0 || c.extension_sample_rate >= 1 << 24)))
    return fail(Code::unsupported, "AudioSpecificConfig: sample rate");
  BitWriter w;
  const bool in_front = c.sbr && c.hierarchical;
  w.bits(in_front ? (c.ps ? kPs : kSbr) : c.object_type, 5);
  write_rate(w, c.sample_rate);
  w.bits(c.channel_config, 4);
  if (in_front) {
    write_rate(w, c.extension_sample_rate);
    w.bits(c.object_type, 5);
  }
  w.flag(c.short_frame);
  w.bits(0, 2);  // no core coder, no extension
  if (c.sbr && !in_front) {
    w.bits(kSbrSync, 11);
    w.bits(kSbr, 5);
    w.flag(true);
    write_rate(w, c.extension_sample_rate);
    if (c.ps) {
      w.bits(kPsSync, 11);
      w.flag(true);
    }
  }
  return w.take();
}

AudioSpecificConfig AdtsHeader::config() const {
  AudioSpecificConfig c;
  c.object_type = object_type;
  c.sample_rate = sample_rate;
  c.channel_config = channel_config;
  c.channels = kChannels[channel_config & 15];
  return c;
}

Result<AdtsHeader> parse_adts(ByteSpan in) {
  BitReader r(in);
  const uint32_t sync = r.bits(12);
  AdtsHeader h;
  h.mpeg2 = r.flag();
  const uint32_t layer = r.bits(2);
  h.header_size = r.flag() ? AdtsHeader::kSize : AdtsHeader::kSize + 2;
  h.object_type = static_cast<uint8_t>(r.bits(2) + 1);
  const uint32_t index = r.bits(4);
  r.skip(1);  // private
  h.channel_config = static_cast<uint8_t>(r.bits(3));
  r.skip(4);  // original, home, two copyright bits
  h.frame_size = r.bits(13);
  r.skip(11);  // buffer fullness
  h.raw_blocks = static_cast<int>(r.bits(2)) + 1;
  if (!r.ok()) return fail(Code::protocol, "adts: too short");
  if (sync != 0xfff || layer != 0) return fail(Code::protocol, "adts: no sync word");
  if (index >= kRates.size()) return fail(Code::protocol, "adts: reserved sample rate");
  if (h.frame_size < h.header_size) return fail(Code::protocol, "adts: frame shorter than header");
  h.sample_rate = kRates[index];
  return h;
}

Result<std::array<uint8_t, AdtsHeader::kSize>> write_adts(const AudioSpecificConfig& c,
                                                          size_t payload_size) {
  const auto index = rate_index(c.sample_rate);
  if (c.object_type < 1 || c.object_type > 4) return fail(Code::unsupported, "adts: object type");
  if (!index) return fail(Code::unsupported, "adts: sample rate");
  if (c.channel_config > 7) return fail(Code::unsupported, "adts: channel configuration");
  const size_t size = payload_size + AdtsHeader::kSize;
  if (size > 0x1fff) return fail(Code::limit, "adts: frame too long");
  const auto object = static_cast<uint8_t>(c.object_type - 1);
  // MPEG-4, no CRC, buffer fullness 0x7ff (variable rate), one raw block.
  return std::array<uint8_t, AdtsHeader::kSize>{
      0xff,
      0xf1,
      static_cast<uint8_t>(object << 6 | *index << 2 | c.channel_config >> 2),
      static_cast<uint8_t>((c.channel_config & 3) << 6 | size >> 11),
      static_cast<uint8_t>(size >> 3),
      static_cast<uint8_t>((size & 7) << 5 | 0x1f),
      0xfc};
}

Result<AudioParams> describe_aac(ByteSpan config) {
  TRY(auto c, parse_audio_specific_config(config));
  return AudioParams{c.output_rate(), c.output_channels()};
}

}  // namespace weir::codecs
