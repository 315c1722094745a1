// Weir live-streaming server. MIT licence, see LICENSE.

// One kind of time inside: nanoseconds on a stream's own timeline (Time) and wall-clock instants
// (WallTime). Wire units exist only in containers and protocols and are converted here, rounding to
// nearest, so that ticks -> Time -> ticks is exact. Whatever waits or measures takes a Clock&.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace weir {

using Time = std::chrono::nanoseconds;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// ticks at `per_second` (1 kHz ... 10 MHz) <-> Time, to nearest, halves away from zero.
Time from_ticks(int64_t ticks, int64_t per_second);
int64_t to_ticks(Time, int64_t per_second);

// "2026-11-21T08:15:30.123Z" (RFC 3339, UTC, milliseconds).
std::string format_utc(WallTime);

class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic, from an arbitrary start.
  virtual Time now() const = 0;
  virtual WallTime wall() const = 0;
};

// The operating system's clocks; any core.
class SystemClock final : public Clock {
 public:
  Time now() const override;
  WallTime wall() const override;
};

// For tests: stands still until told. One core.
class ManualClock final : public Clock {
 public:
  Time now() const override { return now_; }
  WallTime wall() const override { return start_ + now_; }
  void advance(Time d) { now_ += d; }

 private:
  Time now_{1s};
  WallTime start_{std::chrono::seconds{1'750'000'000}};
};

}  // namespace weir
