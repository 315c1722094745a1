// Weir live-streaming server. MIT licence, see LICENSE.

// Files that are part of the program (pages, scripts): a table in read-only memory, made at build
// time, served by routes of a Router with their prebuilt gzip form. Used once at start; the routes
// hold what they need. Leaves out files on disk.
#pragma once

#include <span>
#include <string_view>

#include "base/bytes.h"
#include "net/http/router.h"

namespace weir::net::http {

struct StaticFile {
  std::string_view path;  // "/assets/app-1a2b.js"; a literal, no template
  std::string_view type;
  std::string_view etag;  // without quotes; empty: made from the bytes
  ByteSpan plain, gzip;   // gzip may be empty
  std::string_view cache_control = kNoCache;
};

// The spans must stay for the life of the process. A file "/x/index.html" is also served at "/x/".
void add_static_files(Router&, std::span<const StaticFile>);
// A file's content alone, for a route that is a template (a page for every stream).
ContentPtr static_content(const StaticFile&);

}  // namespace weir::net::http
