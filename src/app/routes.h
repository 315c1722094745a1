// Weir live-streaming server. MIT licence, see LICENSE.

// HTTP routes that belong to no protocol: the watch pages, the list of streams as JSON, the
// server's clock and its health. Handlers read immutable things and the hub's directory; they run
// on any core.
#pragma once

#include <map>
#include <string>

#include "base/config.h"
#include "hub/hub.h"
#include "net/http/router.h"

namespace weir::app {

void add_routes(net::http::Router&, const hub::Hub&, const Config&);

// {"streams":[...]} and the ports: what GET /api/v1/streams answers.
std::string streams_json(const std::vector<hub::StreamStatus>&,
                         const std::map<std::string, int>& ports);

}  // namespace weir::app
