// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/target.h"

#include <algorithm>

namespace weir::net::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Whether the path is already as normalise_path would leave it, as nearly all are.
bool is_plain(std::string_view path) {
  char before = 0;
  for (const char c : path) {
    if (c == '%' || c == '\\' || is_control(c)) return false;
    if (before == '/' && (c == '.' || c == '/')) return false;
    before = c;
  }
  return true;
}

Result<void> check_segments(std::string_view path) {
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part == "." || part == "..") return fail(Code::protocol, "path has a dot segment");
    at = end + 1;
  }
  return {};
}

}  // namespace

Result<Target> split_target(std::string_view target) {
  if (target == "*") return Target{target, {}};
  if (!target.starts_with('/')) {
    const size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return fail(Code::protocol, "target is not a path");
    const size_t path = target.find_first_of("/?", scheme + 3);
    if (path == std::string_view::npos) return Target{"/", {}};
    target = target.substr(path);
    if (target[0] == '?') return Target{"/", target.substr(1)};
  }
  // RFC 9112 3.2: a fragment is never sent; what follows '#' would be read differently by others.
  if (target.find('#') != std::string_view::npos)
    return fail(Code::protocol, "target has a fragment");
  const size_t mark = target.find('?');
  if (mark == std::string_view::npos) return Target{target, {}};
  return Target{target.substr(0, mark), target.substr(mark + 1)};
}

Result<std::string_view> normalise_path(std::string_view raw, std::string& storage) {
  if (raw.empty()) return fail(Code::protocol, "path is empty");
  if (is_plain(raw)) return raw;
  TRY(const std::string decoded, percent_decode(raw, Plus::literal));
  storage.clear();
  for (const char c : decoded) {
    if (is_control(c)) return fail(Code::protocol, "path has a control character");
    if (c == '\\') return fail(Code::protocol, "path has a backslash");
    if (c == '/' && storage.ends_with('/')) continue;
    storage.push_back(c);
  }
  TRY(check_segments(storage));
  return std::string_view(storage);
}

Result<std::string> percent_decode(std::string_view in, Plus plus) {
  std::string out;
  out.reserve(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i] == '+' && plus == Plus::space) {
      out.push_back(' ');
    } else if (in[i] != '%') {
      out.push_back(in[i]);
    } else {
      const int high = i + 2 < in.size() ? hex_digit(in[i + 1]) : -1;
      const int low = i + 2 < in.size() ? hex_digit(in[i + 2]) : -1;
      if (high < 0 || low < 0) return fail(Code::protocol, "bad percent-encoding");
      out.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    }
  }
  return out;
}

std::string percent_encode_path(std::string_view in) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : in) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || std::string_view("-._~/").find(c) != std::string_view::npos) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

std::optional<std::string> find_query_param(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    std::string_view key = pair.substr(0, equals);
    const auto decoded_key =
        key == name ? Result<std::string>(std::string(key)) : percent_decode(key, Plus::space);
    if (!decoded_key || *decoded_key != name) continue;
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    return percent_decode(value, Plus::space).value_or(std::string(value));
  }
  return std::nullopt;
}

}  // namespace weir::net::http
