// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/bytes.h"
#include "base/check.h"
#include "protocols/hls/family.h"
#include "protocols/hls/query.h"

// Any query, and any line of `hls.variants`.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  const Bytes input = Bytes::copy(ByteSpan(data, size));
  if (const auto q = hls::parse_query(input.text())) {
    CHECK(q->msn || !q->part, "no part without its segment");
    // What is handed on means the same again.
    const std::string_view again = hls::handed_on(*q);
    const auto second = hls::parse_query(again.empty() ? again : again.substr(1));
    CHECK(second && second->type == q->type, "the form is handed on");
  } else {
    CHECK(q.error().code == Code::protocol && !q.error().what.empty(), "a reason");
  }
  if (const auto rule = hls::parse_variant(input.text())) {
    CHECK(!rule->suffix.empty(), "a suffix");
    for (const auto& a : rule->attributes) {
      CHECK(!a.name.empty() && !a.value.empty(), "whole attributes");
      CHECK(a.value.find('\n') == std::string::npos, "one line");
    }
  }
  return 0;
}
