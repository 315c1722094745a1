// Weir live-streaming server. MIT licence, see LICENSE.

// Store: all lanes of one stream: numbers and names what segmenters make, bounds it by time, count
// and bytes, and gives immutable Windows. Lanes are trimmed together, by number. What is older than
// `memory` leaves memory when there is a disk for it (take_spills, spilled) and stays listed until
// `rewind`; without a disk everything is in memory until then. Over max_bytes the oldest go early.
// A lane that falls two ordinals behind gets gap segments, so that its players do not stall; one
// lane's own list is lane.h. Owned by a packager, on its core. Pure; who writes files is the
// library.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "segments/cmaf_segmenter.h"
#include "segments/segment.h"
#include "segments/ts_segmenter.h"

namespace weir::segments {

// Numbers of a stream that starts now, so that they always grow: over the publisher's return, over
// a stream that ended, over a restart of the server without anything on disk. Players and caches
// never see a number twice. Good as long as segments are not, on average, shorter than half their
// target.
uint64_t first_number(WallTime now, Time target);
uint64_t first_discontinuity(WallTime now);
// A short text that no other stream of this name had: part of every segment's name.
std::string name_token(WallTime now);

class Lane;

class Store final : public LaneSink {
 public:
  struct Options {
    Time memory{12s};                        // never less than three target durations
    Time rewind = std::chrono::minutes{10};  // what manifests list; at least `memory`
    bool disk = false;              // segments older than `memory` are handed to take_spills()
    size_t max_segments = 5000;     // of each lane
    size_t max_bytes = 256u << 20;  // in memory, all lanes together
    uint64_t first_number = 0;
    uint64_t first_discontinuity = 0;
    std::string token;
  };

  explicit Store(Options options);
  ~Store() override;

  // Of the segments opened from now on; the stream's time zero as wall-clock time, and the tracks.
  void info(const StreamInfoPtr&);
  void init(const std::string& lane, const Track&, Bytes header) override;
  void open(const std::string& lane, const Cut&, Time start) override;
  void part(const std::string& lane, MadePart) override;
  void close(const std::string& lane, Time end) override;
  void add(MadeTs);

  // Every window says so from now on.
  void set_target_duration(Time);
  void set_part_target(const std::string& lane, Time);
  // Nothing will follow.
  void end();

  // Lanes that have something, video before sound, in order of their ids; snapshots are made when
  // asked for after a change.
  std::vector<WindowPtr> lanes();
  // Null before the first TS segment.
  WindowPtr ts();

  struct Placed {
    std::string lane;
    SegmentPtr segment;
  };
  // Segments that fell out since the last call: nobody may ask for them any more; those with a
  // `file` leave it behind. One that was on its way to the disk may come twice: without the file,
  // and again with it when spilled() tells of it too late.
  std::vector<Placed> take_expired();
  // Segments that ought to be on disk, each once. They stay in memory until the answer comes; at
  // most `max_bytes` in all, as ever.
  std::vector<Placed> take_spills();
  // A complete segment that is still kept; null for any other.
  SegmentPtr find(const std::string& lane, uint64_t number) const;
  void spilled(const std::string& lane, uint64_t number, std::string file);
  // The disk did not take it: it is a gap from now on.
  void lost(const std::string& lane, uint64_t number);

  size_t bytes() const;  // in memory, without headers
  uint64_t next_number() const { return next_number_; }
  // Frames that came for a segment that had been given out already: far behind the other lanes.
  uint64_t dropped() const { return dropped_; }

 private:
  // Numbers: the first that manifests list, the first that may still be asked for.
  struct Range {
    uint64_t listed = 0, kept = 0;
  };
  using Lanes = std::map<std::string, std::unique_ptr<Lane>>;

  Lane& lane(const std::string& id);
  Lane* find_lane(const std::string& id);
  bool own_range(const Lane&) const;
  Range& range(const Lane&);
  WindowPtr window(Lane&);
  void touch();

  WallTime wall(Time) const;
  std::optional<uint64_t> accept(Lane&, const Cut&, Time start);
  void fill(Lane&, uint64_t until, Time until_start);
  std::shared_ptr<Segment> make_gap(Lane&, uint64_t until, Time until_start) const;
  const Lane* other_with(const Lane&, uint64_t number) const;
  void finish(Lane&, Time end);
  void catch_up(const Lane& leader);

  Time three_targets() const { return 3 * target_duration_; }
  void trim();
  void advance(bool own, Time keep);
  void expire(Lane&, uint64_t before);
  void forget_gaps(Lane&);
  void fit();
  void make_room(bool own, uint64_t number);
  void choose_spills();
  uint64_t discontinuities_before(uint64_t number) const;

  Options options_;
  StreamInfoPtr info_;
  Time target_duration_{};
  Lanes lanes_;
  Range range_, ts_range_;
  // Numbers of what is kept that begin with one, and how many there were before.
  std::deque<uint64_t> discontinuities_;
  uint64_t past_discontinuities_ = 0;
  std::vector<Placed> expired_, spills_;
  uint64_t next_number_ = 0;
  uint64_t dropped_ = 0;
  bool ended_ = false;
};

}  // namespace weir::segments
