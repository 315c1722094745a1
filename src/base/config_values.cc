// Weir live-streaming server. MIT licence, see LICENSE.

#include "base/config_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include "base/check.h"

namespace weir {
namespace {

std::string_view trim(std::string_view s) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = s.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kSpace) - first + 1);
}

// Messages quote what was given; a hostile text must not make them long.
std::string quoted(std::string_view s) {
  constexpr size_t kShown = 60;
  return s.size() <= kShown ? fmt::format("\"{}\"", s)
                            : fmt::format("\"{}...\"", s.substr(0, kShown));
}

std::unexpected<Error> not_a(std::string_view what, std::string_view text) {
  return fail(Code::protocol, fmt::format("must be {}, not {}", what, quoted(text)));
}

// The whole text as a number, or nothing.
template <class N>
std::optional<N> whole_number(std::string_view text) {
  N value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// "12.5k" by a table of units, the first of which needs no name. Only decimal digits and one point:
// signs, exponents, hexadecimal and infinities stay out.
std::optional<double> scaled(std::string_view text, std::span<const Unit> units,
                             uint64_t plain_factor) {
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, digits);
  if (number.empty() || number.front() == '.' || number.back() == '.') return std::nullopt;
  const auto value = whole_number<double>(number);
  if (!value) return std::nullopt;
  const std::string_view name = trim(text.substr(digits));
  if (name.empty()) return *value * static_cast<double>(plain_factor);
  for (const Unit& u : units)
    if (u.name == name) return *value * static_cast<double>(u.factor);
  return std::nullopt;
}

// The largest unit that divides the value exactly.
std::string unscaled(uint64_t value, std::span<const Unit> largest_first) {
  for (const Unit& u : largest_first)
    if (value % u.factor == 0) return fmt::format("{}{}", value / u.factor, u.name);
  return fmt::format("{}", value);
}

constexpr std::array<Unit, 5> kTimeUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 13> kSizeUnits{{{"k", 1 << 10},
                                           {"K", 1 << 10},
                                           {"KB", 1 << 10},
                                           {"KiB", 1 << 10},
                                           {"M", 1 << 20},
                                           {"m", 1 << 20},
                                           {"MB", 1 << 20},
                                           {"MiB", 1 << 20},
                                           {"G", 1 << 30},
                                           {"g", 1 << 30},
                                           {"GB", 1 << 30},
                                           {"GiB", 1 << 30},
                                           {"B", 1}}};
constexpr std::array<Unit, 3> kSizesShown{{{"G", 1 << 30}, {"M", 1 << 20}, {"k", 1 << 10}}};
// Ten years and an exbibyte: more is a slip, and doubles stay exact enough below.
constexpr double kLongest = 3650.0 * 86'400'000;
constexpr double kBiggest = 1152921504606846976.0;

bool host_fits(std::string_view host, bool bracketed) {
  constexpr size_t kLongestHost = 253;  // RFC 1035 2.3.4
  if (host.size() > kLongestHost) return false;
  if (bracketed && host.find(':') == std::string_view::npos) return false;
  return std::all_of(host.begin(), host.end(), [bracketed](char c) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (bracketed) return digit || letter || c == ':' || c == '.' || c == '%';
    return digit || letter || c == '.' || c == '-' || c == '_';
  });
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!trim(text).empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (const auto part = trim(text.substr(0, comma)); !part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

template <class T, class F>
Result<void> read_with(const FieldValue& value, T& out, F parse) {
  TRY(const std::string_view text, single(value));
  TRY(out, parse(trim(text)));
  return {};
}

template <class N>
Result<N> parse_integer(std::string_view text) {
  if (const auto n = whole_number<N>(text)) return *n;
  return not_a("a whole number", text);
}

Result<bool> parse_bool(std::string_view text) {
  for (std::string_view yes : {"true", "yes", "on"})
    if (text == yes) return true;
  for (std::string_view no : {"false", "no", "off"})
    if (text == no) return false;
  return not_a("true or false", text);
}

Result<double> parse_number(std::string_view text) {
  const auto n = whole_number<double>(text);
  if (n && std::isfinite(*n)) return *n;
  return not_a("a number", text);
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto ms = scaled(text, kTimeUnits, 1'000);
  if (!ms) return not_a("a duration such as 200ms, 2s, 10m or 1h", text);
  if (*ms > kLongest) return not_a("a duration of at most ten years", text);
  return Duration(std::llround(*ms));
}

std::string to_text(Duration d) {
  const int64_t ms = d.count();
  if (ms == 0) return "0s";
  if (ms < 0) return fmt::format("-{}ms", -ms);
  return unscaled(static_cast<uint64_t>(ms), kTimeUnits);
}

Result<ByteSize> parse_byte_size(std::string_view text) {
  // Digits alone are taken exactly; a double would round above 2^53.
  if (const auto n = whole_number<uint64_t>(text); n && static_cast<double>(*n) <= kBiggest)
    return ByteSize{*n};
  const auto bytes = scaled(text, kSizeUnits, 1);
  if (!bytes) return not_a("a size such as 4096, 64k, 1M or 2G", text);
  if (*bytes > kBiggest) return not_a("a size of at most 1073741824G", text);
  return ByteSize{static_cast<uint64_t>(std::llround(*bytes))};
}

std::string to_text(ByteSize size) {
  return size.bytes == 0 ? "0" : unscaled(size.bytes, kSizesShown);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  constexpr std::string_view kWhat = "an address such as 127.0.0.1:1935, [::]:1935 or :1935";
  if (text.empty() || text == "off") return Endpoint();
  const size_t colon = text.rfind(':');
  const bool bare = colon == std::string_view::npos;
  std::string_view host = bare ? std::string_view() : text.substr(0, colon);
  const auto port = whole_number<uint16_t>(bare ? text : text.substr(colon + 1));
  if (!port) return not_a(kWhat, text);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!host_fits(host, bracketed)) return not_a(kWhat, text);
  return Endpoint(std::string(host), *port);
}

Endpoint::Endpoint(const char* text) {
  auto parsed = parse_endpoint(text);
  CHECK(parsed, "endpoint literal");
  *this = *std::move(parsed);
}

std::string to_text(const Endpoint& e) {
  if (e.off) return "";
  const bool v6 = e.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", e.host, e.port) : fmt::format("{}:{}", e.host, e.port);
}

std::string_view to_string(FieldKind kind) {
  switch (kind) {
    case FieldKind::boolean: return "boolean";
    case FieldKind::integer: return "integer";
    case FieldKind::number: return "number";
    case FieldKind::text: return "text";
    case FieldKind::duration: return "duration";
    case FieldKind::duration_or_auto: return "duration or auto";
    case FieldKind::byte_size: return "size";
    case FieldKind::endpoint: return "address";
    case FieldKind::choice: return "choice";
    case FieldKind::list: return "list";
    case FieldKind::map: return "map";
  }
  return "unknown";
}

Result<std::string_view> single(const FieldValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const bool list = std::holds_alternative<std::vector<std::string>>(value);
  return fail(Code::protocol,
              fmt::format("must be a single value, not a {}", list ? "list" : "map"));
}

std::string to_line(const FieldValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* list = std::get_if<std::vector<std::string>>(&value))
    return fmt::format("{}", fmt::join(*list, ", "));
  std::string out;
  for (const auto& [key, text] : std::get<std::map<std::string, std::string>>(value))
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", key, text);
  return out;
}

