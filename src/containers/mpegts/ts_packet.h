// Weir live-streaming server. MIT licence, see LICENSE.

// One 188-byte transport packet, and the numbers every file here shares. parse_ts_packet is pure
// and hands out views into the packet. ISO/IEC 13818-1 2.4.3.2 (packet) and 2.4.3.4 (adaptation
// field).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::mpegts {

constexpr size_t kPacketSize = 188;
constexpr uint8_t kSync = 0x47;
constexpr uint16_t kPatPid = 0;
constexpr uint16_t kNullPid = 0x1fff;
constexpr int64_t kClock = 90'000;                // PTS and DTS ticks a second
constexpr int64_t kSystemClock = 27'000'000;      // PCR ticks a second
constexpr uint64_t kTickMask = (1ull << 33) - 1;  // PTS, DTS and PCR base wrap at 33 bits

struct TsPacket {
  uint16_t pid = 0;
  bool transport_error = false;
  bool unit_start = false;
  bool scrambled = false;
  uint8_t continuity = 0;
  bool has_payload = false;
  bool discontinuity = false;
  bool random_access = false;
  std::optional<uint64_t> pcr;  // 27 MHz, wraps at 2^33 * 300
  ByteSpan payload;
};

// `in` is exactly kPacketSize bytes.
Result<TsPacket> parse_ts_packet(ByteSpan in);

}  // namespace weir::mpegts
