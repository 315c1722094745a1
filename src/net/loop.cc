// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"

namespace weir::net {
namespace {

constexpr int kEventsAtOnce = 256;

// epoll_pwait2 waits to the nanosecond; where a sandbox does not let it through, milliseconds must
// do.
int wait_for_events(int epoll, epoll_event* events, Time limit) {
  static std::atomic<bool> coarse{false};
  if (!coarse.load(std::memory_order_relaxed)) {
    const timespec t{limit / 1s, static_cast<long>((limit % 1s).count())};
    const int n =
        epoll_pwait2(epoll, events, kEventsAtOnce, limit == Time::max() ? nullptr : &t, nullptr);
    if (n >= 0 || errno == EINTR) return n;
    coarse = true;
  }
  const int64_t ms =
      limit == Time::max() ? -1 : std::min<int64_t>((limit + 999'999ns) / 1ms, 1 << 30);
  return epoll_wait(epoll, events, kEventsAtOnce, static_cast<int>(ms));
}

}  // namespace

Core::Loop::Loop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  CHECK(epoll_ >= 0 && wake_ >= 0, "a core has its two descriptors");
  epoll_event e{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &e) == 0, "an eventfd can be waited for");
}

Core::Loop::~Loop() {
  ::close(epoll_);
  ::close(wake_);
}

bool Core::Loop::add(int fd, EventSink& sink) {
  epoll_event e{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &sink}};
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e) == 0;
}

void Core::Loop::post_from_elsewhere(Job f) {
  const std::lock_guard lock(mutex_);
  remote_.push_back(std::move(f));
  if (std::exchange(wake_written_, true)) return;
  const uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
}

void Core::Loop::take_remote() {
  uint64_t ignored;
  const std::lock_guard lock(mutex_);
  (void)!::read(wake_, &ignored, sizeof ignored);
  wake_written_ = false;
  for (auto& f : remote_) local_.push_back(std::move(f));
  remote_.clear();
}

size_t Core::Loop::run_posted() {
  std::swap(local_, running_);
  size_t ran = 0;
  for (auto& f : running_) {
    if (stopped.load(std::memory_order_relaxed)) break;
    Job job = std::move(f);
    job();
    ++ran;
  }
  running_.clear();
  return ran;
}

size_t Core::Loop::wait(Time limit) {
  epoll_event events[kEventsAtOnce];
  const int n = wait_for_events(epoll_, events, limit);
  for (int i = 0; i < n; ++i) {
    if (events[i].data.ptr) {
      static_cast<EventSink*>(events[i].data.ptr)->on_events(events[i].events);
    } else {
      take_remote();
    }
  }
  removed_.clear();
  return n > 0 ? static_cast<size_t>(n) : 0;
}

}  // namespace weir::net
