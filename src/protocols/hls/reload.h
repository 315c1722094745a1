// Weir live-streaming server. MIT licence, see LICENSE.

// Blocking playlist reload (RFC 8216bis 6.2.5.2): whether a lane's playlist has what a request
// names, will have it soon, or cannot be meant. Pure; any core. Who waits is routes.cc.
#pragma once

#include "protocols/hls/query.h"
#include "segments/segment.h"

namespace weir::hls {

// The newest segment is told as parts alone until the first part of the next one is there. A player
// that still loads its last part while the segment becomes complete would otherwise take it for
// loaded: hls.js (1.7, fragment-tracker) calls a complete segment buffered when less than 0.2 s are
// missing, skips what is left of it and stalls at the hole.
bool tip_is_held(const segments::Window&);

enum class Reload {
  answer,   // the playlist has it, or waits for nothing
  wait,     // it comes next
  too_far,  // so far ahead that the player is mistaken
};
Reload reload(const segments::Window&, const Query&);

// The newest thing in a playlist.
struct Newest {
  uint64_t msn = 0;
  std::optional<size_t> part;  // none in a lane without parts
  bool operator==(const Newest&) const = default;
};
// Needs something inside.
Newest newest(const segments::Window&);

// The answer to this request will always be the same: it names the newest thing in the playlist.
// One that names older things gets a longer list each time.
bool is_of_the_edge(const segments::Window&, const Query&);

}  // namespace weir::hls
