// Weir live-streaming server. MIT licence, see LICENSE.

// Routes of the playlists: /{app}/{stream}/index.m3u8 (multivariant) and
// /{app}/{stream}/{lane}.m3u8 with "v1", "a1", "ts" and, of a rendition, "v1@720p". Handlers only
// read the directory's copy of the core they run on; a request for what comes next waits there (RFC
// 8216bis 6.2.5.2), as does the first one of a stream that has just begun. Leaves out the media
// itself (segments/routes.h).
#pragma once

#include "net/http/router.h"
#include "protocols/hls/playlists.h"
#include "segments/library.h"
#include "service/audience.h"

namespace weir::hls {

// `audience` is told who asks for media playlists. All outlive the router.
void add_routes(net::http::Router&, const segments::Library&, Playlists&, service::Audience&);

}  // namespace weir::hls
