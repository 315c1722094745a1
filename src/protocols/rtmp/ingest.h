// Weir live-streaming server. MIT licence, see LICENSE.

// Ingest: the messages of one publisher become tracks and packets of a publication. Repairs the
// clock (wrap, jumps, far starts), drops and counts what cannot be used, and never fails. Holds the
// first packets back, bounded, until the tracks that the publisher promised are known, so that
// players learn all of them at once. Owned by the session's stream, on its core.
#pragma once

#include <optional>
#include <vector>

#include "base/unwrap.h"
#include "containers/flv/demuxer.h"
#include "hub/hub.h"
#include "media/timeline.h"
#include "protocols/rtmp/message.h"

namespace weir::rtmp {

class Ingest {
 public:
  explicit Ingest(hub::Publication publication) : publication_(std::move(publication)) {}

  // Audio, video or data (types 8, 9, 15, 18).
  void read(const Message&);
  // After each read of the socket.
  void flush() { publication_.flush(); }
  void end(hub::Ending how);

  uint64_t dropped() const { return demuxer_.counts().total() + oversized_; }
  const Timeline::Counts& repaired() const { return timeline_.counts(); }
  const StreamKey& key() const { return publication_.key(); }

 private:
  int64_t unwrapped(flv::TagType, uint32_t timestamp);
  void tracks_changed();
  void place(Packet);
  bool tracks_complete() const;
  bool held_enough() const;
  void release();

  hub::Publication publication_;
  flv::Demuxer demuxer_;
  Unwrap<32> clock_;
  Timeline timeline_;
  std::optional<int64_t> media_ms_;  // the newest time of audio or video
  uint64_t oversized_ = 0;

  bool announced_ = false;
  // Until then:
  std::vector<Packet> held_;
  size_t held_bytes_ = 0;
  std::vector<Track> tracks_;  // that describe them
};

}  // namespace weir::rtmp
