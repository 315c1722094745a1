// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/response_parser.h"

// Beast 1.81 asserts that at least 5 bytes are there when it comes back to a last chunk; "0\r\n" as
// the first chunk, cut behind its line, has fewer and is read rightly all the same.
#define BOOST_DISABLE_ASSERTS
#include <boost/beast/http/basic_parser.hpp>

namespace weir::net::http {
namespace {

namespace beast = boost::beast;
using BeastView = beast::string_view;

constexpr uint32_t kMostHeader = 64 << 10;
constexpr size_t kMostFields = 200;

}  // namespace

struct ResponseParser::Grammar final : beast::http::basic_parser<false> {
  using Error = beast::error_code;
  explicit Grammar(ResponseParser& o) : out(o) {}
  ResponseParser& out;

  void on_request_impl(beast::http::verb, BeastView, BeastView, int, Error&) override {}
  void on_response_impl(int status, BeastView, int, Error&) override { out.status_ = status; }
  void on_field_impl(beast::http::field, BeastView name, BeastView value, Error& e) override {
    if (is_header_done()) return;  // trailers
    if (out.headers_.size() == kMostFields) {
      e = beast::http::error::header_limit;
      return;
    }
    out.headers_.push_back({{name.data(), name.size()}, {value.data(), value.size()}});
  }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, Error&) override {}
  size_t on_body_impl(BeastView part, Error&) override {
    out.body_.insert(out.body_.end(), part.begin(), part.end());
    return part.size();
  }
  void on_chunk_header_impl(uint64_t, BeastView, Error&) override {}
  size_t on_chunk_body_impl(uint64_t, BeastView part, Error&) override {
    out.body_.insert(out.body_.end(), part.begin(), part.end());
    return part.size();
  }
  void on_finish_impl(Error&) override {}
};

ResponseParser::ResponseParser(Method request) : grammar_(std::make_unique<Grammar>(*this)) {
  grammar_->header_limit(kMostHeader);
  grammar_->body_limit(boost::none);  // whoever takes the body bounds it
  if (request == Method::head) grammar_->skip(true);
}

ResponseParser::~ResponseParser() = default;

bool ResponseParser::head_done() const { return grammar_->is_header_done(); }
bool ResponseParser::done() const { return grammar_->is_done(); }
bool ResponseParser::keep_alive() const { return done() && grammar_->keep_alive(); }
Bytes ResponseParser::take_body() { return Bytes::take(std::exchange(body_, {})); }

Result<size_t> ResponseParser::feed(ByteSpan in) {
  size_t used = 0;
  while (used < in.size() && !grammar_->is_done()) {
    beast::error_code e;
    const size_t n = grammar_->put({in.data() + used, in.size() - used}, e);
    used += n;
    if (e == beast::http::error::need_more) break;
    if (e == beast::http::error::header_limit)
      return fail(Code::limit, "http response: the head is too long");
    if (e) return fail(Code::protocol, "http response: " + e.message());
  }
  if (!done() && head_done() && in.size() - used > kMostHeader)
    return fail(Code::limit, "http response: a chunk's header is too long");
  return used;
}

Result<> ResponseParser::end() {
  if (grammar_->is_done()) return {};
  beast::error_code e;
  if (grammar_->got_some()) grammar_->put_eof(e);
  if (e || !grammar_->is_done())
    return fail(Code::closed, "http response: the peer closed too early");
  return {};
}

}  // namespace weir::net::http
