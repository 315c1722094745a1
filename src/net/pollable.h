// Weir live-streaming server. MIT licence, see LICENSE.

// Pollable: readiness of one file descriptor on one core. Owns the descriptor. The sockets above it
// read and write with plain system calls and come here only when those would block.
#pragma once

#include <memory>

#include "net/byte_stream.h"
#include "net/core.h"

namespace weir::net {

class Pollable {
 public:
  // Takes `fd`, which must be non-blocking.
  Pollable(Core& core, int fd);
  ~Pollable();
  Pollable(const Pollable&) = delete;

  int fd() const;
  void wait_readable(Waiter&);
  void wait_writable(Waiter&);
  // Closes the descriptor; waiters are called soon.
  void close();
  bool closed() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weir::net
