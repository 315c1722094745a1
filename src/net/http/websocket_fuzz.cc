// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/check.h"
#include "net/http/websocket.h"

using namespace weir::net::http;

namespace {

std::string outcome(weir::ByteSpan in, size_t step) {
  WebSocketParser parser(300);
  std::string out;
  for (size_t at = 0; at < in.size();) {
    const size_t n = std::min(step, in.size() - at);
    parser.push(in.subspan(at, n));
    at += n;
    for (;;) {
      const auto m = parser.next();
      if (!m) return out + " " + std::to_string(parser.close_code());
      if (!*m) break;
      CHECK((*m)->payload.size() <= 300, "a message is bounded");
      out += static_cast<char>('0' + static_cast<int>((*m)->kind));
      out += (*m)->payload.text();
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const weir::ByteSpan in(data, size);
  CHECK(outcome(in, size + 1) == outcome(in, 3), "pieces do not matter");
  return 0;
}
