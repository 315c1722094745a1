// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/check.h"
#include "net/http/parser.h"
#include "net/http/response_parser.h"

namespace {

using weir::ByteSpan;
using namespace weir::net::http;

// Feeds the input in pieces and gives back what came out, or the reason; pieces must not matter.
std::string outcome(ByteSpan in, size_t step) {
  RequestParser parser;
  std::string out;
  size_t begin = 0, end = 0;
  for (int requests = 0; requests < 4; ++requests) {
    Request r;
    parser.start(r, {.header = 2048, .fields = 20, .body = 512});
    for (;;) {
      while (const size_t used = parser.feed(in.subspan(begin, end - begin))) begin += used;
      CHECK(begin <= end, "not more is used than given");
      if (parser.state() == RequestParser::State::done ||
          parser.state() == RequestParser::State::failed)
        break;
      if (end == in.size()) return out + " wants more";
      end += std::min(step, in.size() - end);
    }
    if (parser.state() == RequestParser::State::failed)
      return out + " " + std::to_string(parser.status());
    out.append(to_string(r.method)).append(" ").append(r.target);
    for (const auto& h : r.headers) out.append(h.name).append("=").append(h.value);
    out.append(r.body.text());
    CHECK(r.body.size() <= 512, "the body is bounded");
  }
  return out;
}

void responses(ByteSpan in) {
  ResponseParser parser(Method::get);
  size_t used = 0;
  while (used < in.size() && !parser.done()) {
    const auto n = parser.feed(in.subspan(used));
    if (!n) return;
    if (*n == 0) break;
    used += *n;
  }
  (void)parser.end();
  parser.take_body();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan in(data, size);
  const std::string whole = outcome(in, size + 1);
  // Which limit is met first depends on the pieces; everything else does not.
  const std::string pieces = outcome(in, 7);
  const auto limited = [](const std::string& s) {
    return s.ends_with("413") || s.ends_with("431") || s.ends_with("414") || s.ends_with("400");
  };
  if (size < 512)
    CHECK(whole == pieces || (limited(whole) && limited(pieces)), "pieces do not matter");
  responses(in);
  return 0;
}
