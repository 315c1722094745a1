// Weir live-streaming server. MIT licence, see LICENSE.

// The watch pages, built from web/ and kept in the binary: one row per file of web/dist, sorted by
// path. The table is generated at build time (cmake/embed.cmake), never freed and the same on every
// core. Which request gets which row, and with which headers, is the HTTP routes' business.
#pragma once

#include <span>
#include <string_view>

#include "base/bytes.h"

namespace weir::app {

struct Page {
  std::string_view path;  // "/index.html", "/assets/index-BGk3x1.js": names there hold a hash
  std::string_view content_type;  // "text/javascript; charset=utf-8"
  std::string_view etag;          // quoted, as RFC 9110 8.8.3 wants it; of the plain bytes
  ByteSpan plain;
  ByteSpan gzip;  // empty where packing wins less than a tenth
};

std::span<const Page> pages();

}  // namespace weir::app
