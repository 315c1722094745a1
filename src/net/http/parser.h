// Weir live-streaming server. MIT licence, see LICENSE.

// RequestParser: bytes of HTTP/1.x -> Request (RFC 9112). Incremental, pure, bounded. Boost.Beast's
// basic_parser does the grammar, inside parser.cc only; this class adds what keeps two readers of
// one connection from disagreeing: strict CRLF, no folded lines, one Content-Length, never both
// length and chunked, exactly one Host. Owned by a connection and used for one request after
// another.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "net/http/message.h"

namespace weir::net::http {

struct ParserLimits {
  size_t header = 16 << 10;  // request line and headers
  size_t fields = 100;
  size_t body = 1 << 20;
};

class RequestParser {
 public:
  enum class State {
    head,    // wants more of the request line and headers
    body,    // the head is in the request; wants more of the body
    done,    // the request is whole
    failed,  // status() and why() say what to answer; the connection cannot go on
  };

  RequestParser();
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;

  // Begins the next request. `into` and what `limits` says hold until it is done.
  void start(Request& into, const ParserLimits& limits);

  // Takes bytes; returns how many were used. While the state is `head` nothing but empty lines is
  // used until the head is whole; then exactly the head is, and the request's views point into
  // `in`, so those bytes must stay where they are. A caller whose buffer moves passes the head
  // again from its start. In state `body` everything that belongs to the body is used and copied
  // out.
  size_t feed(ByteSpan in);

  State state() const { return state_; }
  int status() const { return status_; }
  const std::string& why() const { return why_; }
  // Valid once the head is whole.
  bool expects_continue() const;

 private:
  struct Grammar;
  size_t feed_head(ByteSpan in);
  size_t feed_body(ByteSpan in);
  // How long the head is; 0 when its end is not there yet or the state became `failed`.
  size_t find_head_end(ByteSpan in);
  void check_head();
  void fail_with(int status, std::string why);

  std::unique_ptr<Grammar> grammar_;
  Request* request_ = nullptr;
  ParserLimits limits_;
  State state_ = State::head;
  size_t line_at_ = 0;  // the line that find_head_end goes on with
  int status_ = 0;
  std::string why_;
};

}  // namespace weir::net::http
