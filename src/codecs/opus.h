// Weir live-streaming server. MIT licence, see LICENSE.

// Opus: the identification header (RFC 7845 5.1) and the length of a packet (RFC 6716 3.1). The
// canonical payload is one Opus packet; the configuration is OpusHead with its magic. Pure, any
// core. Leaves out Ogg, and self-delimited packets.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "media/track.h"

namespace weir::codecs {

struct OpusHead {
  uint8_t channels = 2;
  uint16_t pre_skip = 0;        // samples at 48 kHz to throw away at the start
  uint32_t input_rate = 48000;  // of the original sound, for information only
  int16_t gain = 0;             // Q7.8 dB
  uint8_t mapping_family = 0;
  // Families other than 0 only.
  uint8_t streams = 1, coupled = 1;
  Bytes mapping;  // one entry per channel
};

Result<OpusHead> parse_opus_head(ByteSpan config);
Bytes write_opus_head(const OpusHead&);

// Zero for a packet that RFC 6716 3.4 calls malformed; at most 120 ms otherwise.
Time opus_packet_duration(ByteSpan packet);

// Opus always decodes at 48 kHz.
Result<AudioParams> describe_opus(ByteSpan config);

}  // namespace weir::codecs
