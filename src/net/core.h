// Weir live-streaming server. MIT licence, see LICENSE.

// Core: one thread, one event loop, the clock and timers of everything that lives there. Cores: all
// of them; owned by main. Crossing from one core to another happens only through post() and on(). A
// Core made with a ManualClock has no thread and is driven by a test with run_until_idle() and
// advance(). It waits in epoll (loop.h).
#pragma once

#include <coroutine>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/time.h"
#include "net/task.h"

namespace weir::net {

class Timer;

class Core {
 public:
  explicit Core(int index);
  Core(int index, ManualClock& clock);
  ~Core();
  Core(const Core&) = delete;

  int index() const { return index_; }
  const Clock& clock() const { return *clock_; }
  Time now() const { return clock_->now(); }

  // Runs f on this core, later; never inside the call. From any thread.
  void post(std::move_only_function<void()> f);

  // The core the calling thread is running; CHECKs that there is one.
  static Core& here();
  // For class invariants: in debug builds CHECKs that the caller runs on this core.
  void check() const {
#ifndef NDEBUG
    CHECK(current() == this, "called from another core");
#endif
  }

  // Share of the last 100 ms or so that this thread was busy, 0..1, for adaptive merging and
  // statistics.
  double load() {
    sample_load();
    return load_;
  }

  // Runs until stop(). Called by Cores on the core's thread.
  void run();
  void stop();  // any thread
  // For tests: runs what is ready, including sockets, until nothing is; returns how much that was.
  size_t run_until_idle();

  struct Loop;                          // loop.h
  Loop* loop() { return loop_.get(); }  // null while the process ends

 private:
  friend Timer;
  friend class Cores;
  using TimerMap = std::multimap<Time, Timer*>;

  static const Core* current();
  class Enter;
  // Frees the loop and what was posted and never ran; later posts are dropped.
  void discard();
  Time until_next_timer() const;
  size_t fire_due();
  void sample_load();

  int index_;
  SystemClock system_clock_;
  const Clock* clock_;
  ManualClock* manual_ = nullptr;
  std::unique_ptr<Loop> loop_;
  TimerMap timers_;
  double load_ = 0;
  Time load_wall_{}, load_cpu_{};
};

// A one-shot timer on one core. Lives inside its user; destruction cancels. Re-arming is cheap.
class Timer {
 public:
  Timer(Core& core, std::move_only_function<void()> on_fire)
      : core_(core), on_fire_(std::move(on_fire)) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;

  void arm_at(Time when);
  void arm_after(Time delay) { arm_at(core_.now() + delay); }
  void cancel();
  bool armed() const { return armed_; }

 private:
  friend Core;
  Core& core_;
  std::move_only_function<void()> on_fire_;
  Core::TimerMap::iterator place_;
  bool armed_ = false;
};

// A deadline of a session, moved forward by progress: extend() is one store, and one timer serves
// all.
class Deadline {
 public:
  Deadline(Core& core, std::move_only_function<void()> on_expiry);
  // Expires `d` from now unless extended again; zero turns it off.
  void extend(Time d);
  bool expired() const { return expired_; }

 private:
  void check();
  Core& core_;
  Time due_{};
  bool expired_ = false;
  std::move_only_function<void()> on_expiry_;
  Timer timer_;
};

class Cores {
 public:
  // `count` >= 1. Threads start at once.
  explicit Cores(int count);
  // For tests: `count` cores without threads; the caller's thread counts as being on core 0.
  Cores(int count, ManualClock& clock);
  // Stops the loops and joins the threads.
  ~Cores();
  int size() const { return static_cast<int>(cores_.size()); }
  Core& operator[](int i) { return *cores_[static_cast<size_t>(i)]; }
  // For tests, as Core's own, over all cores.
  void run_until_idle();
  void advance(Time);

 private:
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<std::thread> threads_;
};

// co_await on(core): the coroutine goes on there.
struct on {
  explicit on(Core& target) : core(target) {}
  Core& core;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) const {
    core.post([h] { h.resume(); });
  }
  void await_resume() const {}
};

}  // namespace weir::net
