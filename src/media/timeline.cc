// Weir live-streaming server. MIT licence, see LICENSE.
#include "media/timeline.h"

#include <algorithm>

namespace weir {

void Timeline::place(Packet& p) {
  auto& track = tracks_[static_cast<uint8_t>(p.track)];
  const Time composition = p.pts - p.dts;
  if (!source_last_) {
    // A start near zero is kept to the tick: another track may begin a little before this one.
    const bool near = p.dts >= 0ns && p.dts <= limits_.jump;
    offset_ = near ? Time{0} : -p.dts;
  } else if (const Time step = p.dts - *source_last_;
             step > limits_.jump || step < -limits_.jump) {
    // The source's clock was reset or leapt: go on one frame after the newest instead.
    const Time frame = track.step > 0ns ? track.step : 1ms;
    offset_ = newest_ + frame - p.dts;
    ++counts_.jumps;
  }
  source_last_ = p.dts;
  Time dts = std::max(p.dts + offset_, Time{0});
  if (track.last) {
    // Equal times happen with millisecond clocks; only going back is repaired.
    if (dts < *track.last) {
      ++counts_.reordered;
      dts = *track.last;
    } else if (dts > *track.last && dts - *track.last < limits_.jump) {
      track.step = dts - *track.last;
    }
  }
  track.last = dts;
  newest_ = std::max(newest_, dts);
  p.dts = dts;
  if (composition < 0ns) ++counts_.early_pts;
  p.pts = dts + std::max(composition, Time{0});
}

}  // namespace weir
