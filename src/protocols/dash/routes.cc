// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/dash/routes.h"

namespace weir::dash {
namespace {

using net::http::ContentPtr;
using net::http::Request;
using net::http::Response;

StreamKey key_of(const Request& r) {
  return {std::string(r.param("app")), std::string(r.param("stream")), {}};
}

net::Task<Response> manifest(const segments::Library& library, Manifests& manifests,
                             StreamKey key) {
  const Time limit = 4 * Time(library.config().duration);
  const segments::ViewPtr view = co_await library.ready(key, segments::Demand::cmaf, limit);
  if (!view) co_return Response::error(404, "nobody publishes " + key.to_string());
  ContentPtr content = co_await manifests.get(key);
  if (content) co_return Response(std::move(content));
  if (!view->nothing.empty())
    co_return Response::error(404, key.to_string() + " is not there as DASH: " + view->nothing);
  if (view->ended)
    co_return Response::error(404, key.to_string() + " ended before its first segment");
  co_return Response::error(503, key.to_string() + " is live but has no segment yet")
      .with("Retry-After", "1");
}

}  // namespace

void add_routes(net::http::Router& router, const segments::Library& library, Manifests& manifests,
                service::Audience& audience) {
  router.get("/{app...}/{stream}/manifest.mpd", [&](Request& r) {
    const StreamKey key = key_of(r);
    if (library.directory().find(key)) audience.seen(key, r.peer_address, r.header("user-agent"));
    return manifest(library, manifests, key);
  });
  // ISO/IEC 23009-1 5.8.5.7: http-xsdate wants an xs:dateTime and nothing else.
  router.get("/api/v1/utc", [](Request&) {
    return Response::text(200, "text/plain", format_utc(net::Core::here().clock().wall()));
  });
}

}  // namespace weir::dash
