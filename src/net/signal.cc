// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/signal.h"

namespace weir::net {

Signal::Wait::~Wait() {
  if (queued_) (notified_ ? signal_.woken_ : signal_.waits_).erase(place_);
}

void Signal::Wait::await_suspend(std::coroutine_handle<> h) {
  waiting_ = h;
  place_ = signal_.waits_.insert(signal_.waits_.end(), this);
  queued_ = true;
  if (limit_ == Time::max()) return;
  timer_.emplace(signal_.core_, [this] {
    if (notified_) return;
    signal_.waits_.erase(place_);
    queued_ = false;
    waiting_.resume();
  });
  timer_->arm_after(limit_);
}

void Signal::notify() {
  if (waits_.empty()) return;
  for (Wait* w : waits_) w->notified_ = true;
  woken_.splice(woken_.end(), waits_);
  if (waking_) return;
  waking_ = true;
  core_.post([this, gate = gate_] {
    if (*gate) wake();
  });
}

void Signal::wake() {
  waking_ = false;
  const auto gate = gate_;
  while (*gate && !woken_.empty()) {
    Wait* w = woken_.front();
    woken_.pop_front();
    w->queued_ = false;
    w->timer_.reset();
    w->waiting_.resume();
  }
}

}  // namespace weir::net
