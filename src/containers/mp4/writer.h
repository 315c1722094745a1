// Weir live-streaming server. MIT licence, see LICENSE.

// CMAF writer: one track's header and chunks as bytes: `ftyp moov` once per configuration, then
// `moof mdat` per chunk, each track in a file set of its own. Pure functions; whoever cuts chunks
// (segments) owns the times. Units are ticks of timescale_of(track). Leaves out where to cut, file
// names, flat MP4 with an index in front, and reading (reader.h). ISO/IEC 14496-12 8 (boxes),
// 14496-15 5, 8 (AVC, HEVC), 23000-19 7 (CMAF header and chunk); AV1 and VP9 ISOBMFF bindings; Opus
// in ISOBMFF 4; FLAC in ISOBMFF; ETSI TS 102 366 annex F (AC-3, E-AC-3).
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "media/packet.h"

namespace weir::mp4 {

// Code::unsupported for a codec without a binding here (vp8, script); the fault of the
// configuration when a track has to be left out for it.
Result<> carries(const Track&);

// 90000 for video; the sample rate for audio (48000 for Opus).
uint32_t timescale_of(const Track&);

// `ftyp moov`. `first`: the first payload, for codecs whose configuration is in the frames (MP3,
// AC-3, E-AC-3); others do not look at it. Colour (nclx), pixel aspect, Opus pre-skip and the rest
// of what a decoder wants to know is inside. Needs carries().
Result<Bytes> write_header(const Track&, ByteSpan first);

struct Sample {
  uint32_t duration = 0;           // ticks
  int32_t composition_offset = 0;  // ticks: presentation - decoding time
  bool keyframe = false;
  Bytes payload;  // as sample_payload() gives it
};

// The canonical payload (codecs/README.md) as a sample of this track: parameter sets that the
// configuration already holds are taken out, since avc1 and hvc1 samples carry none; shares the
// memory when nothing is to be done.
Bytes sample_payload(const Track&, const Bytes& payload);

// Appends one `moof mdat`. `sequence`: grows by one with each chunk of the track. Needs a sample.
// sdtp-like flags say which samples others depend on; audio samples are all sync samples.
void write_chunk(const Track&, uint32_t sequence, uint64_t decode_time,
                 std::span<const Sample> samples, ByteWriter& out);

// `styp`: in front of a segment (brand msdh) and of a chunk on its own (cmfc brands).
void write_segment_type(ByteWriter& out);

}  // namespace weir::mp4
