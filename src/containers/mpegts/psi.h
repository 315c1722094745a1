// Weir live-streaming server. MIT licence, see LICENSE.

// Program specific information: the program association table and the program map table of one
// program, written and parsed as whole sections with their CRC; splitting sections over packets is
// the writer's and reader's work. ISO/IEC 13818-1 2.4.4; AC-3 in ATSC A/52 Annex A.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::mpegts {

// stream_type, ISO/IEC 13818-1 table 2-34; 0x80 and up by ATSC A/53.
enum class StreamType : uint8_t {
  mpeg1_audio = 0x03,
  mpeg2_audio = 0x04,
  private_pes = 0x06,
  aac_adts = 0x0f,
  h264 = 0x1b,
  h265 = 0x24,
  ac3 = 0x81,
  eac3 = 0x87,
};

struct ElementaryStream {
  StreamType type{};
  uint16_t pid = 0;
  uint32_t registration = 0;  // format_identifier of a registration descriptor, zero without one
  std::string language;       // ISO 639-2, three letters, or empty
  bool operator==(const ElementaryStream&) const = default;
};

struct Program {
  uint16_t number = 0;
  uint16_t pmt_pid = 0;
  bool operator==(const Program&) const = default;
};

struct ProgramMap {
  uint16_t number = 0;
  uint8_t version = 0;  // 0..31
  uint16_t pcr_pid = 0;
  std::vector<ElementaryStream> streams;
  bool operator==(const ProgramMap&) const = default;
};

constexpr uint32_t four_cc(const char (&s)[5]) {
  return uint32_t{static_cast<uint8_t>(s[0])} << 24 | uint32_t{static_cast<uint8_t>(s[1])} << 16 |
         uint32_t{static_cast<uint8_t>(s[2])} << 8 | uint32_t{static_cast<uint8_t>(s[3])};
}

// A section may have 1024 bytes (2.4.4.5): room for at least this many streams.
constexpr size_t kMaxStreams = 32;

std::vector<uint8_t> write_pat(const Program&);
std::vector<uint8_t> write_pmt(const ProgramMap&);

// `section` starts at table_id and ends with its CRC. A wrong CRC is Code::protocol.
Result<std::vector<Program>> parse_pat(ByteSpan section);
Result<ProgramMap> parse_pmt(ByteSpan section);

}  // namespace weir::mpegts