Result<void> read_value(const FieldValue& v, bool& out) { return read_with(v, out, parse_bool); }
Result<void> read_value(const FieldValue& v, int& out) {
  return read_with(v, out, parse_integer<int>);
}
Result<void> read_value(const FieldValue& v, int64_t& out) {
  return read_with(v, out, parse_integer<int64_t>);
}
Result<void> read_value(const FieldValue& v, double& out) {
  return read_with(v, out, parse_number);
}
Result<void> read_value(const FieldValue& v, std::string& out) {
  TRY(const std::string_view text, single(v));
  out = text;
  return {};
}
Result<void> read_value(const FieldValue& v, Duration& out) {
  return read_with(v, out, parse_duration);
}
Result<void> read_value(const FieldValue& v, DurationOrAuto& out) {
  TRY(const std::string_view text, single(v));
  if (trim(text) == "auto") {
    out = DurationOrAuto();
    return {};
  }
  const auto parsed = parse_duration(trim(text));
  if (!parsed) return not_a("auto or a duration such as 200ms or 2s", text);
  out = *parsed;
  return {};
}
Result<void> read_value(const FieldValue& v, ByteSize& out) {
  return read_with(v, out, parse_byte_size);
}
Result<void> read_value(const FieldValue& v, Endpoint& out) {
  return read_with(v, out, parse_endpoint);
}
Result<void> read_value(const FieldValue& v, std::vector<std::string>& out) {
  if (const auto* list = std::get_if<std::vector<std::string>>(&v)) {
    out = *list;
    return {};
  }
  const auto* text = std::get_if<std::string>(&v);
  if (!text) return fail(Code::protocol, "must be a list, not a map");
  out = split_list(*text);
  return {};
}
Result<void> read_value(const FieldValue& v, std::map<std::string, std::string>& out) {
  if (const auto* map = std::get_if<std::map<std::string, std::string>>(&v)) {
    out = *map;
    return {};
  }
  const auto* text = std::get_if<std::string>(&v);
  if (!text) return fail(Code::protocol, "must be a map of keys to values, not a list");
  std::map<std::string, std::string> parsed;
  for (const std::string& part : split_list(*text)) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) return not_a("a map such as \"key=value, key2=value2\"", part);
    parsed[std::string(trim(std::string_view(part).substr(0, equals)))] =
        trim(std::string_view(part).substr(equals + 1));
  }
  out = std::move(parsed);
  return {};
}

FieldValue show_value(bool v) { return std::string(v ? "true" : "false"); }
FieldValue show_value(int v) { return fmt::format("{}", v); }
FieldValue show_value(int64_t v) { return fmt::format("{}", v); }
FieldValue show_value(double v) { return fmt::format("{}", v); }
FieldValue show_value(const std::string& v) { return v; }
FieldValue show_value(Duration v) { return to_text(v); }
FieldValue show_value(const DurationOrAuto& v) {
  return v.automatic ? std::string("auto") : to_text(v.value);
}
FieldValue show_value(ByteSize v) { return to_text(v); }
FieldValue show_value(const Endpoint& v) { return to_text(v); }
FieldValue show_value(const std::vector<std::string>& v) { return v; }
FieldValue show_value(const std::map<std::string, std::string>& v) { return v; }

}  // namespace weir
