// Weir live-streaming server. MIT licence, see LICENSE.

// Samples: every measured duration, kept whole so that the quantiles are exact. Owned by whoever
// measures, one thread. Leaves out durations beyond 4.2 s, which count as 4.2 s.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/time.h"

namespace weir::bench {

class Samples {
 public:
  void add(Time t) {
    constexpr int64_t kMost = std::numeric_limits<uint32_t>::max();
    ns_.push_back(static_cast<uint32_t>(std::clamp<int64_t>(t.count(), 0, kMost)));
  }
  void clear() { ns_.clear(); }
  size_t count() const { return ns_.size(); }
  // The smallest sample that at least `share` of all do not exceed; reorders. Zero without samples.
  Time quantile(double share) {
    if (ns_.empty()) return {};
    const auto last = static_cast<double>(ns_.size() - 1);
    const auto at = ns_.begin() + static_cast<ptrdiff_t>(std::clamp(share, 0.0, 1.0) * last + 0.5);
    std::nth_element(ns_.begin(), at, ns_.end());
    return Time{*at};
  }

 private:
  std::vector<uint32_t> ns_;
};

}  // namespace weir::bench
