// Weir live-streaming server. MIT licence, see LICENSE.

// TaskGroup: the only way to start a task that nobody awaits at once. It knows each task's name,
// counts them and can be waited for, so that nothing is left running when its owner goes. Lives on
// one core; the owner closes what its tasks wait on, then awaits close(), before destroying the
// group.
#pragma once

#include <string_view>

#include "net/signal.h"
#include "net/task.h"

namespace weir::net {

class TaskGroup {
 public:
  explicit TaskGroup(Core& core) : core_(core), idle_(core) {}
  ~TaskGroup() { CHECK(running_ == 0, "a task group is closed before it goes"); }
  TaskGroup(const TaskGroup&) = delete;

  // Starts the task at once, on this core; it runs until its first wait inside the call.
  void spawn(Task<> task);
  size_t running() const { return running_; }
  // Returns when no task runs any more.
  Task<> close();

 private:
  struct Root;
  Root drive(Task<> task);
  Core& core_;
  size_t running_ = 0;
  Signal idle_;
};

// Runs a and b, both on this core, and returns when both are done. Each must see to it that the
// other ends when it ends (by closing what both use).
Task<> both(Core& core, Task<> a, Task<> b);

}  // namespace weir::net
