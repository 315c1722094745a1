// Weir live-streaming server. MIT licence, see LICENSE.

// AC-3 and E-AC-3: the start of a syncframe (ETSI TS 102 366 4.4, E.1.2) and the
// configuration boxes made of it (annex F). The canonical payload is
// what a demuxer calls one packet: an AC-3 syncframe, or the E-AC-3 syncframes of one access unit;
// there is no configuration. Pure, any core. Leaves out audio blocks, CRCs and mixing metadata.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace weir::codecs {

struct Ac3Header {
  bool enhanced = false;  // E-AC-3: bsid 11 to 16
  int sample_rate = 0;
  int channels = 0;       // LFE counted
  size_t frame_size = 0;  // bytes of this syncframe
  int bit_rate = 0;       // bits per second
  int samples = 1536;     // per syncframe: 256 per block
  uint8_t fscod = 0, bsid = 0, bsmod = 0, acmod = 0;
  bool lfeon = false;
  uint8_t bit_rate_code = 0;  // AC-3 only: frmsizecod >> 1
  uint8_t stream_type = 0;    // E-AC-3 only: 0 independent, 1 dependent, 2 converted from AC-3
  uint8_t substream_id = 0;   // E-AC-3 only
  uint16_t channel_map = 0;   // E-AC-3 dependent substreams that have one: table E.1.4, left first

  Time duration() const { return from_ticks(samples, sample_rate); }
};

// in: at a sync word; eight bytes are enough for all but channel_map, which takes twelve.
Result<Ac3Header> parse_ac3(ByteSpan in);
// Playing time of all syncframes in the payload; zero when the first is not one. Only independent
// substream 0 counts.
Time ac3_payload_duration(ByteSpan payload);

// Bodies of the boxes that file formats describe these streams with (F.4, F.6), from a syncframe
// and from all syncframes of an access unit. Service types of E-AC-3 substreams are not looked for:
// "main" is written.
Result<Bytes> write_dac3(ByteSpan syncframe);
Result<Bytes> write_dec3(ByteSpan access_unit);

}  // namespace weir::codecs
