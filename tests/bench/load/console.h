// Weir live-streaming server. MIT licence, see LICENSE.

// Console: what every command of weir-load that keeps viewers shares: the words it is told on its
// input, how often it looks at its sockets, where connections come from, how quantiles are written.
// Owned by the command, on the one thread.
#pragma once

#include <string>
#include <utility>

#include "load/loop.h"
#include "load/samples.h"

namespace weir::bench {

inline constexpr size_t kAtOnce = 64;  // connections on their way

// What is typed: "mark", "quit".
class Commands final : public Handler {
 public:
  explicit Commands(Loop& loop);
  bool take_mark() { return std::exchange(mark_, false); }
  bool quit() const { return quit_; }

 private:
  void ready(uint32_t) override;
  bool mark_ = false, quit_ = false;
};

// sleeping: woken by each event. coarse: once a millisecond, so that the sender is not billed for
// waking anybody (docs/benchmarks.md, "Viewers").
enum class Looking { sleeping, coarse };
void look(Loop&, Looking);

// The source address of the i-th connection: ports of one address run short.
std::string source_of(size_t i);

double ms(Time);
// {"n":...,"p50":...,"p99":...,"max":...} in milliseconds.
std::string quantiles(Samples&);

}  // namespace weir::bench
