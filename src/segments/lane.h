// Weir live-streaming server. MIT licence, see LICENSE.

// Lane: one file set of a stream inside the store: its complete segments without holes, the one in
// the making, what was measured of them, and the newest Window. Decides nothing about the other
// lanes; when what comes and goes is the store's. Times here are media times: sums of durations,
// so that a hole in the timeline does not shorten what is kept. Owned by the store, on its core.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "segments/cmaf_segmenter.h"
#include "segments/segment.h"

namespace weir::segments {

class Lane {
 public:
  Lane(std::string id, std::string token);

  const std::string& id() const { return id_; }
  bool is_ts() const { return id_ == "ts"; }
  bool is_video() const { return id_.starts_with('v'); }

  void set_init(const Track&, Bytes header);
  void set_part_target(Time);
  // With this lane's names, header and tracks.
  SegmentHead head(uint64_t number, Time start, WallTime wall) const;

  void open(SegmentHead);
  // Whether a segment is open to take it.
  bool add_part(MadePart);
  // Completes the open one, if any; a gap when nothing is inside.
  void close(Time end);
  void drop_open();
  // A complete one, numbered next() unless there is none yet.
  void append(std::shared_ptr<Segment>);

  const std::optional<OpenSegment>& opened() const { return open_; }
  Time open_end() const;  // of its last part
  // Numbers below are given out.
  uint64_t next() const { return next_; }
  bool has_segments() const { return !done_.empty(); }
  bool only_gaps() const { return gaps_ == done_.size(); }
  bool has_something() const { return has_segments() || (open_ && !open_->parts.empty()); }
  // Of what has_segments().
  uint64_t front() const { return done_.front().segment->number; }
  const SegmentPtr& back() const { return done_.back().segment; }
  SegmentPtr find(uint64_t number) const;  // among the complete; null when not there
  SegmentPtr pop_front();
  size_t bytes() const { return bytes_; }

  // The highest number from which on there is this much, or the first.
  uint64_t first_within(Time) const;
  // The first that ends less than this before the end, or next().
  uint64_t first_younger(Time) const;
  // The first that ends less than this before segment `number` begins, or `number`.
  uint64_t first_near(uint64_t number, Time) const;
  // The oldest with bytes in memory, but never the newest.
  std::optional<uint64_t> oldest_held();

  // The next one in memory that was not handed to a disk yet; never the newest.
  std::optional<uint64_t> next_spill();
  SegmentPtr take_spill();  // after next_spill() said so
  size_t unspilled_bytes() const;
  void set_file(uint64_t number, std::string file);
  void make_gap(uint64_t number);
  // Of segments older than this.
  void drop_parts(Time);

  // The target for measuring; zero: not promised.
  void set_target_duration(Time);
  void touch() { changed_ = true; }
  // `listed`: the first number that is listed, where there is such.
  uint64_t first_listed(uint64_t listed) const;
  // The same one until something changes.
  WindowPtr window(uint64_t listed, uint64_t discontinuity_sequence, bool ended);

 private:
  struct Entry {
    SegmentPtr segment;
    Time total{};  // of all durations so far, its own too
  };

  const Entry* entry(uint64_t number) const;
  void replace(uint64_t number, SegmentPtr);
  std::string name_of_part(const SegmentHead&, size_t part) const;
  std::vector<PartPtr> join(const OpenSegment&, Bytes& whole) const;
  std::string_view type() const;
  uint64_t measure_at(size_t newest) const;
  void measure_listed(Window&) const;

  std::string id_, token_;
  InitPtr init_;
  Tracks tracks_;
  uint64_t inits_ = 0;
  Time part_target_{}, target_duration_{};

  std::deque<Entry> done_;
  Time total_{};
  std::optional<OpenSegment> open_;
  std::optional<uint64_t> first_;  // ever
  uint64_t next_ = 0;
  size_t bytes_ = 0, gaps_ = 0;
  // Numbers; before them nothing is held, was not handed to the disk, has parts.
  uint64_t held_ = 0, unspilled_ = 0, with_parts_ = 0;
  uint64_t peak_rate_ = 0;

  bool changed_ = true, segments_changed_ = true;
  WindowPtr window_;
};

}  // namespace weir::segments
