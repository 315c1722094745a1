// Weir live-streaming server. MIT licence, see LICENSE.

// Server: HTTP/1.1 and 1.0 (RFC 9110, 9112) on every core: a listener each (SO_REUSEPORT),
// connections that stay on the core they arrived on, handlers found by a Router. It does for every
// answer what need not be said twice: HEAD, Range, ETag, gzip choice, CORS and preflights, Date,
// keep-alive, pipelining, limits, time-outs. Owned by main; start() and stop() are awaited on any
// core, stop() before destruction. Leaves out TLS and HTTP/2, which bring their own ByteStream or
// wire and share Router, Request and Response.
#pragma once

#include <atomic>
#include <memory>

#include "base/counters.h"
#include "net/core.h"
#include "net/http/config.h"
#include "net/http/router.h"

namespace weir::net::http {

struct ServerCounters {
  Counter accepted, refused, requests, bytes_out, protocol_errors, timeouts;
  std::atomic<int64_t> active{0};  // connections that are ours; one taken over is not
};

class Server {
 public:
  Server(Cores&, std::shared_ptr<const Router>, std::shared_ptr<const HttpConfig>);
  // Stopped, or never started.
  ~Server();

  // Opens the listeners; an endpoint that is off opens none. After an error nothing listens.
  Task<Result<>> start();
  // The port that is listened on: the system's choice when the configuration says 0.
  uint16_t port() const;
  // Stops accepting, closes idle connections at once, lets current responses finish, cuts what is
  // left after `grace`. Connections taken over are their owners' to close. A handler that waits
  // must end by itself.
  Task<> stop(Time grace = std::chrono::seconds{5});

  // Answers on a connection that came some other way (tests, TLS), on the calling core.
  void serve(std::unique_ptr<ByteStream>);

  const ServerCounters& counters() const;

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace weir::net::http
