// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/negotiate.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "net/http/message.h"

namespace weir::net::http {
namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// Takes the text up to `separator` off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const std::string_view item = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(item.size() + 1, rest.size()));
  return trim(item);
}

// RFC 9110 12.4.2: a weight of 0, 0.0, 0.00 or 0.000 means "not acceptable".
bool weight_is_zero(std::string_view params) {
  while (!params.empty()) {
    std::string_view p = take(params, ';');
    if (!p.starts_with("q=") && !p.starts_with("Q=")) continue;
    return p.substr(2).find_first_not_of("0.") == std::string_view::npos;
  }
  return false;
}

// Digits only, all of it; what does not fit is as large as can be.
std::optional<uint64_t> number(std::string_view s) {
  if (s.empty() || s.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  uint64_t v = 0;
  if (std::from_chars(s.data(), s.data() + s.size(), v).ec != std::errc{}) return UINT64_MAX;
  return v;
}

}  // namespace

bool accepts_gzip(std::string_view header) {
  bool star = false;
  while (!header.empty()) {
    std::string_view item = take(header, ',');
    const std::string_view coding = take(item, ';');
    const bool wanted = !weight_is_zero(item);
    if (equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "x-gzip")) return wanted;
    if (coding == "*") star = wanted;
  }
  return star;
}

bool etag_listed(std::string_view list, std::string_view etag) {
  list = trim(list);
  if (list == "*") return true;
  // A tag may hold commas, so this goes from quote to quote.
  while (!list.empty()) {
    const size_t open = list.find('"');
    const size_t close = open == std::string_view::npos ? open : list.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    if (list.substr(open, close - open + 1) == etag) return true;
    list.remove_prefix(close + 1);
  }
  return false;
}

Range parse_range(std::string_view header, uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (header.size() < kUnit.size() || !equal_ignoring_case(header.substr(0, kUnit.size()), kUnit))
    return {};
  const std::string_view spec = trim(header.substr(kUnit.size()));
  const size_t dash = spec.find('-');
  if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos) return {};
  const std::string_view from = spec.substr(0, dash), to = spec.substr(dash + 1);
  const auto first = number(from), last = number(to);
  if ((!from.empty() && !first) || (!to.empty() && !last)) return {};
  if (!first && !last) return {};
  if (!first) {  // the last bytes
    if (*last == 0 || size == 0) return {Range::Kind::unsatisfiable};
    const uint64_t count = std::min(*last, size);
    return {Range::Kind::part, size - count, count};
  }
  if (last && *last < *first) return {};
  if (*first >= size) return {Range::Kind::unsatisfiable};
  const uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return {Range::Kind::part, *first, end - *first + 1};
}

}  // namespace weir::net::http
