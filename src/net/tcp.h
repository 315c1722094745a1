// Weir live-streaming server. MIT licence, see LICENSE.

// TCP: streams, listeners and outgoing connections on one core. A service that listens makes one
// TcpListener for each core on the same endpoint (SO_REUSEPORT), so that a connection is born on
// the core where it lives. Endpoints are numeric addresses here; names are resolved elsewhere.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/byte_stream.h"
#include "net/core.h"

namespace weir::net {

struct TcpOptions {
  // Bytes the kernel may hold for a peer that does not read; zero leaves the kernel's own choice.
  int send_buffer = 0;
  // Fails when somebody listens there already; for the first of a service's listeners, or two
  // processes would share the port and its connections without a word.
  bool first = false;
};

class TcpListener {
 public:
  // host: "0.0.0.0", "127.0.0.1", "::", "[::1]"; port 0 takes any free one.
  static Result<std::unique_ptr<TcpListener>> open(Core& core, const std::string& host,
                                                   uint16_t port, TcpOptions options = {});
  ~TcpListener();
  uint16_t port() const;
  // The next connection; Code::closed after close(). Out of descriptors: waits a little and goes
  // on.
  Task<Result<std::unique_ptr<ByteStream>>> accept();
  void close();

 private:
  struct State;
  explicit TcpListener(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

// Connects to a numeric address. `local` (numeric, may be empty) is the source address to use.
Task<Result<std::unique_ptr<ByteStream>>> dial_tcp(Core& core, std::string host, uint16_t port,
                                                   std::string local = {});

}  // namespace weir::net
