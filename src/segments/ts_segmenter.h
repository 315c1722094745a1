// Weir live-streaming server. MIT licence, see LICENSE.

// TsSegmenter: events of one stream to MPEG-TS segments, cut where Boundaries says, so that they
// have the numbers and boundaries of the CMAF lanes. May begin in the middle of a stream: nothing
// is written before the first cut it is given. Pure; owned by one packager, on its core. Bounded:
// one segment in the making.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "containers/mpegts/writer.h"
#include "segments/boundaries.h"
#include "segments/segment.h"

namespace weir::segments {

struct MadeTs {
  Cut cut;
  Time end{};
  Bytes data;
  uint32_t pictures = 0;
  Tracks tracks;
};

class TsSegmenter {
 public:
  TsSegmenter();

  // Each event completes at most one segment. `discontinuous`, `cut`: what Boundaries said of it.
  std::optional<MadeTs> info(const StreamInfoPtr&, bool discontinuous);
  std::optional<MadeTs> packet(const Packet&, const std::optional<Cut>& cut);
  // The stream is over.
  std::optional<MadeTs> finish();

  // Why nothing will ever come: Code::unsupported when no track can be carried in MPEG-TS.
  const Result<>& carried() const { return carried_; }
  // Frames no decoder could use: pictures before the first keyframe.
  uint64_t dropped() const { return dropped_; }

 private:
  void choose(const StreamInfo&);
  bool is_sound(TrackId) const;
  bool must_drop(const Packet&);
  void open(const Cut&);
  void write(const Packet&);
  Time end_before(const Cut&) const;
  std::optional<MadeTs> close(Time end);

  mpegts::Writer writer_;
  Result<> carried_;
  Tracks tracks_;
  std::optional<TrackId> main_video_;
  std::optional<Cut> open_;    // the segment in the making
  std::vector<Packet> early_;  // sound before the first cut
  ByteWriter out_;
  size_t last_size_ = 0;
  Time end_{};  // of what is inside
  uint32_t pictures_ = 0;
  bool written_ = false;
  PictureClock clock_;
  std::optional<Time> last_picture_;
  Pace pace_;
  bool seen_keyframe_ = false;
  uint64_t dropped_ = 0;
};

}  // namespace weir::segments
