// Weir live-streaming server. MIT licence, see LICENSE.

// Segment: a piece of a stream that can be played on its own (with what its tracks say), immutable
// and shared by every core that serves it. MadeSegment is what a segmenter hands over; the store
// gives it its number and name. Leaves out manifests: HLS and DASH write about segments, they do
// not live here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media/track.h"

namespace weir::segments {

using Tracks = std::shared_ptr<const std::vector<Track>>;

struct MadeSegment {
  Bytes data;
  Time start{};                // pts of its first frame, on the stream's timeline
  Time duration{};             // up to the start of the next one
  WallTime wall{};             // the wall-clock instant of start
  bool discontinuity = false;  // media of another encoder or configuration than the segment before
  bool independent = true;     // decoding may start at its first frame
  uint64_t pictures = 0;       // frames of the main video
  Tracks tracks;               // those inside
};

struct Segment : MadeSegment {
  uint64_t number = 0;  // media sequence number: grows by one, never reused
  std::string name;     // unique for all time within the stream: "k3v9x2a-17.ts"
};

using SegmentPtr = std::shared_ptr<const Segment>;

// Bits per second of `bytes` played in `duration`, rounded up; zero for no duration.
uint64_t bit_rate(uint64_t bytes, Time duration);

}  // namespace weir::segments
