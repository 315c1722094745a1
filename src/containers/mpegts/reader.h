// Weir live-streaming server. MIT licence, see LICENSE.

// Reader: transport stream bytes, cut anywhere, to PES units of every elementary stream of every
// program. Pure and incremental; memory is bounded by Limits. It never fails: what breaks the
// standard is dropped and counted, so ingest can live with it and a test can ask for none. Raw
// times come out as they stand, unwrapping is ingest's; frames inside an audio unit are split by
// the codec's parser. Owned by one session or test, on its core. ISO/IEC 13818-1 2.4.3, 2.4.4;
// Annex C for sections.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "containers/mpegts/pes.h"
#include "containers/mpegts/psi.h"
#include "containers/mpegts/ts_packet.h"

namespace weir::mpegts {

// One PES packet: an access unit of video, one or more frames of audio.
struct PesUnit {
  uint16_t pid = 0;
  StreamType type{};
  std::optional<uint64_t> pts, dts;  // 90 kHz, 33 bits
  bool random_access = false;
  bool damaged = false;  // a packet inside was lost
  Bytes payload;
};

class Reader {
 public:
  struct Limits {
    size_t unit = 8 * 1024 * 1024;
    size_t streams = 64;
    size_t programs = 16;
  };
  struct Counts {
    uint64_t packets = 0;
    uint64_t sync_lost = 0;   // bytes skipped to find the next sync byte
    uint64_t malformed = 0;   // packets, sections or PES headers that do not parse
    uint64_t crc = 0;         // sections with a wrong CRC
    uint64_t continuity = 0;  // counters that jumped without a discontinuity_indicator
    uint64_t pcr_back = 0;    // a PCR that did not grow
    uint64_t truncated = 0;   // bounded units that ended early or ran over
    uint64_t over_limit = 0;  // units or streams beyond Limits
    bool clean() const {
      return sync_lost + malformed + crc + continuity + pcr_back + truncated + over_limit == 0;
    }
  };

  Reader() : Reader(Limits{}) {}
  explicit Reader(Limits limits) : limits_(limits) {}

  // Appends the units that `in` completed.
  void read(ByteSpan in, std::vector<PesUnit>& out);
  // The input has ended: hands out what is pending.
  void finish(std::vector<PesUnit>& out);

  const Counts& counts() const { return counts_; }
  // By PMT pid; changes as tables arrive.
  const std::map<uint16_t, ProgramMap>& programs() const { return maps_; }
  // The last PCR of any program, 27 MHz.
  std::optional<uint64_t> pcr() const { return pcr_; }

 private:
  struct Stream {
    StreamType type{};
    std::optional<PesHeader> header;  // of the unit being gathered
    std::vector<uint8_t> data;
    bool random_access = false;
    bool damaged = false;
  };
  struct Sections {
    std::vector<uint8_t> data;
    bool open = false;
  };
  struct Continuity {
    uint8_t last = 0;
    bool repeated = false;
  };

  void packet(ByteSpan in, std::vector<PesUnit>& out);
  // False when the packet is a repeat and must be ignored; sets lost after a gap.
  bool check_continuity(const TsPacket&, bool& lost);
  void check_pcr(const TsPacket&);
  void section_bytes(const TsPacket&, bool lost);
  void complete_sections(uint16_t pid, Sections&);
  void on_section(uint16_t pid, ByteSpan section);
  void on_pat(const std::vector<Program>&);
  void on_pmt(uint16_t pid, ProgramMap);
  void pes_bytes(const TsPacket&, bool lost, Stream&, std::vector<PesUnit>& out);
  void start_unit(const TsPacket&, Stream&);
  void close_unit(uint16_t pid, Stream&, std::vector<PesUnit>& out);

  Limits limits_;
  Counts counts_;
  std::vector<uint8_t> partial_;  // less than one packet
  std::map<uint16_t, Sections> sections_;
  std::map<uint16_t, ProgramMap> maps_;
  std::map<uint16_t, Stream> streams_;
  std::map<uint16_t, Continuity> continuity_;
  std::map<uint16_t, uint64_t> pcrs_;
  std::optional<uint64_t> pcr_;
};

}  // namespace weir::mpegts
