// Weir live-streaming server. MIT licence, see LICENSE.

// Routes: /{app}/{stream}/index.m3u8 (multivariant), .../ts.m3u8 (media playlist) and
// .../<name>.ts. They only read the directory's copy of the core they run on. A playlist of a live
// stream whose first segment is not done yet waits for it. Leaves out caching of bytes, ranges,
// gzip choice and CORS (net/http).
#pragma once

#include <memory>

#include "net/http/router.h"
#include "protocols/hls/audience.h"
#include "protocols/hls/directory.h"

namespace weir::hls {

// `first_segment`: how long a playlist request waits for one.
// `audience` is told who asks for media playlists and outlives the router.
void add_routes(net::http::Router&, std::shared_ptr<const Directory>, Audience& audience,
                Time first_segment);

}  // namespace weir::hls
