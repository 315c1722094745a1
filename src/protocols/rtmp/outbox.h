// Weir live-streaming server. MIT licence, see LICENSE.

// Outbox: the one way out of a session's socket. Most of the time a session says little, and what
// the socket does not take at once waits here, bounded. While the session plays, a
// hub::FanOut::Viewer owns the way out and messages are handed to it, to go between two packets.
// Owned by the session, on its core.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "hub/fan_out.h"
#include "net/byte_stream.h"

namespace weir::rtmp {

class Outbox {
 public:
  Outbox(net::ByteStream& stream, hub::PeerPtr peer) : stream_(stream), peer_(std::move(peer)) {}

  // Sends in order; what cannot go now waits. A peer that lets more than 1 MiB wait is cut off.
  void send(Bytes);
  // Gives the way out to a new viewer of this fan-out; waiting bytes go first.
  hub::FanOut::Viewer& lend(std::shared_ptr<hub::FanOut> fan_out, hub::PeerPtr viewer);
  // Takes it back, with what the viewer had not sent of its own.
  void take_back();
  // Bytes that were sent here and that the socket has not taken.
  size_t waiting() const { return viewer_ ? viewer_->waiting() : waiting_bytes_; }
  hub::FanOut::Viewer* viewer() { return viewer_ ? &*viewer_ : nullptr; }
  // Why it gave up on the socket and closed it, if it did.
  const std::optional<Error>& failed() const { return failed_; }

 private:
  struct Room final : net::Waiter {
    explicit Room(Outbox& o) : outbox(o) {}
    void ready() override { outbox.flush(); }
    Outbox& outbox;
  };
  void flush();
  void fail(Error);

  net::ByteStream& stream_;
  hub::PeerPtr peer_;
  std::deque<Bytes> waiting_;
  size_t waiting_bytes_ = 0;
  std::optional<Room> room_;  // engaged while the socket is asked for room
  std::optional<hub::FanOut::Viewer> viewer_;
  std::optional<Error> failed_;
};

}  // namespace weir::rtmp
