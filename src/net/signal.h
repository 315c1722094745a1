// Weir live-streaming server. MIT licence, see LICENSE.

// Signal: what coroutines of one core wait on for each other. notify() wakes everyone waiting now,
// once, inside the call's core turn but never inside notify() itself. wait_for() gives up after a
// while. Waiting coroutines may be destroyed while waiting. Leaves out memory: a notify with nobody
// waiting is lost, so callers re-check their condition in a loop.
#pragma once

#include <coroutine>
#include <list>

#include "net/core.h"

namespace weir::net {

class Signal {
 public:
  class [[nodiscard]] Wait {
   public:
    Wait(Signal& s, Time limit) : signal_(s), limit_(limit) {}
    ~Wait();
    Wait(const Wait&) = delete;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<>);
    // False when the time ran out.
    bool await_resume() const { return notified_; }

   private:
    friend Signal;
    Signal& signal_;
    Time limit_;
    std::coroutine_handle<> waiting_;
    std::optional<Timer> timer_;
    std::list<Wait*>::iterator place_;
    bool queued_ = false, notified_ = false;
  };

  explicit Signal(Core& core) : core_(core), gate_(std::make_shared<bool>(true)) {}
  ~Signal() { *gate_ = false; }
  Signal(const Signal&) = delete;

  Wait wait() { return Wait(*this, Time::max()); }
  Wait wait_for(Time limit) { return Wait(*this, limit); }
  void notify();
  bool has_waiters() const { return !waits_.empty(); }

 private:
  void wake();
  Core& core_;
  std::list<Wait*> waits_;  // not notified yet
  std::list<Wait*> woken_;  // to be resumed by wake()
  bool waking_ = false;
  std::shared_ptr<bool> gate_;
};

}  // namespace weir::net
