// Weir live-streaming server. MIT licence, see LICENSE.
#include "app/routes.h"

#include <map>
#include <nlohmann/json.hpp>

#include "app/modules.h"
#include "app/pages.h"
#include "base/time.h"
#include "codecs/registry.h"

namespace weir::app {
namespace {

using net::http::ContentPtr;
using net::http::Request;
using net::http::Response;

constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self' ws: wss:; media-src 'self' blob:; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'";

nlohmann::json track_json(const Track& t) {
  nlohmann::json j{{"kind", t.kind() == Kind::video ? "video" : "audio"},
                   {"codec", to_string(t.codec)},
                   {"codecs", codecs::rfc6381(t)}};
  if (const auto* v = t.video()) {
    j["width"] = v->width;
    j["height"] = v->height;
    j["frame_rate"] = v->frame_rate;
  }
  if (const auto* a = t.audio()) {
    j["sample_rate"] = a->sample_rate;
    j["channels"] = a->channels;
  }
  return j;
}

Bytes embedded(ByteSpan bytes) { return Bytes::view(nullptr, bytes); }

std::shared_ptr<const std::map<std::string_view, ContentPtr>> page_contents() {
  auto out = std::make_shared<std::map<std::string_view, ContentPtr>>();
  for (const Page& p : pages()) {
    const bool hashed = p.path.starts_with("/assets/");
    net::http::ContentOptions options;
    options.cache_control = hashed ? net::http::kImmutable : net::http::kNoCache;
    options.gzip = embedded(p.gzip);
    (*out)[p.path] = std::make_shared<net::http::Content>(p.content_type,
                                                          std::vector{embedded(p.plain)}, options);
  }
  return out;
}

Response page(const ContentPtr& content) {
  return Response(content)
      .with("Content-Security-Policy", std::string(kPagePolicy))
      .with("X-Content-Type-Options", "nosniff")
      .with("Referrer-Policy", "no-referrer");
}

void add_pages(net::http::Router& router) {
  const auto contents = page_contents();
  const auto found = contents->find("/index.html");
  if (found == contents->end()) return;
  const ContentPtr index = found->second;
  router.get("/", [index](Request&) { return page(index); });
  router.get("/{app...}/{stream}", [index](Request&) { return page(index); });
  router.get("/assets/{file}", [contents](Request& r) {
    const auto it = contents->find(r.path);
    return it == contents->end() ? Response::error(404, "no such file") : Response(it->second);
  });
  // What browsers ask for by themselves must not be taken for a stream.
  router.get("/favicon.ico", [](Request&) { return Response(204); });
}

}  // namespace

std::string streams_json(const std::vector<hub::StreamStatus>& streams,
                         const std::map<std::string, int>& ports) {
  auto list = nlohmann::json::array();
  for (const auto& s : streams) {
    if (s.state != hub::Stream::State::live && s.state != hub::Stream::State::held) continue;
    auto tracks = nlohmann::json::array();
    if (s.info)
      for (const Track& t : s.info->tracks)
        if (t.kind() != Kind::data) tracks.push_back(track_json(t));
    list.push_back({{"app", s.key.app},
                    {"name", s.key.name},
                    {"live", s.state == hub::Stream::State::live},
                    {"viewers", s.viewers.size() + s.audience},
                    {"since", format_utc(s.since)},
                    {"tracks", std::move(tracks)}});
  }
  // A stream name is whatever bytes a publisher sent: what is not UTF-8 is shown as such.
  nlohmann::json all{{"streams", std::move(list)}};
  for (const auto& [name, port] : ports) all[name] = port;
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void add_routes(net::http::Router& router, const hub::Hub& hub, const Config& config) {
  router.get("/api/v1/streams", [&hub, ports = announced_ports(config)](Request&) {
    return Response::text(200, "application/json", streams_json(hub.list(), ports));
  });
  router.get("/api/v1/time", [](Request&) {
    const nlohmann::json now{{"now", format_utc(SystemClock{}.wall())}};
    return Response::text(200, "application/json", now.dump());
  });
  router.get("/healthz", [](Request&) { return Response::text(200, "text/plain", "ok\n"); });
  add_pages(router);
}

}  // namespace weir::app
