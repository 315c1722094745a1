// Weir live-streaming server. MIT licence, see LICENSE.

// Request and Response: what handlers see, the same for every HTTP version. A Request is owned by
// its connection and lives on that connection's core; all its texts are views that stay good until
// the handler has returned its Response (an async handler: until its task is done), so whoever goes
// on longer copies. A Response is a value; its bytes are shared, never copied. Leaves out the wire
// (parser.h, response_writer.h) and what every answer gets anyway (Date, CORS, HEAD, Range, ETag,
// gzip: server.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/byte_stream.h"
#include "net/http/content.h"
#include "net/task.h"

namespace weir::net::http {

enum class Method : uint8_t {
  get,
  head,
  post,
  put,
  patch,
  remove,
  options,
  other
};  // remove: DELETE
std::string_view to_string(Method);
Method method_from(std::string_view);

struct HeaderView {
  std::string_view name, value;
};

struct Request {
  Method method = Method::get;
  int version = 11;  // 10, 11; 20 for HTTP/2
  bool keep_alive = true;
  bool secure = false;      // came over TLS
  std::string_view target;  // as sent
  std::string_view path;    // decoded and validated; rewritten when an alias matched
  std::string_view query;   // as sent, without '?'
  std::vector<HeaderView> headers;
  std::vector<HeaderView> params;  // what the route's {names} matched
  Bytes body;
  std::string_view peer;          // "10.0.0.1:53122"
  std::string_view peer_address;  // "10.0.0.1"

  // The first header of that name, in any case; "" when there is none.
  std::string_view header(std::string_view name) const;
  // Whether a comma-separated header, in one or several lines, holds `token` in any case.
  bool header_has(std::string_view name, std::string_view token) const;
  // The first argument of that name, decoded ('+' is a space).
  std::optional<std::string> query_param(std::string_view name) const;
  // What {name} or {name...} of the route's template matched; "" for a name that is not in it.
  std::string_view param(std::string_view name) const;
};

struct Header {
  std::string name, value;
};

// Gets the connection after the response's header was written, with what the peer sent beyond its
// request. Called once, on the connection's core, outside of any coroutine of ours; owns the stream
// from then on and usually spawns a session in its own TaskGroup. Not called when the peer left or
// asked with HEAD.
using Takeover = std::move_only_function<void(std::unique_ptr<ByteStream>, Bytes early)>;

// A body made while it is sent. next() is called again when the bytes before were handed to the
// kernel; empty bytes end the body in order, an error cuts the connection so that the peer sees it
// is incomplete.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual Task<Result<Bytes>> next() = 0;
};

struct Response {
  int status = 200;
  bool close = false;           // end the connection afterwards
  ContentPtr content;           // may be null: no body
  std::vector<Header> headers;  // further lines; never Content-Length, Date, Connection or CORS
  // At most one of these instead of content, with the type among `headers`.
  std::unique_ptr<BodySource> source;  // chunked, or until close for HTTP/1.0
  Takeover takeover;  // the server writes the header (no length, until close), then hands over

  Response() = default;
  explicit Response(int s) : status(s) {}
  // A 200 with a shared content: the way to answer fast.
  Response(ContentPtr c) : content(std::move(c)) {}

  static Response text(int status, std::string_view type, std::string body,
                       std::string_view cache_control = kNoStore);
  // One line that says what is wrong: "404 Not Found: no stream live/foo\n".
  static Response error(int status, std::string_view why);
  static Response redirect(std::string location, int status = 302);
  static Response stream(std::string type, std::unique_ptr<BodySource>);
  // E.g. HTTP-FLV: Response::take_over("video/x-flv", f).
  static Response take_over(std::string type, Takeover);

  Response&& with(std::string name, std::string value) && {
    headers.push_back({std::move(name), std::move(value)});
    return std::move(*this);
  }
};

// "Not Found"; "Unknown" for a number without a name. RFC 9110 15.
std::string_view reason_phrase(int status);
bool equal_ignoring_case(std::string_view, std::string_view);

}  // namespace weir::net::http
