// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/dash/module.h"

#include "protocols/dash/config.h"
#include "protocols/dash/routes.h"

namespace weir::dash {
namespace {

constexpr const char* kSection = "dash";

class DashService final : public service::Service {
 public:
  DashService(service::Context& context, std::shared_ptr<const DashConfig> config)
      : audience_(context.hub, kSection),
        manifests_(context.cores, context.library, std::move(config)) {
    add_routes(context.router, context.library, manifests_, audience_);
  }

  void reload(ConfigPtr config) override {
    manifests_.reconfigure(config->share<DashConfig>(kSection));
  }
  net::Task<> stop() override {
    audience_.stop();
    co_return;
  }

 private:
  service::Audience audience_;
  Manifests manifests_;
};

// Started with `enabled: false`: there are no routes.
class Disabled final : public service::Service {
 public:
  net::Task<> stop() override { co_return; }
};

void declare(ConfigSchema& schema) {
  schema.section<DashConfig>(kSection, "DASH: a manifest of every published stream.");
}

net::Task<service::Started> start(service::Context& context) {
  auto config = context.config->share<DashConfig>(kSection);
  if (!config->enabled) co_return std::make_unique<Disabled>();
  co_return std::make_unique<DashService>(context, std::move(config));
}

}  // namespace

const service::Module module{kSection, declare, start};

}  // namespace weir::dash
