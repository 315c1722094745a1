// Weir live-streaming server. MIT licence, see LICENSE.

// StreamKey: how a stream is named: application, name and rendition; an empty rendition is the
// source. Parsed once at the edge from "app/name" by the protocol; arguments after '?' never become
// part of it.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weir {

struct StreamKey {
  std::string app, name, rendition;

  // "live/foo" or "live/foo@720p".
  std::string to_string() const;
  auto operator<=>(const StreamKey&) const = default;
};

// app: one or more path parts; name: the last one. Refuses empty parts, "." and "..", control
// characters, backslashes, '%', '?' and '#', and anything longer than 255 bytes: the key may become
// a file name.
Result<StreamKey> make_stream_key(std::string_view app, std::string_view name);

}  // namespace weir

template <>
struct std::hash<weir::StreamKey> {
  size_t operator()(const weir::StreamKey& k) const {
    const std::hash<std::string> h;
    return h(k.app) * 31 * 31 + h(k.name) * 31 + h(k.rendition);
  }
};
