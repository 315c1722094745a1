// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/flv/module.h"

#include "protocols/flv/config.h"
#include "protocols/flv/viewers.h"

namespace weir::flv_play {

void describe(Fields<Config>& f) {
  f.add("enabled", &Config::enabled, "Whether /{app}/{stream}.flv is answered.");
  f.add("max_viewers", &Config::max_viewers, "Viewers beyond this are answered 503.")
      .range(1, 1'000'000);
  f.add("wait", &Config::wait,
        "How long a viewer may wait for a publisher before it is let go; 0 is for ever.")
      .range(0s, 24h);
}

namespace {

constexpr const char* kSection = "flv";

class FlvService final : public service::Service {
 public:
  explicit FlvService(service::Context& context)
      : viewers_(std::make_shared<Viewers>(context.hub, context.config->share<Config>(kSection))) {
    context.router.get("/{app...}/{stream}.flv",
                       [v = viewers_](net::http::Request& r) { return v->answer(r); });
  }
  void reload(ConfigPtr config) override { viewers_->reconfigure(config->share<Config>(kSection)); }
  net::Task<> stop() override { return viewers_->stop(); }

 private:
  std::shared_ptr<Viewers> viewers_;
};

net::Task<service::Started> start(service::Context& context) {
  co_return std::make_unique<FlvService>(context);
}

void declare(ConfigSchema& schema) {
  schema.section<Config>(kSection, "FLV over HTTP and WebSocket: play at /{app}/{stream}.flv.");
}

}  // namespace

const service::Module module{kSection, declare, start};

}  // namespace weir::flv_play
