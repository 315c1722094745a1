// Weir live-streaming server. MIT licence, see LICENSE.

// ResponseParser: bytes of an HTTP/1.x response -> status, headers, body (RFC 9112). The client's
// half of parser.h, and like it Beast's grammar inside one .cc. Incremental, pure, bounded; one per
// response.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/http/message.h"

namespace weir::net::http {

class ResponseParser {
 public:
  // `request`: what it answers; a response to HEAD has no body.
  explicit ResponseParser(Method request);
  ~ResponseParser();

  // Takes bytes; returns how many were used; the rest belongs to what follows, or, until the head
  // is whole, has to be passed again with more behind it. Code::protocol or Code::limit.
  Result<size_t> feed(ByteSpan);
  // The peer closed: ends a body that goes on until then. Code::closed when something is missing.
  Result<> end();

  bool head_done() const;
  bool done() const;
  bool keep_alive() const;
  int status() const { return status_; }
  std::vector<Header>& headers() { return headers_; }
  // What has come of the body since the last call.
  Bytes take_body();

 private:
  struct Grammar;
  std::unique_ptr<Grammar> grammar_;
  int status_ = 0;
  std::vector<Header> headers_;
  std::vector<uint8_t> body_;
};

}  // namespace weir::net::http
