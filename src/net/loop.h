// Weir live-streaming server. MIT licence, see LICENSE.

// What a Core waits with: one epoll set in edge-triggered mode, where a descriptor is registered
// once for its life, and a queue of posted functions with an eventfd to wake the sleeper. Included
// by core.cc and pollable.cc only. epoll(7).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "net/core.h"

namespace weir::net {

// Gets the events of one descriptor, on the core.
class EventSink {
 public:
  virtual void on_events(uint32_t epoll_events) = 0;

 protected:
  ~EventSink() = default;
};

struct Core::Loop {
  using Job = std::move_only_function<void()>;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;

  // Events come until the descriptor is closed. False when the system has no room for it.
  bool add(int fd, EventSink&);
  // Keeps a sink whose descriptor was closed until the events already fetched are dealt with.
  void remove(std::shared_ptr<void> owner) { removed_.push_back(std::move(owner)); }

  void post_here(Job f) { local_.push_back(std::move(f)); }
  void post_from_elsewhere(Job f);
  // Runs what was posted before the call; returns how many.
  size_t run_posted();
  // Waits at most `limit` (zero: not at all) for events and deals with them; returns how many.
  size_t wait(Time limit);
  bool has_posted() const { return !local_.empty(); }

  std::atomic<bool> stopped{false};

 private:
  void take_remote();

  int epoll_ = -1, wake_ = -1;
  std::vector<Job> local_, running_;
  std::vector<std::shared_ptr<void>> removed_;
  std::mutex mutex_;
  std::vector<Job> remote_;    // under mutex_
  bool wake_written_ = false;  // under mutex_: the eventfd is readable
};

}  // namespace weir::net
