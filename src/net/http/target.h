// Weir live-streaming server. MIT licence, see LICENSE.

// The request target: split, decode and refuse. Pure functions, any core. RFC 9112 3.2, RFC
// 3986 2.1. Refused whatever they may mean elsewhere: "." and ".." segments (also encoded),
// backslashes, control characters, broken percent-encoding; so a path that passed may be joined to
// a folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::net::http {

struct Target {
  std::string_view path;   // begins with '/', or is "*"; still encoded
  std::string_view query;  // without '?'
};
// Origin form, absolute form (its authority is dropped) or "*".
Result<Target> split_target(std::string_view);

// Decoded, validated, runs of slashes merged. Views `raw` when there was nothing to change, else
// `storage`.
Result<std::string_view> normalise_path(std::string_view raw, std::string& storage);

enum class Plus { literal, space };
// Code::protocol when a '%' is not followed by two hexadecimal digits.
Result<std::string> percent_decode(std::string_view, Plus);
// Everything but unreserved characters and '/' encoded: for Location headers and URLs in playlists.
std::string percent_encode_path(std::string_view);

// The first `name` in "a=1&b=2", decoded; "" for a name without '='. An undecodable value is given
// as sent.
std::optional<std::string> find_query_param(std::string_view query, std::string_view name);

}  // namespace weir::net::http
