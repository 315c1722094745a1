// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/parser.h"

// Beast 1.81 asserts that at least 5 bytes are there when it comes back to a last chunk; "0\r\n" as
// the first chunk, cut behind its line, has fewer and is read rightly all the same.
#define BOOST_DISABLE_ASSERTS
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <optional>

#include "net/http/target.h"

namespace weir::net::http {
namespace {

namespace beast = boost::beast;
using BeastView = beast::string_view;
using beast::http::field;

std::string_view view(BeastView s) { return {s.data(), s.size()}; }

// Beast's grammar with our storage: views into the input, a vector for the body.
class Base : public beast::http::basic_parser<true> {
 public:
  Request* request = nullptr;
  size_t max_fields = 0;
  size_t lengths = 0, codings = 0, hosts = 0;
  bool bad_coding = false, expect = false, other_expectation = false, too_many = false;
  bool head_done = false;
  std::vector<uint8_t> body;

 private:
  using Error = beast::error_code;

  void on_request_impl(beast::http::verb, BeastView method, BeastView target, int version,
                       Error&) override {
    request->method = method_from(view(method));
    request->target = view(target);
    request->version = version;
  }
  void on_field_impl(field name, BeastView text, BeastView value, Error& e) override {
    if (head_done) return;  // trailers: nothing of ours reads them
    if (request->headers.size() >= max_fields) {
      too_many = true;
      e = beast::http::error::header_limit;
      return;
    }
    request->headers.push_back({view(text), view(value)});
    if (name == field::content_length) ++lengths;
    if (name == field::host) ++hosts;
    if (name == field::transfer_encoding) {
      ++codings;
      bad_coding |= !equal_ignoring_case(view(value), "chunked");
    }
    if (name == field::expect)
      (equal_ignoring_case(view(value), "100-continue") ? expect : other_expectation) = true;
  }
  void on_header_impl(Error&) override { head_done = true; }
  void on_body_init_impl(const boost::optional<uint64_t>& size, Error&) override {
    // Not more than arrives soon: a length alone must not cost memory.
    if (size) body.reserve(std::min<uint64_t>(*size, 64 << 10));
  }
  size_t on_body_impl(BeastView part, Error&) override {
    body.insert(body.end(), part.begin(), part.end());
    return part.size();
  }
  void on_chunk_header_impl(uint64_t, BeastView, Error&) override {}
  size_t on_chunk_body_impl(uint64_t, BeastView part, Error&) override {
    body.insert(body.end(), part.begin(), part.end());
    return part.size();
  }
  void on_finish_impl(Error&) override {}
  // Responses only.
  void on_response_impl(int, BeastView, int, Error&) override {}
};

}  // namespace

struct RequestParser::Grammar {
  std::optional<Base> beast;
};

RequestParser::RequestParser() : grammar_(std::make_unique<Grammar>()) {}
RequestParser::~RequestParser() = default;

void RequestParser::start(Request& into, const ParserLimits& limits) {
  request_ = &into;
  limits_ = limits;
  state_ = State::head;
  line_at_ = 0;
  status_ = 0;
  Base& b = grammar_->beast.emplace();
  b.request = &into;
  b.max_fields = limits.fields;
  b.header_limit(static_cast<uint32_t>(limits.header));
  b.body_limit(limits.body);
  b.eager(false);
  into.headers.clear();
  into.params.clear();
  into.body = {};
}

bool RequestParser::expects_continue() const {
  return grammar_->beast->expect && request_->version >= 11;
}

void RequestParser::fail_with(int status, std::string why) {
  state_ = State::failed;
  status_ = status;
  why_ = std::move(why);
}

size_t RequestParser::feed(ByteSpan in) {
  if (state_ == State::head) return feed_head(in);
  if (state_ == State::body) return feed_body(in);
  return 0;
}

size_t RequestParser::find_head_end(ByteSpan in) {
  const size_t most = std::min(in.size(), limits_.header);
  while (line_at_ < most) {
    const void* lf = std::memchr(in.data() + line_at_, '\n', most - line_at_);
    if (!lf) break;
    const size_t end = static_cast<size_t>(static_cast<const uint8_t*>(lf) - in.data());
    // RFC 9112 2.2 lets a bare LF end a line; a proxy before us may not see it so.
    if (end == line_at_ || in[end - 1] != '\r')
      return fail_with(400, "a line does not end in CRLF"), 0;
    if (in[line_at_] == ' ' || in[line_at_] == '\t')
      return fail_with(400, "folded header lines are not accepted"), 0;
    if (end == line_at_ + 1) return end + 1;
    line_at_ = end + 1;
  }
  if (in.size() >= limits_.header) {
    if (line_at_ == 0) {
      fail_with(414, "the request line is too long");
    } else {
      fail_with(431, "more than " + std::to_string(limits_.header) + " bytes of headers");
    }
  }
  return 0;
}

size_t RequestParser::feed_head(ByteSpan in) {
  size_t skipped = 0;
  // RFC 9112 2.2: empty lines before a request are passed over.
  if (line_at_ == 0)
    while (in.size() >= skipped + 2 && in[skipped] == '\r' && in[skipped + 1] == '\n') skipped += 2;
  in = in.subspan(skipped);
  const size_t size = find_head_end(in);
  if (size == 0) return skipped;
  Base& b = *grammar_->beast;
  beast::error_code e;
  size_t used = b.put({in.data(), size}, e);
  // Without `eager` the request line may be given back before the headers.
  if (!e && !b.is_header_done()) used += b.put({in.data() + used, size - used}, e);
  if (e || used != size) {
    using beast::http::error;
    if (e == error::body_limit)
      fail_with(413, "the body is larger than " + std::to_string(limits_.body) + " bytes");
    else if (b.too_many)
      fail_with(431, "more than " + std::to_string(limits_.fields) + " headers");
    else if (e == error::bad_version)
      fail_with(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    else
      fail_with(400, e ? e.message() : "the head ends early");
    return skipped;
  }
  check_head();
  if (state_ == State::failed) return skipped;
  request_->keep_alive = b.keep_alive();
  state_ = b.is_done() ? State::done : State::body;
  return skipped + size;
}

void RequestParser::check_head() {
  const Base& b = *grammar_->beast;
  const bool old = request_->version < 11;
  // RFC 9112 6.3: what could be read as two different lengths is refused.
  if (b.lengths > 1) return fail_with(400, "more than one Content-Length");
  if (b.codings > 0 && b.lengths > 0)
    return fail_with(400, "both Content-Length and Transfer-Encoding");
  if (b.codings > 0 && old) return fail_with(400, "Transfer-Encoding in HTTP/1.0");
  if (b.codings > 1 || b.bad_coding)
    return fail_with(501, "the only transfer coding accepted is chunked");
  if (b.hosts > 1 || (b.hosts == 0 && !old)) return fail_with(400, "wants exactly one Host");
  if (b.other_expectation) return fail_with(417, "the only expectation known is 100-continue");
}

size_t RequestParser::feed_body(ByteSpan in) {
  Base& b = *grammar_->beast;
  size_t used = 0;
  while (used < in.size() && !b.is_done()) {
    beast::error_code e;
    used += b.put({in.data() + used, in.size() - used}, e);
    if (e == beast::http::error::need_more) break;
    if (e == beast::http::error::body_limit) {
      fail_with(413, "the body is larger than " + std::to_string(limits_.body) + " bytes");
      return used;
    }
    if (e) {
      fail_with(400, "body: " + e.message());
      return used;
    }
  }
  if (b.is_done()) {
    request_->body = Bytes::take(std::move(b.body));
    state_ = State::done;
  } else if (in.size() - used >= limits_.header) {
    fail_with(400, "a chunk's header is too long");
  }
  return used;
}

}  // namespace weir::net::http
