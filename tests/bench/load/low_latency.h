// Weir live-streaming server. MIT licence, see LICENSE.

// The commands `ll` and `wait` of weir-load; what they do and write is told at the top of main.cc.
// Each blocks its thread until its input ends.
#pragma once

#include <string>

#include "load/loop.h"
#include "load/waiters.h"

namespace weir::bench {

// `path`: "/live/name". The result is the process's.
int watch_low_latency(const Address& server, const std::string& path, size_t count);
int wait_together(const Address& server, const std::string& path, size_t count, WaitFor what);

}  // namespace weir::bench
