// Weir live-streaming server. MIT licence, see LICENSE.

// Packager: one stream of the hub, segmented while it is published or held: an ordinary
// subscription, Boundaries, the segmenters of CMAF and, once somebody asked, of MPEG-TS, and the
// store. After each batch of events the new View goes to one listener, on this core; what carries
// it to other cores is the listener's. Lives on the stream's home core, owned by the library, which
// spawns run() and calls stop() before it goes. Leaves out manifests and disks.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "hub/hub.h"
#include "segments/boundaries.h"
#include "segments/cmaf_segmenter.h"
#include "segments/directory.h"
#include "segments/store.h"
#include "segments/ts_segmenter.h"

namespace weir::segments {

enum class Demand { cmaf, ts };

class Packager {
 public:
  struct Options {
    Time duration{2s}, part{200ms};
    Time memory{20s}, rewind = std::chrono::minutes{10};
    Slicing slicing = Slicing::plain;
    bool disk = false;
    size_t max_bytes = 256u << 20;
    uint64_t owner = 1;
  };
  using Listener = std::function<void(ViewPtr)>;

  // `clock` numbers and names the segments.
  Packager(hub::Hub& hub, StreamKey key, Options options, const Clock& clock, Listener listener);

  // Until the stream has ended for good, or stop(). The first view comes before the first segment.
  net::Task<> run();
  // The end as seen by run(): soon. What was begun is not finished.
  void stop();

  // Somebody wants manifests: from now on the target duration is fixed; `ts`: that lane begins,
  // with the segments that the packets kept still make.
  void demand(Demand);
  // What the library writes to disk, and what became of it: tell() after changes.
  Store& store() { return store_; }
  void tell();

  const StreamKey& key() const { return key_; }
  bool ended() const { return ended_; }

 private:
  // What the ts lane begins with: events since the last cut but one, as Boundaries judged them.
  struct Kept {
    StreamInfoPtr info;  // or
    PacketPtr packet;
    bool discontinuous = false;
    std::optional<Cut> cut;
  };
  struct Stretch {       // from one cut to the next
    StreamInfoPtr info;  // of its first packet
    std::vector<Kept> events;
  };

  void take(const hub::Event&);
  void take(const StreamInfoPtr&);
  void take(const PacketPtr&);
  void keep(Kept);
  void feed_ts(const Kept&);
  void begin_ts();
  std::string nothing(const Result<>& carried) const;

  hub::Hub& hub_;
  StreamKey key_;
  Options options_;
  const Clock& clock_;
  Listener listener_;
  WallTime began_;  // what numbers and names are made of
  Boundaries boundaries_;
  Store store_;
  CmafSegmenter cmaf_;
  std::optional<TsSegmenter> ts_;
  std::deque<Stretch> kept_;  // two at most; empty once there is a ts lane
  StreamInfoPtr info_;
  WallTime first_epoch_{}, published_{}, ended_at_{};
  bool ended_ = false, stopping_ = false, changed_ = true;
  ViewPtr told_;
  hub::Subscription* waiting_ = nullptr;  // of run(), while it may wait
};

}  // namespace weir::segments
