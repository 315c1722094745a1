// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/module.h"

#include "protocols/hls/audience.h"
#include "protocols/hls/config.h"
#include "protocols/hls/routes.h"
#include "protocols/hls/streams.h"

namespace weir::hls {
namespace {

constexpr const char* kSection = "hls";

class HlsService final : public service::Service {
 public:
  HlsService(service::Context& context, std::shared_ptr<const HlsConfig> config)
      : streams_(context.hub, context.disk, config), audience_(context.hub) {
    context.hub.observe(streams_);
    add_routes(context.router, streams_.directory(), audience_, 4 * Time(config->segment));
  }

  void reload(ConfigPtr config) override {
    streams_.reconfigure(config->share<HlsConfig>(kSection));
  }
  net::Task<> stop() override {
    audience_.stop();
    return streams_.stop();
  }

 private:
  Streams streams_;
  Audience audience_;
};

// Started with `enabled: false`: nothing is packaged, and there are no routes.
class Disabled final : public service::Service {
 public:
  net::Task<> stop() override { co_return; }
};

void declare(ConfigSchema& schema) {
  schema.section<HlsConfig>(kSection, "HLS: playlists and segments of every published stream.");
}

net::Task<service::Started> start(service::Context& context) {
  auto config = context.config->share<HlsConfig>(kSection);
  if (!config->enabled) co_return std::make_unique<Disabled>();
  co_return std::make_unique<HlsService>(context, std::move(config));
}

}  // namespace

const service::Module module{kSection, declare, start};

}  // namespace weir::hls
