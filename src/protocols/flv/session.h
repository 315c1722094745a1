// Weir live-streaming server. MIT licence, see LICENSE.

// Session: one viewer, from its place in the hub to its one closing line. Made when the request is
// read, so that a name that is not there is answered with a 404; run() when the connection was
// handed over. The fan-out writes; the session only listens: for the end of the connection, and
// over a WebSocket for pings and close (RFC 6455 5.5). Owned by whoever holds the request, then by
// its task; lives on the connection's core. Leaves out the handshake (net/http) and who is let in
// (the hub).
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "base/log.h"
#include "hub/hub.h"
#include "net/byte_stream.h"
#include "net/http/websocket.h"
#include "protocols/flv/form.h"

namespace weir::flv_play {

// RFC 6455 7.4.1.
inline constexpr uint16_t kNormalClose = 1000, kGoingAway = 1001, kPolicyViolation = 1008;

class Session : public std::enable_shared_from_this<Session> {
 public:
  struct About {
    StreamKey key;
    Form form;
    Time wait{};  // how long without a publisher; zero for ever
    hub::PeerPtr peer;
    std::shared_ptr<void> seat;  // given back with the session
  };
  // Fills in what of the peer is the session's: core, id, kick.
  static std::shared_ptr<Session> make(About about);
  explicit Session(About about);

  net::Task<Result<>> subscribe(hub::Hub&);
  // Sends until the stream, the viewer or we end; `early` is what the viewer sent already.
  net::Task<> run(net::ByteStream&, Bytes early);
  // Asks it to end; `close_code` is what a WebSocket is told. The first reason stays.
  void end(Error why, uint16_t close_code);

 private:
  bool websocket() const { return about_.form.carrier == Carrier::websocket; }
  net::Task<> listen(Bytes early);
  net::Task<> play();
  void hear(ByteSpan);
  void message(net::http::WebSocketMessage);
  net::Task<> say_goodbye(std::deque<Bytes> rest);

  About about_;
  net::Core& core_;
  Logger log_;
  std::optional<hub::Subscription> subscription_;
  net::ByteStream* stream_ = nullptr;  // of run()
  std::optional<hub::FanOut::Viewer> viewer_;
  net::Timer patience_;  // for a publisher
  net::http::WebSocketParser parser_;
  uint64_t heard_ = 0;
  bool deaf_ = false;     // what comes is thrown away
  bool hung_up_ = false;  // the viewer sent its close frame: nothing more will come
  bool dead_ = false;     // the connection is gone
  net::Signal silent_;    // listen() is over
  bool listening_ = true;
  std::optional<Error> why_;
  uint16_t close_code_ = kNormalClose;
};

}  // namespace weir::flv_play
