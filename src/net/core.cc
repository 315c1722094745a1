// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/core.h"

#include <time.h>

#include <algorithm>

#include "net/loop.h"

namespace weir::net {
namespace {

thread_local Core* t_current = nullptr;

constexpr Time kLoadWindow = 100ms;

Time thread_cpu() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::chrono::seconds{t.tv_sec} + Time{t.tv_nsec};
}

}  // namespace

// Makes a core the calling thread's for a scope.
class Core::Enter {
 public:
  explicit Enter(Core* c) : before_(std::exchange(t_current, c)) {}
  ~Enter() { t_current = before_; }

 private:
  Core* before_;
};

Core::Core(int index) : index_(index), clock_(&system_clock_), loop_(std::make_unique<Loop>()) {}

Core::Core(int index, ManualClock& clock)
    : index_(index), clock_(&clock), manual_(&clock), loop_(std::make_unique<Loop>()) {}

Core::~Core() { discard(); }

void Core::discard() {
  const Enter enter(this);
  loop_.reset();
}

Core& Core::here() {
  CHECK(t_current, "not on a core's thread");
  return *t_current;
}

const Core* Core::current() { return t_current; }

void Core::post(std::move_only_function<void()> f) {
  if (t_current == this) {
    if (loop_) loop_->post_here(std::move(f));
  } else if (loop_) {  // else the process is ending and f with it
    loop_->post_from_elsewhere(std::move(f));
  }
}

void Core::run() {
  const Enter enter(this);
  load_wall_ = now();
  load_cpu_ = thread_cpu();
  Loop& loop = *loop_;
  while (!loop.stopped) {
    loop.run_posted();
    if (loop.stopped) break;
    loop.wait(loop.has_posted() ? 0ns : until_next_timer());
    if (!timers_.empty()) fire_due();
  }
}

void Core::stop() {
  post([this] { loop_->stopped = true; });
}

size_t Core::run_until_idle() {
  const Enter enter(this);
  size_t total = 0;
  for (;;) {
    const size_t n = loop_->run_posted() + loop_->wait(0ns) + fire_due();
    if (n == 0 && !loop_->has_posted()) return total;
    total += n;
  }
}

Time Core::until_next_timer() const {
  if (timers_.empty()) return Time::max();
  return std::max(0ns, timers_.begin()->first - now());
}

size_t Core::fire_due() {
  size_t fired = 0;
  const Time t = now();
  sample_load();
  while (!timers_.empty() && timers_.begin()->first <= t) {
    Timer* timer = timers_.begin()->second;
    timers_.erase(timers_.begin());
    timer->armed_ = false;
    timer->on_fire_();  // may destroy the timer
    ++fired;
  }
  return fired;
}

void Core::sample_load() {
  if (manual_) return;
  const Time wall = now();
  if (wall - load_wall_ < kLoadWindow) return;
  const Time cpu = thread_cpu();
  load_ = std::clamp(static_cast<double>((cpu - load_cpu_).count()) /
                         static_cast<double>((wall - load_wall_).count()),
                     0.0, 1.0);
  load_wall_ = wall;
  load_cpu_ = cpu;
}

void Timer::arm_at(Time when) {
  core_.check();
  if (armed_) core_.timers_.erase(place_);
  armed_ = true;
  place_ = core_.timers_.emplace(when, this);
}

void Timer::cancel() {
  if (!armed_) return;
  core_.timers_.erase(place_);
  armed_ = false;
}

Deadline::Deadline(Core& core, std::move_only_function<void()> on_expiry)
    : core_(core), on_expiry_(std::move(on_expiry)), timer_(core, [this] { check(); }) {}

void Deadline::extend(Time d) {
  if (d <= 0ns) {
    due_ = Time{};
    timer_.cancel();  // or the next extend() would wait for this one to fire
    return;
  }
  const bool sooner = !timer_.armed() || core_.now() + d < due_;
  due_ = core_.now() + d;
  if (sooner) timer_.arm_at(due_);
}

void Deadline::check() {
  if (due_ == Time{}) return;
  if (core_.now() < due_) {
    timer_.arm_at(due_);
    return;
  }
  expired_ = true;
  on_expiry_();
}

Cores::Cores(int count) {
  for (int i = 0; i < count; ++i) cores_.push_back(std::make_unique<Core>(i));
  for (auto& core : cores_) threads_.emplace_back([c = core.get()] { c->run(); });
}

Cores::Cores(int count, ManualClock& clock) {
  for (int i = 0; i < count; ++i) cores_.push_back(std::make_unique<Core>(i, clock));
  t_current = cores_[0].get();
}

Cores::~Cores() {
  for (auto& core : cores_)
    if (!core->manual_) core->stop();
  for (auto& t : threads_) t.join();
  // What never ran may hold things of other cores: all loops go before any core does.
  for (auto& core : cores_) core->discard();
  if (t_current == cores_[0].get()) t_current = nullptr;
}

void Cores::run_until_idle() {
  size_t n = 1;
  while (n > 0) {
    n = 0;
    for (auto& core : cores_) n += core->run_until_idle();
  }
}

void Cores::advance(Time d) {
  run_until_idle();
  ManualClock& clock = *cores_[0]->manual_;
  const Time end = clock.now() + d;
  for (;;) {
    Time next = end;
    for (auto& core : cores_)
      if (!core->timers_.empty()) next = std::min(next, core->timers_.begin()->first);
    if (next > clock.now()) clock.advance(next - clock.now());
    run_until_idle();
    if (clock.now() >= end) return;
  }
}

}  // namespace weir::net
