// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/pollable.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "net/loop.h"

namespace weir::net {

// Registered once, edge-triggered: waiting costs no system call. An edge that nobody waits for is
// remembered and wakes the next waiter at once, who may then find nothing; waiters of this room try
// again.
struct Pollable::State final : EventSink, std::enable_shared_from_this<State> {
  struct Direction {
    WaiterSlot slot;
    bool edge = false;
  };

  State(Core& c, int descriptor) : core(c), fd(descriptor) {}

  void on_events(uint32_t events) override {
    // The peer's end does not make a new edge if it came with data, so it is remembered for good.
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) ended = true;
    if (!closed && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))) edge(reader);
    if (!closed && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) edge(writer);
  }
  void edge(Direction& d) {
    d.edge = d.slot.empty();
    wake(d);
  }
  void wait(Direction& d, Waiter& w) {
    d.slot.set(w);
    if (closed || std::exchange(d.edge, false) || (ended && &d == &reader)) wake_soon(d);
  }
  void wake_soon(Direction& d) {
    core.post([self = shared_from_this(), &d] { wake(d); });
  }
  static void wake(Direction& d) {
    if (Waiter* w = d.slot.take()) w->ready();
  }
  void close() {
    if (closed) return;
    closed = true;
    ::close(std::exchange(fd, -1));  // leaves the epoll set by that
    if (!core.loop()) return;
    core.loop()->remove(shared_from_this());
    if (!reader.slot.empty()) wake_soon(reader);
    if (!writer.slot.empty()) wake_soon(writer);
  }

  Core& core;
  int fd;
  bool closed = false, ended = false;
  Direction reader, writer;
};

Pollable::Pollable(Core& core, int fd) : state_(std::make_shared<State>(core, fd)) {
  if (!core.loop() || !core.loop()->add(fd, *state_)) state_->close();
}

Pollable::~Pollable() {
  state_->reader.slot.take();
  state_->writer.slot.take();
  state_->close();
}

int Pollable::fd() const { return state_->fd; }
void Pollable::wait_readable(Waiter& w) { state_->wait(state_->reader, w); }
void Pollable::wait_writable(Waiter& w) { state_->wait(state_->writer, w); }
void Pollable::close() { state_->close(); }
bool Pollable::closed() const { return state_->closed; }

}  // namespace weir::net
