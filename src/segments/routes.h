// Weir live-streaming server. MIT licence, see LICENSE.

// Routes of the media itself, the same bytes for every manifest format: headers, segments and parts
// at /{app}/{stream}/<name>.mp4, .m4s and .ts. A part or segment that comes next is waited for
// (RFC 8216bis 6.2.6: preload hints); the segment in the making is sent part by part while it grows
// (chunked transfer), so that a player may start on it before it is complete. Handlers only read
// the directory's copy of the core they run on. Leaves out caching, ranges, CORS (net/http).
#pragma once

#include "net/http/router.h"
#include "segments/library.h"

namespace weir::segments {

// The library outlives the router.
void add_routes(net::http::Router&, const Library&);

}  // namespace weir::segments
