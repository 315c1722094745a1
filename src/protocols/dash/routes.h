// Weir live-streaming server. MIT licence, see LICENSE.

// Routes: /{app}/{stream}/manifest.mpd, and /api/v1/utc, the clock that manifests name. A manifest
// of a live stream without anything to play yet waits for it. Leaves out the media, which is the
// same for every protocol (segments/routes.h), and gzip choice, conditions and CORS (net/http).
#pragma once

#include "net/http/router.h"
#include "protocols/dash/manifests.h"
#include "service/audience.h"

namespace weir::dash {

// All outlive the router. `audience` is told who asks for manifests.
void add_routes(net::http::Router&, const segments::Library&, Manifests&, service::Audience&);

}  // namespace weir::dash
