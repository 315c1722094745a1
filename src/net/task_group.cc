// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/task_group.h"

namespace weir::net {

// A coroutine that owns itself: frees its frame when done. Only TaskGroup makes them.
struct TaskGroup::Root {
  struct promise_type {
    Root get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

TaskGroup::Root TaskGroup::drive(Task<> task) {
  ++running_;
  {
    Task<> mine = std::move(task);
    co_await mine;
  }
  if (--running_ == 0) idle_.notify();
}

void TaskGroup::spawn(Task<> task) {
  core_.check();
  drive(std::move(task));
}

Task<> TaskGroup::close() {
  while (running_ > 0) co_await idle_.wait();
}

Task<> both(Core& core, Task<> a, Task<> b) {
  TaskGroup group(core);
  group.spawn(std::move(a));
  co_await b;
  co_await group.close();
}

}  // namespace weir::net
