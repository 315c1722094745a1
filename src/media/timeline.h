// Weir live-streaming server. MIT licence, see LICENSE.

// Timeline: puts the unwrapped clock of one publisher onto a sane timeline: starts near zero
// however far away the source starts, no jump beyond a limit, decoding times that never go back
// within a track. Tracks may cross a jump one after the other, or run on clocks of their own: each
// keeps to its clock. Every repair is counted; none ends a session. Owned by the ingest of one
// publisher, on its core. Unwrapping wire counters is base/unwrap.h's work; joining publishers end
// to end is the hub's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/packet.h"

namespace weir {

class Timeline {
 public:
  struct Limits {
    Time jump{3s};  // a step of the source clock beyond this, either way, is closed up
  };
  struct Counts {
    uint64_t jumps = 0;      // steps that were closed up
    uint64_t reordered = 0;  // decoding times that went back and were lifted
    uint64_t early_pts = 0;  // pts before dts, lifted
    uint64_t far_pts = 0;    // pts too far behind dts, brought near
  };

  Timeline() : Timeline(Limits{}) {}
  explicit Timeline(Limits limits) : limits_(limits) {}

  // Rewrites dts and pts in place: in on the source's clock, out on the stream's.
  void place(Packet&);
  const Counts& counts() const { return counts_; }

 private:
  struct PerTrack {
    std::optional<Time> source;  // the last one, on the source's clock
    Time offset{};               // stream = source + offset
    Time last{};                 // on the stream's clock
    Time step{};                 // last good distance between frames
  };
  // True when the track goes on where it was.
  bool choose_offset(PerTrack&, Time dts);

  Limits limits_;
  Counts counts_;
  bool started_ = false;
  Time offset_{};  // of the clock that began or leapt last; other tracks follow it there
  Time newest_{};  // on the stream's clock, over all tracks
  std::array<PerTrack, 256> tracks_{};
};

}  // namespace weir
