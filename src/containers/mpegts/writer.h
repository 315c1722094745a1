// Weir live-streaming server. MIT licence, see LICENSE.

// Writer: packets of one stream to a transport stream of one program, a piece at a time. Each
// segment begins with PAT and PMT; continuity counters and the clock run on over segments and over
// set_tracks, so the pieces joined are one right stream. Stream time zero is PTS kClockOffset; the
// PCR runs kPcrLead behind the decoding times. PCRs ride on the video (on the first audio track
// when there is none), at least every 100 ms. Several short audio frames share a PES packet, held
// back for at most audio_delay. Owned by one segmenter or session, on its core. ISO/IEC
// 13818-1 2.4.2.6, 2.4.3, 2.4.4, 2.7.2.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "containers/mpegts/elementary.h"
#include "containers/mpegts/pes.h"
#include "containers/mpegts/psi.h"
#include "containers/mpegts/ts_packet.h"
#include "media/packet.h"

namespace weir::mpegts {

constexpr Time kClockOffset = 10s;
constexpr Time kPcrLead = 500ms;

class Writer {
 public:
  struct Options {
    Time audio_delay{80ms};
    size_t audio_frames = 8;
  };

  explicit Writer(const std::vector<Track>& tracks) : Writer(tracks, Options{}) {}
  Writer(const std::vector<Track>& tracks, Options options);

  // Code::unsupported or the fault of its configuration when a track has to be left out.
  static Result<> carries(const Track&);
  // Other tracks, or other configurations of them, from the next start_segment on. Audio frames
  // still held back are lost unless finish() was called first.
  void set_tracks(const std::vector<Track>& tracks);
  // No track of the stream can be carried.
  bool empty() const { return outputs_.empty(); }
  bool carries(TrackId id) const { return outputs_.contains(id); }
  uint16_t pid(TrackId id) const { return static_cast<uint16_t>(0x100 + static_cast<int>(id)); }

  // PAT and PMT. Call finish() before, so that a segment holds all its frames.
  void start_segment(ByteWriter& out);
  // Packets of tracks that are not carried are passed over.
  void write(const Packet&, ByteWriter& out);
  // Audio frames that were held back.
  void finish(ByteWriter& out);
  // Frames that could not be put in the form a transport stream wants.
  uint64_t dropped() const { return dropped_; }

 private:
  struct Output {
    Elementary form;
    std::vector<uint8_t> held;  // audio frames of the next PES
    size_t frames = 0;
    Time first{}, next{};  // pts of the first frame held, and of the one expected next
  };
  enum class Entry { none, random_access };

  void put_sections(uint16_t pid, ByteSpan section, ByteWriter& out);
  void put_pes(uint16_t pid, const Output&, ByteSpan body, Time pts, Time dts, Entry,
               ByteWriter& out);
  void put_packets(uint16_t pid, ByteSpan pes, std::optional<uint64_t> pcr, Entry, ByteWriter& out);
  void put_clock(Time now, ByteWriter& out);
  void hold(Output&, const Packet&, ByteWriter& out);
  void release(Output&, ByteWriter& out);
  std::optional<uint64_t> next_pcr(Time dts, Time min_step);
  uint8_t header_byte(uint16_t pid, bool payload, bool adaptation);

  Options options_;
  std::map<TrackId, Output> outputs_;
  ProgramMap map_;
  std::vector<uint8_t> pat_, pmt_;
  std::map<uint16_t, uint8_t> continuity_;
  std::optional<Time> last_pcr_;
  std::vector<uint8_t> scratch_;
  ByteWriter pes_;
  uint64_t dropped_ = 0;
};

}  // namespace weir::mpegts
