// Weir live-streaming server. MIT licence, see LICENSE.

// Packager: one stream of the hub, segmented while it is published or held: an ordinary
// subscription, a segmenter and a store. Every change goes to one listener as an immutable Update,
// on this core; what carries it to other cores is the listener's. Lives on the stream's home core,
// owned by a service that spawns run() and calls stop() before it goes. Leaves out manifests and
// disks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "hub/hub.h"
#include "segments/store.h"
#include "segments/ts_segmenter.h"

namespace weir::segments {

struct Update {
  WindowPtr window;
  std::vector<SegmentPtr> expired;  // fell out since the last update
  Result<> carried;                 // why there are no segments, when there will be none
};

class Packager {
 public:
  struct Options {
    Time target{2s};
    Time window{12s};
    size_t max_bytes = 256u << 20;
  };
  using Listener = std::function<void(Update)>;

  // `clock` numbers and names the segments.
  Packager(hub::Hub& hub, StreamKey key, Options options, const Clock& clock, Listener listener);

  // Until the stream has ended for good, or stop(). The first update comes before the first
  // segment.
  net::Task<> run();
  // The end as seen by run(): soon. What was begun is not finished.
  void stop();
  const StreamKey& key() const { return key_; }

 private:
  void take(const hub::Event&);
  void add(std::optional<MadeSegment>);
  void tell();

  hub::Hub& hub_;
  StreamKey key_;
  Listener listener_;
  TsSegmenter segmenter_;
  SegmentStore store_;
  Result<> told_;  // what the listener knows about `carried`
  bool ended_ = false, stopping_ = false;
  hub::Subscription* waiting_ = nullptr;  // of run(), while it may wait
};

}  // namespace weir::segments
