// Weir live-streaming server. MIT licence, see LICENSE.

// ByteStream: a connected two-way stream of bytes: TCP, TLS, or a pair in memory for tests.
// Non-blocking at the bottom (try_*, wait_*), which the fan-out loops use, with coroutine forms on
// top. One reader and one writer at a time. Owned by one session, lives on that session's core.
#pragma once

#include <sys/uio.h>

#include <coroutine>
#include <span>
#include <string>

#include "base/bytes.h"
#include "net/task.h"

namespace weir::net {

struct Io {
  enum class Status { ok, would_block, closed, failed };
  Status status = Status::ok;
  size_t count = 0;  // bytes moved when ok, always > 0
  int error = 0;     // errno when failed
};

// Called once, on the core, when what it waits for happened or the stream was closed; never from
// inside wait_*(). Destroying it while waiting unregisters it.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  virtual void ready() = 0;

 protected:
  ~Waiter() {
    if (slot_) *slot_ = nullptr;
  }

 private:
  friend class WaiterSlot;
  Waiter** slot_ = nullptr;
};

// Where a stream keeps the one waiter of a direction.
class WaiterSlot {
 public:
  WaiterSlot() = default;
  WaiterSlot(const WaiterSlot&) = delete;
  ~WaiterSlot() { take(); }
  void set(Waiter& w) {
    CHECK(!waiter_ && !w.slot_, "one waiter for each direction");
    waiter_ = &w;
    w.slot_ = &waiter_;
  }
  Waiter* take() {
    Waiter* w = std::exchange(waiter_, nullptr);
    if (w) w->slot_ = nullptr;
    return w;
  }
  bool empty() const { return !waiter_; }

 private:
  Waiter* waiter_ = nullptr;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  virtual Io try_read(std::span<uint8_t> into) = 0;
  virtual Io try_write(std::span<const iovec> pieces) = 0;
  virtual void wait_readable(Waiter&) = 0;
  virtual void wait_writable(Waiter&) = 0;
  // Ends both directions; pending waiters are called soon, later calls give `closed`.
  virtual void close() = 0;
  // "10.0.0.1:53122" for logs, and the address alone for access rules.
  virtual const std::string& peer() const = 0;
  virtual const std::string& peer_address() const = 0;
  // Bytes accepted from us that the peer's end has not acknowledged; -1 when not known.
  virtual int64_t unsent() const { return -1; }

  class [[nodiscard]] Read final : Waiter {
   public:
    Read(ByteStream& s, std::span<uint8_t> into) : stream_(s), into_(into) {}
    bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    Result<size_t> await_resume();

   private:
    void ready() override;
    ByteStream& stream_;
    std::span<uint8_t> into_;
    std::coroutine_handle<> waiting_;
    Io io_;
  };
  // co_await stream.read_some(buffer): at least one byte, or Code::closed / Code::io.
  Read read_some(std::span<uint8_t> into) { return {*this, into}; }

  class [[nodiscard]] Writable final : Waiter {
   public:
    explicit Writable(ByteStream& s) : stream_(s) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) {
      waiting_ = h;
      stream_.wait_writable(*this);
    }
    void await_resume() const {}

   private:
    void ready() override { waiting_.resume(); }
    ByteStream& stream_;
    std::coroutine_handle<> waiting_;
  };
  Writable writable() { return Writable(*this); }

  // Writes all of it, waiting as often as needed. The memory must stay until the task is done.
  Task<Result<>> write_all(ByteSpan);
  Task<Result<>> write_all(std::span<const iovec>);
};

Error io_error(const Io&, std::string_view doing);

}  // namespace weir::net
