// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/console.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string_view>

namespace weir::bench {
namespace {

constexpr size_t kPerSource = 10'000;  // ports of one source address run short above 14,000
constexpr Time kCoarse = 1ms;

}  // namespace

Commands::Commands(Loop& loop) { loop.add(STDIN_FILENO, EPOLLIN, *this); }

void Commands::ready(uint32_t) {
  std::array<char, 256> buffer;
  const ssize_t n = read(STDIN_FILENO, buffer.data(), buffer.size());
  const std::string_view text(buffer.data(), n > 0 ? static_cast<size_t>(n) : 0);
  mark_ |= text.find("mark") != std::string_view::npos;
  quit_ |= n <= 0 || text.find("quit") != std::string_view::npos;
}

void look(Loop& loop, Looking how) {
  if (how == Looking::sleeping) {
    loop.turn(1s);
    return;
  }
  sleep_until(monotonic() + kCoarse);
  while (loop.turn(0s) > 0) {
  }
}

std::string source_of(size_t i) { return "127.0.0." + std::to_string(2 + i / kPerSource); }

double ms(Time t) { return static_cast<double>(t.count()) / 1e6; }

std::string quantiles(Samples& s) {
  std::array<char, 160> line;
  std::snprintf(line.data(), line.size(), R"({"n":%zu,"p50":%.3f,"p99":%.3f,"max":%.3f})",
                s.count(), ms(s.quantile(.5)), ms(s.quantile(.99)), ms(s.quantile(1)));
  return line.data();
}

}  // namespace weir::bench
