// Weir live-streaming server. MIT licence, see LICENSE.

// CmafSegmenter: packets to CMAF headers, parts and segments, a lane per track. Cuts come from
// Boundaries; each lane follows at its first frame at or behind the cut (RFC 8216bis and 23000-19
// 7.3.4 want lanes aligned, not equal to the sample). A part closes when its next frame would make
// it longer than the part target, or its segment ends: so each frame waits for the next one, whose
// decoding time is its end, and times are exact. Sound runs on its own sample clock and follows the
// packets' millisecond clock only when they part by more than `audio_sync`; what is ahead of the
// picture waits for it (kSoundLead), so that its segments end where the picture's do. A lane that
// falls silent ends its segment and has none until it is back. Lanes keep their ids over changes of
// publisher and tracks: v1, v2 ..., a1, a2 ... by kind and order. Pure; owned by one packager, on
// its core; bounded by one open part per lane, plus sound that waits for the picture, which is
// bounded by max_early_audio and max_part_bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "containers/mp4/writer.h"
#include "segments/boundaries.h"

namespace weir::segments {

struct MadePart {
  Bytes data;  // styp? moof mdat
  Time start{}, duration{};
  bool independent = false;
  uint32_t frames = 0;
};

// Told in order, per lane: init, then for each segment open, part..., close. Ordinals of a lane
// grow but may leave some out (no sound came in that time).
class LaneSink {
 public:
  virtual ~LaneSink() = default;
  // A new header: what the segments opened from now on need. `track` as it is now.
  virtual void init(const std::string& lane, const Track& track, Bytes header) = 0;
  // `start`: of the lane's first frame.
  virtual void open(const std::string& lane, const Cut& cut, Time start) = 0;
  virtual void part(const std::string& lane, MadePart) = 0;
  // The segment that is open is complete; `end`: where the next begins, or its last frame ends.
  virtual void close(const std::string& lane, Time end) = 0;
};

class CmafSegmenter {
 public:
  struct Options {
    Time part_target{200ms};
    Time audio_sync{20ms};
    size_t max_part_bytes = 16u << 20;  // a part closes early at this size
    size_t max_early_audio = 500;       // frames of sound that wait for a picture
  };

  CmafSegmenter(Options options, LaneSink& sink);
  ~CmafSegmenter();

  // Ends what is open when the media changes (Boundaries::info said so); lanes that are no longer
  // there stop. A lane's new header is told before its first segment.
  void info(const StreamInfoPtr&, bool discontinuous);
  // `cut`: what Boundaries made of this packet.
  void packet(const PacketPtr&, const std::optional<Cut>& cut);
  // The stream is over: closes everything.
  void finish();

  // Why nothing will ever come: Code::unsupported when no track can be carried in CMAF.
  const Result<>& carried() const { return carried_; }
  // Announced for this lane: at most Options::part_target, what whole frames of its rate fill;
  // never changes once the lane's first part is out. Zero for a lane that does not exist.
  Time part_target(const std::string& lane) const;
  // Frames no decoder could use: pictures before the first keyframe; frames that cannot be carried.
  uint64_t dropped() const { return counts_.dropped; }
  // Parts of one frame longer than the target (a source slower than five frames a second, a hole).
  uint64_t long_parts() const { return counts_.long_parts; }

 private:
  class Lane;
  struct Counts {
    uint64_t dropped = 0, long_parts = 0;
  };

  void begin(const StreamInfo&);

  Options options_;
  LaneSink& sink_;
  Counts counts_;
  Result<> carried_;
  StreamInfoPtr info_;
  std::map<std::string, std::unique_ptr<Lane>> lanes_;  // all there ever were
  std::map<TrackId, Lane*> by_track_;                   // those of now
  std::optional<TrackId> main_video_;
  PictureClock clock_;
  std::optional<Time> picture_;  // lane time of the newest picture
  Time newest_{};                // of any packet
};

}  // namespace weir::segments
