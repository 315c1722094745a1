// Weir live-streaming server. MIT licence, see LICENSE.

// Unwrap: turns a counter that wraps at BITS bits (RTMP 32-bit milliseconds, TS 33-bit 90 kHz, RTP
// 32-bit) into one that does not, by taking the shorter way round. One per wire clock, owned by the
// ingest that reads it; lives on the publisher's core. Repair of jumps is media/timeline.h's work.
#pragma once

#include <cstdint>

namespace weir {

template <unsigned BITS>
class Unwrap {
 public:
  // The first value maps to itself.
  int64_t operator()(uint64_t wrapped) {
    constexpr uint64_t kSpan = uint64_t{1} << BITS;
    wrapped &= kSpan - 1;
    if (!started_) {
      started_ = true;
      last_ = static_cast<int64_t>(wrapped);
      return last_;
    }
    const uint64_t before = static_cast<uint64_t>(last_) & (kSpan - 1);
    const uint64_t forward = (wrapped - before) & (kSpan - 1);
    last_ += forward < kSpan / 2 ? static_cast<int64_t>(forward)
                                 : -static_cast<int64_t>(kSpan - forward);
    return last_;
  }

 private:
  int64_t last_ = 0;
  bool started_ = false;
};

}  // namespace weir
