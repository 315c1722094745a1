// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/memory_stream.h"

#include <algorithm>
#include <deque>

namespace weir::net {
namespace {

// One direction.
struct Pipe {
  std::deque<uint8_t> held;
  size_t capacity = 0;
  bool closed = false;
  WaiterSlot reader, writer;
};

void wake_soon(Core& core, std::shared_ptr<Pipe> pipe, WaiterSlot Pipe::*slot) {
  core.post([pipe = std::move(pipe), slot] {
    if (Waiter* w = (pipe.get()->*slot).take()) w->ready();
  });
}

class MemoryStream final : public ByteStream {
 public:
  MemoryStream(Core& core, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
      : core_(core), in_(std::move(in)), out_(std::move(out)) {}
  ~MemoryStream() override {
    in_->reader.take();
    out_->writer.take();
    close();
  }
  Io try_read(std::span<uint8_t> into) override {
    if (closed_ || (in_->held.empty() && in_->closed)) return {Io::Status::closed};
    if (in_->held.empty()) return {Io::Status::would_block};
    const size_t n = std::min(into.size(), in_->held.size());
    const auto end = in_->held.begin() + static_cast<long>(n);
    std::copy(in_->held.begin(), end, into.begin());
    in_->held.erase(in_->held.begin(), end);
    if (!in_->writer.empty()) wake_soon(core_, in_, &Pipe::writer);
    return {Io::Status::ok, n};
  }
  Io try_write(std::span<const iovec> pieces) override {
    if (closed_ || out_->closed) return {Io::Status::closed};
    size_t n = 0;
    for (const auto& piece : pieces) {
      const auto* p = static_cast<const uint8_t*>(piece.iov_base);
      const size_t room = std::min(piece.iov_len, out_->capacity - out_->held.size());
      out_->held.insert(out_->held.end(), p, p + room);
      n += room;
      if (room < piece.iov_len) break;
    }
    if (n == 0) return {Io::Status::would_block};
    if (!out_->reader.empty()) wake_soon(core_, out_, &Pipe::reader);
    return {Io::Status::ok, n};
  }
  void wait_readable(Waiter& w) override {
    in_->reader.set(w);
    if (closed_ || in_->closed || !in_->held.empty()) wake_soon(core_, in_, &Pipe::reader);
  }
  void wait_writable(Waiter& w) override {
    out_->writer.set(w);
    if (closed_ || out_->closed || out_->held.size() < out_->capacity)
      wake_soon(core_, out_, &Pipe::writer);
  }
  void close() override {
    if (closed_) return;
    closed_ = true;
    in_->closed = out_->closed = true;
    for (auto& pipe : {in_, out_}) {
      wake_soon(core_, pipe, &Pipe::reader);
      wake_soon(core_, pipe, &Pipe::writer);
    }
  }
  const std::string& peer() const override { return peer_; }
  const std::string& peer_address() const override { return address_; }
  int64_t unsent() const override { return static_cast<int64_t>(out_->held.size()); }

 private:
  Core& core_;
  std::shared_ptr<Pipe> in_, out_;
  bool closed_ = false;
  std::string peer_ = "memory:0", address_ = "127.0.0.1";
};

}  // namespace

std::pair<std::unique_ptr<ByteStream>, std::unique_ptr<ByteStream>> memory_pair(Core& core,
                                                                                size_t capacity) {
  auto a = std::make_shared<Pipe>(), b = std::make_shared<Pipe>();
  a->capacity = b->capacity = capacity;
  return {std::make_unique<MemoryStream>(core, a, b), std::make_unique<MemoryStream>(core, b, a)};
}

}  // namespace weir::net
