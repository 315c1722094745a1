// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/module.h"

#include "protocols/hls/config.h"
#include "protocols/hls/files.h"
#include "protocols/hls/playlists.h"
#include "protocols/hls/routes.h"
#include "service/audience.h"

namespace weir::hls {
namespace {

constexpr const char* kSection = "hls";

class HlsService final : public service::Service {
 public:
  HlsService(service::Context& context, std::shared_ptr<const HlsConfig> config)
      : playlists_(context.cores, context.library.directory(), settings_of(*config)),
        audience_(context.hub, kSection),
        files_(context.hub, context.disk, context.library, std::move(config)) {
    context.hub.observe(files_);
    add_routes(context.router, context.library, playlists_, audience_);
  }

  void reload(ConfigPtr config) override {
    auto section = config->share<HlsConfig>(kSection);
    playlists_.reconfigure(settings_of(*section));
    files_.reconfigure(std::move(section));
  }
  net::Task<> stop() override {
    audience_.stop();
    return files_.stop();
  }

 private:
  Playlists playlists_;
  service::Audience audience_;
  Files files_;
};

// Started with `enabled: false`: there are no routes and no files.
class Disabled final : public service::Service {
 public:
  net::Task<> stop() override { co_return; }
};

void declare(ConfigSchema& schema) {
  schema.section<HlsConfig>(kSection, "HLS: playlists of every published stream.");
}

net::Task<service::Started> start(service::Context& context) {
  auto config = context.config->share<HlsConfig>(kSection);
  if (!config->enabled) co_return std::make_unique<Disabled>();
  co_return std::make_unique<HlsService>(context, std::move(config));
}

}  // namespace

const service::Module module{kSection, declare, start};

}  // namespace weir::hls
