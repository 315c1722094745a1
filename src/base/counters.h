// Weir live-streaming server. MIT licence, see LICENSE.

// Counter: a named number that the packet path may bump: one relaxed atomic add, no lock, no log.
// Owned by the object it counts for; read by statistics, metrics and the once-a-second reporter.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace weir
