// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/modules.h"

#include "app/config_log.h"
#include "app/server.h"
#include "net/http/config.h"
#include "protocols/dash/module.h"
#include "protocols/flv/module.h"
#include "protocols/hls/module.h"
#include "protocols/rtmp/config.h"
#include "protocols/rtmp/module.h"
#include "segments/config.h"
#include "service/stream_config.h"

namespace weir::app {
namespace {

// The one list.
constexpr const service::Module* kModules[] = {&rtmp::module, &flv_play::module, &hls::module,
                                               &dash::module};

constexpr std::string_view kAbout =
    "Weir, a live-streaming server: publish over RTMP, watch over RTMP, HTTP-FLV,\n"
    "low-latency HLS and DASH.\n";

constexpr std::string_view kExamples = R"(Examples:
  weir serve                       RTMP on port 1935, HTTP on port 8080, every address
  weir serve --set rtmp.listen=127.0.0.1:1935 --set http.listen=127.0.0.1:8080
  weir print-config > weir.yaml    all settings with their defaults, to start a file from
  weir check weir.yaml             "ok", or every mistake with line and column
  weir serve --config weir.yaml    SIGHUP reads the file again, SIGTERM drains and stops

Publish (OBS: server rtmp://localhost:1935/live, stream key demo):
  ffmpeg -re -i film.mp4 -c copy -f flv rtmp://localhost:1935/live/demo

Watch:
  http://localhost:8080/                       live streams, and a page to watch each
  http://localhost:8080/live/demo/index.m3u8   HLS, low-latency; ts.m3u8: MPEG-TS
  http://localhost:8080/live/demo/manifest.mpd DASH, low-latency
  http://localhost:8080/live/demo.flv          HTTP-FLV
  rtmp://localhost:1935/live/demo              RTMP

Settings come from the defaults, then --config FILE (or WEIR_CONFIG; no other file is read), then
the environment (WEIR_RTMP_LISTEN=:1935), then --set; the later wins. Reference: docs/config.md,
or `weir docs config`.
Exit codes: 0 done, 1 the server failed, 2 a wrong command line or configuration.)";

}  // namespace

void declare_all(ConfigSchema& schema) {
  schema.section<ServerConfig>("server", "The process.");
  schema.section<LogConfig>("log", "What the server writes to standard error.");
  schema.section<net::http::HttpConfig>("http",
                                        "The HTTP server, for playback, pages and the API.");
  schema.section<service::StreamConfig>("stream",
                                        "Streams: what happens when publishers come and go.");
  schema.section<service::PlayConfig>("play", "How players of every protocol are served.");
  schema.section<segments::SegmentsConfig>(
      "segments", "How streams are cut into segments and how far viewers can go back.");
  for (const service::Module* module : kModules) module->declare(schema);
}

std::span<const service::Module* const> modules() { return kModules; }

std::map<std::string, int> announced_ports(const Config& config) {
  const auto& listen = config.get<rtmp::Config>("rtmp").listen;
  return {{"rtmp_port", listen.off ? 0 : listen.port}};
}

HelpText help_text() { return {kAbout, kExamples}; }

}  // namespace weir::app
