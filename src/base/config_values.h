// Weir live-streaming server. MIT licence, see LICENSE.

// The value types a configuration field may have, and their text forms: Duration "2s", ByteSize
// "64k", Endpoint "127.0.0.1:1935", DurationOrAuto "auto", besides bool, int, int64_t, double,
// std::string, std::vector<std::string> and std::map<std::string, std::string>. Pure; any core.
// What a wrong text gives is an Error that says what is allowed. Leaves out where texts come from
// (app/config_file.h).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace weir {

// "2s", "200ms", "10m", "1h", "1d", "1.5s"; a plain number is seconds. Never negative.
using Duration = std::chrono::milliseconds;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;
Result<Duration> parse_duration(std::string_view);
std::string to_text(Duration);

// "auto", or a Duration. `automatic` wins; `value` is then of no meaning.
struct DurationOrAuto {
  bool automatic = true;
  Duration value{0};

  DurationOrAuto() = default;
  DurationOrAuto(Duration d) : automatic(false), value(d) {}
  bool operator==(const DurationOrAuto& o) const {
    return automatic == o.automatic && (automatic || value == o.value);
  }
};

// "4096", "64k", "1M", "2G", also "64KB" and "64KiB": powers of 1024.
struct ByteSize {
  uint64_t bytes = 0;
  auto operator<=>(const ByteSize&) const = default;
};
constexpr ByteSize kib(uint64_t n) { return {n << 10}; }
constexpr ByteSize mib(uint64_t n) { return {n << 20}; }
constexpr ByteSize gib(uint64_t n) { return {n << 30}; }
Result<ByteSize> parse_byte_size(std::string_view);
std::string to_text(ByteSize);

// Where to listen: "127.0.0.1:1935", "[::]:1935", "localhost:1935"; ":1935" or "1935" is every
// address (host is then empty); "" or "off" is nowhere. Port 0 lets the system choose.
struct Endpoint {
  std::string host;  // without brackets
  uint16_t port = 0;
  bool off = true;

  Endpoint() = default;
  // For literals in our own code: a text that does not parse is a CHECK.
  explicit Endpoint(const char* text);
  Endpoint(std::string host, uint16_t port) : host(std::move(host)), port(port), off(false) {}
  bool operator==(const Endpoint&) const = default;
};
Result<Endpoint> parse_endpoint(std::string_view);
std::string to_text(const Endpoint&);

// What a source hands to a field: one text, or a list or map where the source has such a thing
// (YAML). A list may also come as "a, b" and a map as "k=v, k2=v2" (environment, --set).
using FieldValue =
    std::variant<std::string, std::vector<std::string>, std::map<std::string, std::string>>;

enum class FieldKind {
  boolean,
  integer,
  number,
  text,
  duration,
  duration_or_auto,
  byte_size,
  endpoint,
  choice,
  list,
  map,
};
// "boolean", "integer", ... for documents and the API's schema.
std::string_view to_string(FieldKind);

// One overload of each per supported member type; an unsupported type does not compile.
Result<void> read_value(const FieldValue&, bool&);
Result<void> read_value(const FieldValue&, int&);
Result<void> read_value(const FieldValue&, int64_t&);
Result<void> read_value(const FieldValue&, double&);
Result<void> read_value(const FieldValue&, std::string&);
Result<void> read_value(const FieldValue&, Duration&);
Result<void> read_value(const FieldValue&, DurationOrAuto&);
Result<void> read_value(const FieldValue&, ByteSize&);
Result<void> read_value(const FieldValue&, Endpoint&);
Result<void> read_value(const FieldValue&, std::vector<std::string>&);
Result<void> read_value(const FieldValue&, std::map<std::string, std::string>&);

FieldValue show_value(bool);
FieldValue show_value(int);
FieldValue show_value(int64_t);
FieldValue show_value(double);
FieldValue show_value(const std::string&);
FieldValue show_value(Duration);
FieldValue show_value(const DurationOrAuto&);
FieldValue show_value(ByteSize);
FieldValue show_value(const Endpoint&);
FieldValue show_value(const std::vector<std::string>&);
FieldValue show_value(const std::map<std::string, std::string>&);

constexpr FieldKind kind_of(const bool&) { return FieldKind::boolean; }
constexpr FieldKind kind_of(const int&) { return FieldKind::integer; }
constexpr FieldKind kind_of(const int64_t&) { return FieldKind::integer; }
constexpr FieldKind kind_of(const double&) { return FieldKind::number; }
inline FieldKind kind_of(const std::string&) { return FieldKind::text; }
inline FieldKind kind_of(const Duration&) { return FieldKind::duration; }
inline FieldKind kind_of(const DurationOrAuto&) { return FieldKind::duration_or_auto; }
inline FieldKind kind_of(const ByteSize&) { return FieldKind::byte_size; }
inline FieldKind kind_of(const Endpoint&) { return FieldKind::endpoint; }
inline FieldKind kind_of(const std::vector<std::string>&) { return FieldKind::list; }
inline FieldKind kind_of(const std::map<std::string, std::string>&) { return FieldKind::map; }

// The one-line form of any value: what --set takes; lists and maps joined by ", ".
std::string to_line(const FieldValue&);
// The text of a single value, or an error that says a list or map does not fit here.
Result<std::string_view> single(const FieldValue&);

}  // namespace weir
