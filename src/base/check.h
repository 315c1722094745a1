// Weir live-streaming server. MIT licence, see LICENSE.

// CHECK: for promises of our own that must hold. A failure prints the place, the condition and a
// message, then aborts. Input from the network can never reach one; fuzzers hold us to that.
#pragma once

namespace weir {
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const char* why);
}

#define CHECK(condition, why) \
  ((condition) ? (void)0 : ::weir::check_failed(__FILE__, __LINE__, #condition, why))
