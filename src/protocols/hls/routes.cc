// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/routes.h"

namespace weir::hls {
namespace {

using net::http::Request;
using net::http::Response;
using segments::Demand;
using segments::is_ready;
using segments::Library;
using segments::ViewPtr;
using segments::WindowPtr;

// What a request for a media playlist is about; it is copied, for the request may wait.
struct Wanted {
  StreamKey key;
  std::string lane;
  Query query;
  Demand demand() const { return lane == "ts" ? Demand::ts : Demand::cmaf; }
};

StreamKey key_of(const Request& r) {
  return {std::string(r.param("app")), std::string(r.param("stream")), {}};
}

Response not_published(const StreamKey& key) {
  return Response::error(404, "nobody publishes " + key.to_string());
}

Response not_yet(const StreamKey& key) {
  return Response::error(503, key.to_string() + " is live but has no segment yet")
      .with("Retry-After", "1");
}

net::Task<Response> at_once(Response response) { co_return std::move(response); }

// A playlist's first line can be written: the target duration stands, and there is media.
WindowPtr ready_lane(const segments::View& view, const std::string& lane) {
  WindowPtr window = view.lane(lane);
  if (!window || window->target_duration == 0ns || window->empty()) return nullptr;
  return window;
}

// Why there is no such lane, now or ever.
Response no_lane(const Wanted& w, const segments::View& view) {
  const std::string& nothing = w.lane == "ts" ? view.no_ts : view.nothing;
  if (!nothing.empty())
    return Response::error(404, w.key.to_string() + " is not there as HLS: " + nothing);
  if (w.lane != "ts" && !view.lanes.empty() && view.target_duration > 0ns)
    return Response::error(
        404, w.key.to_string() + " has no " + w.lane + ".m3u8; index.m3u8 lists what there is");
  return not_yet(w.key);
}

net::Task<Response> media(const Library& library, Playlists& playlists, Wanted w) {
  const segments::Directory& directory = library.directory();
  ViewPtr view = directory.find(w.key);
  if (view && !ready_lane(*view, w.lane))
    view = co_await library.ready(w.key, w.demand(), 4 * Time(library.config().duration));
  if (!view) co_return not_published(w.key);
  WindowPtr window = ready_lane(*view, w.lane);
  if (!window) co_return no_lane(w, *view);
  // 6.2.5.2: at most three target durations.
  const Time limit = 3 * window->target_duration;
  if (reload(*window, w.query) == Reload::too_far)
    co_return Response::error(400, "_HLS_msn or _HLS_part is too far ahead");
  if (reload(*window, w.query) == Reload::wait) {
    const auto has = [&w](const segments::View& v) {
      const WindowPtr now = ready_lane(v, w.lane);
      return !now || reload(*now, w.query) != Reload::wait;
    };
    view = co_await directory.wait(w.key, w.lane, limit, has);
    if (!view) co_return not_published(w.key);
    window = ready_lane(*view, w.lane);
    if (!window || reload(*window, w.query) != Reload::answer)
      co_return Response::error(503, "nothing new has come").with("Retry-After", "1");
  }
  const auto keep =
      is_of_the_edge(*window, w.query) ? Playlists::Keep::edge : Playlists::Keep::poll;
  co_return Response(playlists.media(w.key, *view, w.lane, w.query, keep));
}

// Asks for all that the list may name, and waits until the first can be named; the others, which
// are there already, for one segment at most: a player reads this list once.
net::Task<Response> multivariant(const Library& library, Playlists& playlists, StreamKey key,
                                 Query query) {
  const segments::Directory& directory = library.directory();
  const Demand demand = playlists.settings().format == Format::ts ? Demand::ts : Demand::cmaf;
  auto members = family(directory, key, playlists.settings().variants);
  if (members.empty()) co_return not_published(key);
  for (const auto& m : members) library.demand(m.key, demand);
  const Time duration = library.config().duration;
  Time until = net::Core::here().now() + 4 * duration;
  std::string nothing;
  for (const auto& m : members) {
    const Time left = std::max<Time>(until - net::Core::here().now(), 0ns);
    const ViewPtr view = co_await library.ready(m.key, demand, left);
    if (view) nothing = demand == Demand::ts ? view->no_ts : view->nothing;
    until = std::min(until, net::Core::here().now() + duration);
  }
  members = family(directory, key, playlists.settings().variants);
  if (members.empty()) co_return not_published(key);
  // One that began meanwhile may not have its sound yet, and would be listed without for ever.
  std::erase_if(members,
                [demand](const Member& m) { return !m.view || !is_ready(*m.view, demand); });
  if (auto content = playlists.multivariant(key, members, query)) co_return Response(content);
  if (!nothing.empty())
    co_return Response::error(404, key.to_string() + " is not there as HLS: " + nothing);
  co_return not_yet(key);
}

}  // namespace

void add_routes(net::http::Router& router, const Library& library, Playlists& playlists,
                service::Audience& audience) {
  router.get("/{app...}/{stream}/index.m3u8", [&library, &playlists](Request& r) {
    auto query = parse_query(r.query);
    if (!query) return at_once(Response::error(400, query.error().what));
    return multivariant(library, playlists, key_of(r), *query);
  });
  router.get("/{app...}/{stream}/{lane}.m3u8", [&library, &playlists, &audience](Request& r) {
    auto query = parse_query(r.query);
    if (!query) return at_once(Response::error(400, query.error().what));
    LaneName name = parse_lane_name(r.param("lane"));
    Wanted wanted{key_of(r), std::move(name.lane), *query};
    const StreamKey stream = wanted.key;
    wanted.key.rendition = std::move(name.rendition);
    // Somebody who watches a rendition watches the stream.
    if (library.directory().find(wanted.key))
      audience.seen(stream, r.peer_address, r.header("user-agent"));
    return media(library, playlists, std::move(wanted));
  });
}

}  // namespace weir::hls
