// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/outbox.h"

namespace weir::rtmp {
namespace {

constexpr size_t kMostWaiting = 1 << 20;

}  // namespace

void Outbox::send(Bytes b) {
  if (failed_ || b.empty()) return;
  if (viewer_) {
    viewer_->send(std::move(b));
    return;
  }
  if (waiting_bytes_ + b.size() > kMostWaiting) {
    fail({Code::limit, "too much waits to be sent"});
    return;
  }
  waiting_bytes_ += b.size();
  waiting_.push_back(std::move(b));
  if (!room_) flush();
}

void Outbox::fail(Error why) {
  failed_ = std::move(why);
  waiting_.clear();
  waiting_bytes_ = 0;
  stream_.close();  // the reader ends the session
}

void Outbox::flush() {
  room_.reset();
  while (!waiting_.empty()) {
    const Bytes& b = waiting_.front();
    const iovec piece{const_cast<uint8_t*>(b.data()), b.size()};
    const net::Io io = stream_.try_write({&piece, 1});
    if (io.status == net::Io::Status::would_block) {
      room_.emplace(*this);
      stream_.wait_writable(*room_);
      return;
    }
    if (io.status != net::Io::Status::ok) {
      fail(net::io_error(io, "write"));
      return;
    }
    peer_->bytes_out.add(io.count);
    waiting_bytes_ -= io.count;
    if (io.count == b.size()) {
      waiting_.pop_front();
    } else {
      waiting_.front() = b.slice(io.count);
    }
  }
}

hub::FanOut::Viewer& Outbox::lend(std::shared_ptr<hub::FanOut> fan_out, hub::PeerPtr viewer) {
  room_.reset();
  viewer_.emplace(std::move(fan_out), stream_, std::move(viewer));
  for (Bytes& b : std::exchange(waiting_, {})) viewer_->send(std::move(b));
  waiting_bytes_ = 0;
  return *viewer_;
}

void Outbox::take_back() {
  if (!viewer_) return;
  auto rest = viewer_->release();
  viewer_.reset();
  for (Bytes& b : rest) send(std::move(b));
}

}  // namespace weir::rtmp
