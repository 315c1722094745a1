// Weir live-streaming server. MIT licence, see LICENSE.

// AAC: AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1, 4.4.1) and the ADTS header (1.A.2.2). The
// canonical payload is one raw access unit; the configuration is the AudioSpecificConfig. Pure, any
// core. Leaves out LATM / LOAS and the access units themselves.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "media/track.h"

namespace weir::codecs {

struct AudioSpecificConfig {
  // Audio object type of the core: 2 is AAC LC. SBR and PS are told by the flags below, not here.
  uint8_t object_type = 2;
  int sample_rate = 0;         // of the core
  uint8_t channel_config = 0;  // 0: a program config element says
  int channels = 0;            // of the core; zero when channel_config is 0 and no element follows
  bool short_frame = false;    // 960 (or 480) samples instead of 1024 (512)
  bool sbr = false, ps = false;   // signalled explicitly
  int extension_sample_rate = 0;  // of the SBR output; zero without SBR
  // Signalled first (object type 5 or 29 in front) rather than behind the core: decoders without
  // SBR cannot read it, but the bits must be kept as they came.
  bool hierarchical = false;

  int output_rate() const {
    return sbr && extension_sample_rate ? extension_sample_rate : sample_rate;
  }
  int output_channels() const { return ps && channels == 1 ? 2 : channels; }
  // Samples of the core per access unit.
  int samples_per_frame() const;
  Time frame_duration() const;
};

Result<AudioSpecificConfig> parse_audio_specific_config(ByteSpan config);
// For general audio object types with a channel configuration of 1 to 7 (11, 12 and 14 as well);
// others are unsupported: keep the bytes they came in.
Result<Bytes> write_audio_specific_config(const AudioSpecificConfig&);

struct AdtsHeader {
  static constexpr size_t kSize = 7;  // without the CRC
  bool mpeg2 = false;
  uint8_t object_type = 2;  // 1 to 4
  int sample_rate = 0;
  uint8_t channel_config = 0;
  size_t header_size = kSize;  // 9 with CRC
  size_t frame_size = 0;       // header and all
  int raw_blocks = 1;

  AudioSpecificConfig config() const;
};

// in: at a sync word; seven bytes are enough. Fails on less, on a lost sync and on reserved values.
Result<AdtsHeader> parse_adts(ByteSpan in);
// The header for one raw access unit of payload_size bytes. SBR and PS stay implicit: the core's
// rate and channels are written. Fails for what ADTS cannot carry (13 bits of size, object types >
// 4).
Result<std::array<uint8_t, AdtsHeader::kSize>> write_adts(const AudioSpecificConfig&,
                                                          size_t payload_size);

// Of the decoded sound.
Result<AudioParams> describe_aac(ByteSpan config);

}  // namespace weir::codecs
