// Weir live-streaming server. MIT licence, see LICENSE.

// Planner: which Periods a stream's MPD has. A Period begins where the media is discontinuous,
// a header changes, a lane or rendition joins, or where segments have left the Period's grid: DASH
// players that are to be close to the live edge compute segment times from @duration alone, and may
// ask for a segment before it is complete only then (ISO/IEC 23009-1 5.3.9.5.3; DASH-IF IOP part
// 5). A stream that keeps leaving its grid is listed segment by segment instead (SegmentTimeline),
// for as long as it lives: mixing back would mislead shaka-player, see README.md.
//
// What was once said of a Period (id, start, first segment, duration, addressing, headers) is never
// changed, so a Planner lives as long as its stream, on the stream's home core, and sees every
// manifest that is given out. Leaves out text (mpd.h). Pure; bounded by the segments listed.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "segments/directory.h"

namespace weir::dash {

// The stream itself first, then what else shows the same picture.
using Sources = std::vector<std::pair<StreamKey, segments::ViewPtr>>;

enum class Addressing { number, timeline };

// One lane within one Period: a Representation.
struct PlannedLane {
  StreamKey stream;
  std::string lane;
  std::string token;
  segments::InitPtr init;
  uint64_t first = 0;            // its number of the Period's first segment
  std::optional<uint64_t> last;  // and of the last, once that is known
  Time media{};                  // the lane's time at the start of the Period
  bool aligned = true;           // its segments begin with those of the source
  Time part{};                   // the longest a part may be
  double frame_rate = 0;         // zero when unknown
  uint64_t bandwidth = 0;        // bits per second that are not exceeded
};

struct Period {
  uint64_t first = 0;     // number of its first segment; its id, too
  Time start{};           // since availabilityStartTime
  WallTime wall{};        // of its first frame
  Time nominal{};         // how long its segments are, more or less
  bool measured = false;  // nominal is what segments were, not a guess
  Addressing addressing = Addressing::number;
  std::vector<PlannedLane> lanes;  // video before sound, the source before renditions
  // Once another one follows or the stream has ended:
  std::optional<uint64_t> last;  // its last segment
  Time end{};                    // where that one ends, since availabilityStartTime
};

class Planner {
 public:
  // `guess`: what segments will probably be long before any is complete.
  explicit Planner(Time guess) : guess_(guess) {}

  // What is known now; views never older than at the last call, of the same stream. `now` tells
  // whether the publisher has fallen silent: what the grid would promise will not come then.
  void update(const Sources&, WallTime now);
  // Those that still have listed segments, oldest first.
  const std::vector<Period>& periods() const { return periods_; }
  // The lag (below) from which on the publisher counts as silent; whether it did at the last call.
  Time longest_lag() const;
  bool silent() const { return silent_; }

 private:
  struct Found;
  std::vector<Found> find_lanes(const Sources&, uint64_t number) const;
  bool is_known(const Sources&, uint64_t number) const;
  void look(const Sources&, uint64_t number);
  bool differs(const std::vector<Found>&) const;
  bool has_drifted(const segments::SegmentHead& main) const;
  void begin(const segments::View&, const std::vector<Found>&);
  void choose_nominal(Period&, const Found& main) const;
  void close(const segments::View&, uint64_t last);
  void finish(const Sources&);
  bool listen(const segments::View&, WallTime now);
  void forget(uint64_t first_listed);
  void follow_rates(const Sources&);
  Time nominal() const { return periods_.empty() ? guess_ : periods_.back().nominal; }

  Time guess_;
  std::vector<Period> periods_;
  uint64_t next_ = 0;            // the first number not looked at yet
  std::deque<uint64_t> drifts_;  // where segments left their grid lately
  bool irregular_ = false;
  std::optional<Time> usual_lag_;
  WallTime heard_{},
      newest_{};  // when update() was last called, and what was the newest media then
  bool silent_ = false;
  struct Rate {
    uint64_t announced = 0;
    bool measured = false;  // over a whole segment at least
  };
  std::map<std::pair<StreamKey, std::string>, Rate> rates_;  // by lane
};

// How old the newest media is by the clock; network and an encoder's clock have their share in it.
Time lag_of(const segments::View&, WallTime now);

// The head of a segment, complete or in the making; null when the window does not have it.
const segments::SegmentHead* find_head(const segments::Window&, uint64_t number);

}  // namespace weir::dash
