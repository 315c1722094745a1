// Weir live-streaming server. MIT licence, see LICENSE.

// Client: one HTTP/1.1 connection and the requests made over it, one at a time. Owned by whoever
// asks; lives on one core. Small: for hooks, relays and tests. Leaves out names (dial() takes a
// numeric address), TLS (give it a TLS ByteStream), redirects, cookies and pools.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/core.h"
#include "net/http/message.h"
#include "net/http/response_parser.h"

namespace weir::net::http {

struct ClientRequest {
  std::string target = "/";
  Method method = Method::get;
  std::string host = {};             // of the Host header; empty: the peer's address
  std::vector<Header> headers = {};  // further ones
  Bytes body = {};
};

struct ClientResponse {
  int status = 0;
  std::vector<Header> headers;
  Bytes body;
  // The first of that name in any case; "" when there is none.
  std::string_view header(std::string_view name) const;
};

class Client {
 public:
  // `patience`: how long nothing may move before a call gives Code::timeout.
  explicit Client(Core&, std::unique_ptr<ByteStream>, Time patience = std::chrono::seconds{10});
  static Task<Result<std::unique_ptr<Client>>> dial(Core&, std::string address, uint16_t port,
                                                    Time patience = std::chrono::seconds{10});

  // The whole exchange; a body of more than `limit` bytes is Code::limit.
  Task<Result<ClientResponse>> fetch(ClientRequest, size_t limit = 16 << 20);

  // In parts: the head, then next() until it gives no bytes.
  Task<Result<ClientResponse>> open(ClientRequest);
  Task<Result<Bytes>> next();

  // Whether another request may follow.
  bool usable() const { return usable_; }
  // After open(): the connection itself and what came behind the head (WebSocket).
  struct Released {
    std::unique_ptr<ByteStream> stream;
    Bytes early;
  };
  Released release() &&;

 private:
  Task<Result<>> read_more();
  Result<> parse();
  std::unexpected<Error> broken(Error);

  std::unique_ptr<ByteStream> stream_;
  Time patience_;
  Deadline deadline_;
  std::optional<ResponseParser> parser_;
  std::vector<uint8_t> held_;
  bool usable_ = true;
};

}  // namespace weir::net::http
