// Weir live-streaming server. MIT licence, see LICENSE.

// The times of pictures: PictureClock puts them on one clock that never goes back, Pace and
// FrameRate say how long the next one will last. Small values; each owned by what cuts by it. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "media/packet.h"

namespace weir::segments {

// Lane time: decoding time + presentation delay of the last keyframe. A keyframe's is its
// presentation time, and it never goes back; so parts and segments have lengths whatever B-frames
// do. A keyframe that is delayed less than the one before keeps the order, not its time.
class PictureClock {
 public:
  Time take(const Packet& p) {
    if (p.keyframe) delay_ = p.pts - p.dts;
    const Time at = p.dts + delay_;
    newest_ = std::max(newest_.value_or(at), at);
    return *newest_;
  }
  void reset() { newest_.reset(); }

 private:
  Time delay_{};
  std::optional<Time> newest_;
};

// The shorter of the last two steps, so that a picture which stood still once is not expected to do
// so again. Zero while unknown.
class Pace {
 public:
  void add(Time step) {
    if (step <= 0ns) return;
    before_ = last_ > 0ns ? last_ : step;
    last_ = step;
  }
  Time step() const { return std::min(last_, before_); }

 private:
  Time last_{}, before_{};
};

// The mean of a steady source, seen through a clock rounded to milliseconds.
class FrameRate {
 public:
  void add(Time step) {
    if (step <= 0ns) return;
    if (count_ > 0 && std::chrono::abs(step - mean()) > kUneven) *this = FrameRate();
    even_ = even_ && (count_ == 0 || step == last_);
    last_ = step;
    total_ += step;
    if (++count_ == 512) {
      total_ /= 2;
      count_ /= 2;
    }
  }
  bool known() const { return count_ > 0; }
  // All steps so far are the same: nothing was rounded.
  bool even() const { return even_; }
  Time mean() const { return total_ / count_; }
  // Whether frames come as announced, a second.
  bool confirms(double announced) const {
    if (announced < 1 || announced > 1000 || !known()) return false;
    return std::chrono::abs(length(announced) - mean()) * 50 < mean();
  }
  Time nominal(double announced) const { return confirms(announced) ? length(announced) : mean(); }

 private:
  static constexpr Time kUneven = 2ms;
  static Time length(double rate) { return Time{static_cast<Time::rep>(1e9 / rate)}; }

  Time last_{}, total_{};
  int64_t count_ = 0;
  bool even_ = true;
};

}  // namespace weir::segments
