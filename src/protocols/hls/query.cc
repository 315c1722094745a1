// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/query.h"

#include <charconv>
#include <string>

#include "net/http/target.h"

namespace weir::hls {
namespace {

using net::http::find_query_param;

// RFC 8216bis 4.2: a decimal-integer is 0 to 2^64 - 1, of 1 to 20 digits.
Result<std::optional<uint64_t>> integer(std::string_view query, std::string_view name) {
  const auto text = find_query_param(query, name);
  if (!text) return std::nullopt;
  uint64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error == std::errc::result_out_of_range)
    return fail(Code::protocol, std::string(name) + " is too large");
  if (error != std::errc{} || stop != end || text->size() > 20)
    return fail(Code::protocol, std::string(name) + " is not a decimal number");
  return value;
}

}  // namespace

Result<Query> parse_query(std::string_view query) {
  Query q;
  if (query.empty()) return q;
  TRY(q.msn, integer(query, "_HLS_msn"));
  TRY(q.part, integer(query, "_HLS_part"));
  if (q.part && !q.msn) return fail(Code::protocol, "_HLS_part without _HLS_msn");
  const auto skip = find_query_param(query, "_HLS_skip");
  q.skip = skip && (*skip == "YES" || *skip == "v2");
  if (const auto type = find_query_param(query, "type")) {
    if (*type == "event") q.type = PlaylistType::event;
    if (*type == "live") q.type = PlaylistType::live;
  }
  return q;
}

std::string_view handed_on(const Query& q) {
  if (!q.type) return "";
  return *q.type == PlaylistType::event ? "?type=event" : "?type=live";
}

}  // namespace weir::hls
