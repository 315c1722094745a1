// Weir live-streaming server. MIT licence, see LICENSE.

// TsSegmenter: events of one stream to MPEG-TS segments. Cuts on keyframes of the main video at
// `target` or later; on any packet when there is no picture; when the tracks change or another
// publisher takes over (the next segment is then a discontinuity). The first segment fixes
// target_duration() for good, since HLS does not let it change (RFC 8216 6.2.1): a later group of
// pictures that is longer is cut inside. Pure; owned by one packager, on its core. Bounded: one
// segment in the making, of at most max_bytes.
#pragma once

#include <optional>

#include "base/result.h"
#include "containers/mpegts/writer.h"
#include "segments/segment.h"

namespace weir::segments {

class TsSegmenter {
 public:
  struct Options {
    Time target{2s};
    Time longest{20s};  // of the first segment, while no keyframe comes
    size_t max_bytes = 64u << 20;
    // Already promised to players, in whole seconds; zero: the first segment decides.
    Time target_duration{};
  };

  explicit TsSegmenter(Options options);

  // Each event completes at most one segment.
  std::optional<MadeSegment> info(const StreamInfoPtr&);
  std::optional<MadeSegment> packet(const Packet&);
  // The stream is over.
  std::optional<MadeSegment> finish();

  // Why nothing will ever come: Code::unsupported when no track can be carried in MPEG-TS.
  const Result<>& carried() const { return carried_; }
  // In whole seconds; zero before the first segment is made.
  Time target_duration() const { return target_duration_; }
  // Frames no decoder could use: pictures before the first keyframe.
  uint64_t dropped() const { return dropped_; }

 private:
  struct Open {  // the segment in the making
    Time start{};
    Time end{};  // of what is inside
    bool independent = true;
    uint64_t pictures = 0;
  };

  struct Chosen {
    Tracks tracks;
    std::optional<TrackId> main_video;
    Result<> carried;
  };

  static Chosen choose(const StreamInfo&);
  bool is_cut(const Packet&) const;
  bool must_drop(const Packet&);
  void open(const Packet&, Time start);
  std::optional<MadeSegment> close(Time end);
  Time limit() const;
  void note_end(const Packet&);

  Options options_;
  mpegts::Writer writer_;
  Result<> carried_;
  StreamInfoPtr info_;
  Tracks tracks_;
  std::optional<TrackId> main_video_;
  std::optional<Open> open_;
  ByteWriter out_;
  size_t last_size_ = 0;
  Time target_duration_{};
  Time step_{};  // between the last two pictures
  std::optional<Time> last_picture_;
  bool seen_keyframe_ = false;
  bool made_any_ = false;
  bool discontinuity_ = false;  // of the next segment
  uint64_t dropped_ = 0;
};

}  // namespace weir::segments
