// Weir live-streaming server. MIT licence, see LICENSE.

// The header of a packetized elementary stream packet: stream id, length, PTS and DTS. Times are
// raw 33-bit counters of 90 kHz; putting them on a timeline is the caller's. ISO/IEC
// 13818-1 2.4.3.6.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::mpegts {

constexpr uint8_t kVideoStreamId = 0xe0, kAudioStreamId = 0xc0;
constexpr uint8_t kPrivateStreamId = 0xbd;  // private_stream_1: AC-3 and E-AC-3

struct PesHeader {
  uint8_t stream_id = 0;
  std::optional<uint64_t> pts, dts;
  size_t header_size = 0;           // bytes before the elementary stream
  std::optional<size_t> body_size;  // elementary stream bytes; empty when not bounded (video)
};

// Both times are written when they differ, the PTS alone otherwise. A body too long for the 16-bit
// length gets length zero, which 2.4.3.7 allows for video in transport streams only.
void write_pes_header(ByteWriter& out, uint8_t stream_id, uint64_t pts, uint64_t dts,
                      size_t body_size);
// Bytes that write_pes_header will write.
size_t pes_header_size(uint64_t pts, uint64_t dts);
constexpr size_t kMaxBoundedPes = 65535 - 13;

// `in` is the start of a PES packet; Code::protocol when it is none or its header is cut off.
Result<PesHeader> parse_pes_header(ByteSpan in);

}  // namespace weir::mpegts
