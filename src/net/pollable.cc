// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/pollable.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include "net/loop.h"

namespace weir::net {

using boost::asio::posix::stream_descriptor;

struct Pollable::State : std::enable_shared_from_this<State> {
  State(Core& c, int descriptor) : core(c), io(c.loop().io, descriptor) {}

  void wait(WaiterSlot& slot, bool& pending, stream_descriptor::wait_type what, Waiter& w) {
    slot.set(w);
    if (closed) {
      core.post([self = shared_from_this(), &slot] { wake(slot); });
      return;
    }
    // A waiter may have unregistered and another come while the kernel is still being asked.
    if (pending) return;
    pending = true;
    io.async_wait(what, [self = shared_from_this(), &slot, &pending](boost::system::error_code) {
      pending = false;
      wake(slot);
    });
  }

  static void wake(WaiterSlot& slot) {
    if (Waiter* w = slot.take()) w->ready();
  }

  Core& core;
  stream_descriptor io;
  bool closed = false;
  WaiterSlot reader, writer;
  bool read_pending = false, write_pending = false;
};

Pollable::Pollable(Core& core, int fd) : state_(std::make_shared<State>(core, fd)) {}

Pollable::~Pollable() {
  state_->reader.take();
  state_->writer.take();
  close();
}

int Pollable::fd() const { return state_->io.native_handle(); }

void Pollable::wait_readable(Waiter& w) {
  state_->wait(state_->reader, state_->read_pending, stream_descriptor::wait_read, w);
}

void Pollable::wait_writable(Waiter& w) {
  state_->wait(state_->writer, state_->write_pending, stream_descriptor::wait_write, w);
}

void Pollable::close() {
  if (state_->closed) return;
  state_->closed = true;
  boost::system::error_code ignored;
  state_->io.close(ignored);  // pending waits complete with an error, through the loop
}

bool Pollable::closed() const { return state_->closed; }

}  // namespace weir::net
