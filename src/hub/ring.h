// Weir live-streaming server. MIT licence, see LICENSE.

// Ring: the bounded log of a stream's newest events on one core, and its local readers. A reader is
// a Cursor, a number: however slow, it costs no memory. What falls off the tail is gone; a reader
// left behind goes on at the newest join point and is told by one Gap. A join point is a keyframe
// of the main video track, or any packet of a stream without video. A reader that was there before
// the first event misses nothing that can be decoded. Owned by hub::Stream; one per core with
// subscribers.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "hub/event.h"
#include "net/signal.h"

namespace weir::hub {

struct RingLimits {
  Time span{4s};  // kept for slow readers; the newest group of pictures is kept beyond it
  size_t bytes = 32u << 20;  // never exceeded by more than one entry; counts what small ones cost
};

// One event as it crosses cores: exactly one of the three is set.
struct Entry {
  PacketPtr packet;
  StreamInfoPtr info;
  std::shared_ptr<const End> end;
};
using Batch = std::vector<Entry>;

// What it takes to keep it, roughly: tiny packets cost more than their payload.
size_t cost_of(const Entry&);

// Called inside append(), on the ring's core: for muxers that feed many viewers.
class RingListener {
 public:
  virtual void on_append() = 0;

 protected:
  ~RingListener() = default;
};

// Whether a reader may start at `p`, given the info in force (may be null).
bool is_join_point(const StreamInfo* info, const Packet& p);

class Ring {
 public:
  struct Cursor {
    uint64_t at = 0;
    bool joined = false;
    bool check_info = false;    // the join point's info may have to come first
    bool lead = false;          // reads from the first event on, and has met no join point yet
    uint32_t info_version = 0;  // last StreamInfo handed out
    uint64_t skipped = 0;       // to be reported as one Gap
  };
  enum class Join { newest, oldest };

  Ring(net::Core& core, RingLimits limits);

  // Appends events numbered from `first`. A number beyond end() means that events were lost on the
  // way here: everyone resumes at the next join point.
  void append(uint64_t first, const Batch& batch);
  // What a new ring on another core starts with: all events, and the info in force at the first.
  struct Snapshot {
    uint64_t first = 0;
    StreamInfoPtr info;
    Batch events;
  };
  Snapshot snapshot() const;
  void restore(const Snapshot&);

  // The next event for this reader, or nothing for now. The one place that knows joins and gaps.
  std::optional<Event> next(Cursor&, Join = Join::newest) const;

  net::Signal& changed() { return changed_; }
  void listen(RingListener& l) { listeners_.push_back(&l); }
  void unlisten(RingListener&);
  uint64_t begin() const { return begin_; }
  uint64_t end() const { return begin_ + entries_.size(); }
  size_t bytes() const { return bytes_; }
  Time newest() const { return newest_; }
  const StreamInfoPtr& info() const { return info_; }
  bool has_join_point() const { return !joins_.empty(); }

 private:
  struct JoinPoint {
    uint64_t at;
    StreamInfoPtr info;
  };
  void skip_to_decodable(Cursor&) const;
  void add(const Entry&);
  void drop_all(uint64_t next);
  void trim();
  void tell();

  net::Core& core_;
  RingLimits limits_;
  std::deque<Entry> entries_;
  uint64_t begin_ = 1;  // number of the first event
  size_t bytes_ = 0;
  Time newest_{};
  StreamInfoPtr info_;       // in force at the end
  StreamInfoPtr tail_info_;  // in force at begin_
  std::deque<JoinPoint> joins_;
  std::shared_ptr<const End> end_;
  net::Signal changed_;
  std::vector<RingListener*> listeners_;
};

}  // namespace weir::hub
