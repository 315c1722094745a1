// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/time.h"

#include <fmt/format.h>

#include <ctime>

namespace weir {
namespace {

using Wide = __int128;

int64_t scale(int64_t value, int64_t mul, int64_t div) {
  const Wide product = static_cast<Wide>(value) * mul;
  const Wide half = div / 2;
  return static_cast<int64_t>((product >= 0 ? product + half : product - half) / div);
}

constexpr int64_t kNanosPerSecond = 1'000'000'000;

}  // namespace

Time from_ticks(int64_t ticks, int64_t per_second) {
  return Time{scale(ticks, kNanosPerSecond, per_second)};
}

int64_t to_ticks(Time t, int64_t per_second) {
  return scale(t.count(), per_second, kNanosPerSecond);
}

std::string format_utc(WallTime t) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms % 1000);
}

Time SystemClock::now() const { return std::chrono::steady_clock::now().time_since_epoch(); }

WallTime SystemClock::wall() const {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

}  // namespace weir
