// Weir live-streaming server. MIT licence, see LICENSE.

// What a request's headers choose: coding, range, condition. Pure functions, any core. RFC
// 9110 12.5.3 (Accept-Encoding), 13.1.2 (If-None-Match), 14 (Range).
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::net::http {

// Whether gzip is acceptable; false when the header is missing, since plain always is.
bool accepts_gzip(std::string_view accept_encoding);

// Whether a comma-separated list of entity tags, or "*", holds `etag` (with quotes); weak
// comparison.
bool etag_listed(std::string_view list, std::string_view etag);

struct Range {
  enum class Kind {
    none,           // no range that we understand: send everything (RFC 9110 14.2 lets us)
    part,           // 206
    unsatisfiable,  // 416
  } kind = Kind::none;
  uint64_t first = 0, count = 0;
};
// One range of a body of `size` bytes. Several ranges are answered with everything.
Range parse_range(std::string_view header, uint64_t size);

}  // namespace weir::net::http
