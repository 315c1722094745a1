// Weir live-streaming server. MIT licence, see LICENSE.

// What a stream is cut into, as manifests and requests see it. A lane is one file set: one CMAF
// track ("v1", "a1") or the MPEG-TS multiplex ("ts"). Every lane of a stream has the same segment
// numbers and boundaries. A Segment is made of Parts (CMAF chunks); a Part is out as soon as its
// last frame is. All immutable and shared by every core; made by the store on the stream's home
// core. Leaves out manifests: they are written about these, they do not live here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/track.h"
#include "net/http/content.h"

namespace weir::segments {

using net::http::ContentPtr;
using Tracks = std::shared_ptr<const std::vector<Track>>;

// The header section of a CMAF lane: what a decoder needs before the segments that name it.
struct Init {
  std::string name;     // "k3v9x2a-v1-i4.mp4", unique for all time within the stream
  uint64_t number = 0;  // the 4 in it: grows with each header of the lane
  Track track;
  ContentPtr content;
};
using InitPtr = std::shared_ptr<const Init>;

struct Part {
  Time start{}, duration{};  // on the stream's timeline; duration never above Window::part_target
  bool independent = false;  // decoding may start at its first frame
  uint32_t frames = 0;
  ContentPtr content;
};
using PartPtr = std::shared_ptr<const Part>;

// What is known when a segment begins.
struct SegmentHead {
  uint64_t number = 0;  // media sequence number: grows by one, never reused, same in all lanes
  std::string name;     // "k3v9x2a-v1-4-17.m4s", "k3v9x2a-17.ts"; unique for all time
  Time start{};         // presentation time of its first frame
  WallTime wall{};      // the wall-clock instant of start
  bool discontinuity = false;  // media of another encoder or configuration than the one before
  bool independent = true;     // decoding may start at its first frame
  InitPtr init;                // null in the ts lane
  Tracks tracks;               // those inside

  uint64_t init_number() const { return init ? init->number : 0; }
};

struct Segment : SegmentHead {
  Time duration{};
  bool gap = false;            // nothing came for this lane (or it was lost): listed, never served
  uint32_t frames = 0;         // of the main video, or of the lane's only track
  uint64_t size = 0;           // bytes
  ContentPtr content;          // null for a gap and for what is on disk
  std::string file;            // where it is on disk; empty in memory
  std::vector<PartPtr> parts;  // empty in the ts lane and once too old for manifests to name
};
using SegmentPtr = std::shared_ptr<const Segment>;

// The segment in the making: its parts so far, perhaps none yet.
struct OpenSegment : SegmentHead {
  std::vector<PartPtr> parts;
};

// One lane at one moment. `segments` includes older ones that manifests no longer list but may
// still be asked for (RFC 8216 6.2.2).
struct Window {
  std::string id;  // "v1", "a1", "ts": part of URLs, the same as long as the stream lives
  std::shared_ptr<const std::vector<SegmentPtr>> segments;  // complete, oldest first, no holes
  size_t first_listed = 0;                                  // index into segments
  std::optional<OpenSegment> open;
  uint64_t discontinuity_sequence = 0;  // of the first listed
  uint64_t first_number =
      0;                   // of the lane's first segment ever: nothing has left while it is listed
  Time target_duration{};  // whole seconds; zero until promised, then for good
  Time part_target{};      // zero in the ts lane; otherwise never changes
  uint64_t peak_rate = 0, average_rate = 0;  // bits per second as measured
  double frame_rate = 0;                     // as measured; zero without video
  bool ended = false;                        // nothing will follow

  const SegmentPtr* find(uint64_t number) const;  // among the complete; null when not there
  // The newest complete number and what has been said of parts: requests compare with these.
  bool has_segment(uint64_t number) const;
  bool has_part(uint64_t number, size_t part) const;  // or the segment is complete
  bool empty() const { return segments->empty() && (!open || open->parts.empty()); }
};
using WindowPtr = std::shared_ptr<const Window>;

// Names, made and taken apart in one place. `token` is the stream's, see name_token(). Media says
// the number of the header it needs, so that a name made from an older one, by a template or a
// hint, is never that of media for another decoder. The ts lane has no headers.
std::string segment_name(std::string_view token, std::string_view lane, uint64_t init,
                         uint64_t number);
std::string part_name(std::string_view token, std::string_view lane, uint64_t init, uint64_t number,
                      size_t part);
std::string init_name(std::string_view token, std::string_view lane, uint64_t init);

struct MediaName {
  std::string_view token, lane;
  uint64_t init_number = 0;  // of the header; zero in the ts lane
  uint64_t number = 0;       // of the segment; zero for a header
  std::optional<uint64_t> part;
  bool init = false;  // a header
};
// "k3v9x2a-v1-4-17.m4s", "k3v9x2a-v1-4-17.3.m4s", "k3v9x2a-v1-i4.mp4", "k3v9x2a-17.ts" (lane "ts")
std::optional<MediaName> parse_media_name(std::string_view);

// Bits per second of `bytes` played in `duration`, rounded up; zero for no duration.
uint64_t bit_rate(uint64_t bytes, Time duration);

}  // namespace weir::segments
