// Weir live-streaming server. MIT licence, see LICENSE.

// ResponseWriter: Response -> bytes for one Request (RFC 9112 4, RFC 9110 13-15): chooses the
// coding, answers ranges and conditions, leaves out bodies for HEAD, adds CORS (Fetch 3.2). One per
// core; keeps the lines that every answer has rendered, for a second each. Leaves out when to write
// (connection.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "net/http/message.h"
#include "net/http/negotiate.h"
#include "net/http/output.h"

namespace weir::net::http {

// What follows the head.
enum class Follows {
  nothing,   // the answer is whole
  source,    // response.source in chunks
  raw,       // response.source until close
  takeover,  // the connection is given away
};

class ResponseWriter {
 public:
  explicit ResponseWriter(std::vector<std::string> cors_origins);

  // Appends head and body to `out`; moves the content out of `response`. `keep_alive`: whether the
  // connection goes on after this; the head says so.
  Follows write(const Request&, Response& response, bool keep_alive, WallTime now, Output& out);
  // Answer to OPTIONS: preflight or not. `allow` is what the path answers.
  Response options(const Request&, const std::vector<Method>& allow) const;

 private:
  const std::string& common(WallTime now);
  void write_content(const Request&, Response&, size_t begin, std::string& text, Output& out);
  static void write_range(ContentPtr, const Range&, std::string& text, Output& out);
  void add_cors(const Request&, std::string& text) const;

  std::vector<std::string> origins_;
  bool any_origin_ = false;
  int64_t second_ = -1;  // the wall clock's, that `common_` is for
  std::string
      common_;  // "HTTP/1.1 200 OK" with Server, Date and, when it is the same for all, CORS
};

std::string join_methods(const std::vector<Method>&);
// "Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110 5.6.7.
std::string http_date(WallTime);
// A chunk's head, "1a2\r\n" (RFC 9112 7.1).
std::string chunk_head(size_t);

}  // namespace weir::net::http
