// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/routes.h"

namespace weir::hls {
namespace {

using net::http::ContentPtr;
using net::http::Request;
using net::http::Response;
using DirectoryPtr = std::shared_ptr<const Directory>;

StreamKey key_of(const Request& r) {
  return {std::string(r.param("app")), std::string(r.param("stream")), {}};
}

Response not_published(const StreamKey& key) {
  return Response::error(404, "nobody publishes " + key.to_string());
}

// `which`: the one of the two playlists that was asked for.
net::Task<Response> playlist(DirectoryPtr directory, StreamKey key, Time limit,
                             ContentPtr View::*which) {
  ViewPtr view = directory->find(key);
  if (view && !view->media) view = co_await directory->wait(key, limit);
  if (!view) co_return not_published(key);
  if (view->media) co_return Response((*view).*which);
  if (!view->nothing.empty())
    co_return Response::error(404, key.to_string() + " is not there as HLS: " + view->nothing);
  co_return Response::error(503, key.to_string() + " is live but has no segment yet")
      .with("Retry-After", "1");
}

Response segment(const Directory& directory, const Request& r) {
  const StreamKey key = key_of(r);
  const ViewPtr view = directory.find(key);
  if (!view) return not_published(key);
  const std::string name = std::string(r.param("name")) + ".ts";
  if (ContentPtr content = view->find(name)) return Response(std::move(content));
  return Response::error(404, key.to_string() + " has no segment " + name +
                                  "; old ones are gone, ts.m3u8 lists the newest");
}

}  // namespace

void add_routes(net::http::Router& router, DirectoryPtr d, Audience& audience, Time first_segment) {
  router.get("/{app...}/{stream}/index.m3u8", [d, first_segment](Request& r) {
    return playlist(d, key_of(r), first_segment, &View::multivariant);
  });
  router.get("/{app...}/{stream}/ts.m3u8", [d, &audience, first_segment](Request& r) {
    const StreamKey key = key_of(r);
    if (d->find(key)) audience.seen(key, r.peer_address, r.header("user-agent"));
    return playlist(d, key, first_segment, &View::media);
  });
  router.get("/{app...}/{stream}/{name}.ts", [d](Request& r) { return segment(*d, r); });
}

}  // namespace weir::hls
