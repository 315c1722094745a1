// Weir live-streaming server. MIT licence, see LICENSE.

// SegmentStore: the newest segments of one rendition, numbered and named, bounded by time, count
// and bytes. Window is an immutable snapshot of it, for any core: what manifests list, and what is
// no longer listed but may still be asked for (RFC 8216 6.2.2). Owned by a packager, on its core.
// Pure; the disk is the packager's observers' business.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "segments/segment.h"

namespace weir::segments {

struct Window {
  std::vector<SegmentPtr> listed;
  std::vector<SegmentPtr> lingering;         // older ones, oldest first
  uint64_t discontinuity_sequence = 0;       // of listed.front()
  Time target_duration{};                    // whole seconds, never changes
  uint64_t peak_rate = 0, average_rate = 0;  // bits per second as measured
  double picture_rate = 0;                   // as measured; zero without video
  bool ended = false;

  // By its full name; null for any other.
  SegmentPtr find(std::string_view name) const;
};
using WindowPtr = std::shared_ptr<const Window>;

// Numbers of a stream that starts now, so that they always grow: over the publisher's return, over
// a stream that ended, over a restart of the server without anything on disk. Players and caches
// never see a number twice. Good as long as segments are not, on average, shorter than half their
// target.
uint64_t first_number(WallTime now, Time target);
uint64_t first_discontinuity(WallTime now);
// A short text that no other stream of this name had: part of every segment's name.
std::string name_token(WallTime now);

class SegmentStore {
 public:
  struct Options {
    Time window{12s};  // what manifests list; never less than three target durations
    size_t max_segments = 2000;
    size_t max_bytes = 256u << 20;
    uint64_t first_number = 0;
    uint64_t first_discontinuity = 0;
    std::string token;
    std::string extension = ".ts";
  };

  explicit SegmentStore(Options options);

  // target_duration: the same at every call.
  SegmentPtr add(MadeSegment, Time target_duration);
  // Nothing will follow.
  void end();
  // Segments that fell out since the last call: nobody may ask for them any more.
  std::vector<SegmentPtr> take_expired();
  // Made once per change.
  const WindowPtr& window() const { return window_; }
  uint64_t next_number() const { return next_number_; }
  size_t bytes() const { return bytes_; }

 private:
  void measure();
  void trim();
  void unlist_front();
  void expire_front();
  void rebuild();

  Options options_;
  std::deque<SegmentPtr> listed_, lingering_;
  Time listed_time_{}, lingering_time_{};
  std::vector<SegmentPtr> expired_;
  uint64_t next_number_ = 0;
  uint64_t discontinuity_sequence_ = 0;
  Time target_duration_{};
  size_t bytes_ = 0;
  uint64_t peak_rate_ = 0;
  bool ended_ = false;
  WindowPtr window_;
};

}  // namespace weir::segments
