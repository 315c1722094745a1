// Weir live-streaming server. MIT licence, see LICENSE.
#include "media/timeline.h"

#include <algorithm>

namespace weir {
namespace {

// Between decoding and showing a picture: no encoder reorders further, and who waits for a picture
// waits that long.
constexpr Time kLongestDelay = 10s;

// A hostile clock may be anywhere in 64 bits; what counts is differences, and they wrap as it does.
Time plus(Time a, Time b) {
  return Time{
      static_cast<int64_t>(static_cast<uint64_t>(a.count()) + static_cast<uint64_t>(b.count()))};
}
Time minus(Time a, Time b) {
  return Time{
      static_cast<int64_t>(static_cast<uint64_t>(a.count()) - static_cast<uint64_t>(b.count()))};
}
// How far apart, saturating.
Time apart(Time a, Time b) {
  const Time d = minus(a, b);
  return d >= 0ns ? d : d == Time::min() ? Time::max() : -d;
}

}  // namespace

bool Timeline::choose_offset(PerTrack& track, Time dts) {
  if (!started_) {
    // A start near zero is kept to the tick: another track may begin a little before this one.
    const bool near = dts >= 0ns && dts <= limits_.jump;
    offset_ = track.offset = near ? Time{0} : minus(Time{0}, dts);
    started_ = true;
    return false;
  }
  // Packets of one track may still come on the old clock after another has leapt: whoever goes on
  // smoothly keeps its offset, unless the offset of the latest leap fits better.
  const Time off_own = apart(plus(dts, track.offset), newest_);
  const Time off_latest = apart(plus(dts, offset_), newest_);
  const bool own = track.source && apart(dts, *track.source) <= limits_.jump;
  const bool latest = off_latest <= limits_.jump;
  if (own && (!latest || off_own <= off_latest)) return true;
  if (!latest) {
    // The source's clock was reset or leapt: go on one frame after the newest instead.
    const Time frame = track.step > 0ns ? track.step : 1ms;
    offset_ = minus(newest_ + frame, dts);
    ++counts_.jumps;
  }
  track.offset = offset_;
  return false;
}

void Timeline::place(Packet& p) {
  auto& track = tracks_[static_cast<uint8_t>(p.track)];
  const Time composition = minus(p.pts, p.dts);
  const bool smooth = choose_offset(track, p.dts);
  Time dts = std::max(plus(p.dts, track.offset), Time{0});
  if (track.source) {
    // Equal times happen with millisecond clocks; only going back is repaired.
    if (dts < track.last) {
      ++counts_.reordered;
      dts = track.last;
    } else if (smooth && dts > track.last) {
      track.step = dts - track.last;
    }
  }
  track.source = p.dts;
  track.last = dts;
  newest_ = std::max(newest_, dts);
  p.dts = dts;
  if (composition < 0ns) ++counts_.early_pts;
  if (composition > kLongestDelay) ++counts_.far_pts;
  p.pts = dts + std::clamp(composition, Time{0}, kLongestDelay);
}

}  // namespace weir
