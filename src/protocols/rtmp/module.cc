// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/module.h"

#include "protocols/rtmp/config.h"
#include "protocols/rtmp/session.h"
#include "service/sessions.h"

namespace weir::rtmp {

void describe(Fields<Config>& f) {
  f.add("listen", &Config::listen, "Where to accept RTMP; empty turns it off.");
  f.add("chunk_size", &Config::chunk_size, "Outgoing chunk size in bytes.").range(128, 10 << 20);
  f.add("max_message", &Config::max_message, "The largest message a peer may send.")
      .range(kib(64), mib(64));
  f.add("max_connections", &Config::max_connections, "Connections beyond this are closed at once.")
      .range(1, 1'000'000);
  f.add("max_streams", &Config::max_streams, "Message streams of one connection.").range(1, 1000);
  f.add("handshake_timeout", &Config::handshake_timeout, "How long a handshake may take.")
      .range(1s, 5min);
  f.add("ping", &Config::ping, "How long a peer may be silent before it is asked; 0 never asks.")
      .range(0s, 1h);
  f.add("ping_timeout", &Config::ping_timeout, "How long the answer to that may take.")
      .range(1s, 1h);
}

namespace {

net::Task<> serve(hub::Hub& hub, net::ByteStream& stream, std::shared_ptr<const Config> config) {
  const auto session = std::make_shared<Session>(hub, stream, std::move(config));
  co_await session->run();
}

class RtmpService final : public service::Service {
 public:
  explicit RtmpService(service::Context& context)
      : hub_(context.hub),
        config_(context.config->share<Config>("rtmp")),
        now_(context.cores),
        sessions_(context.cores,
                  [this](net::ByteStream& s) { return serve(hub_, s, now_.local()); }) {
    now_.publish(config_);
  }
  net::Task<Result<>> start() {
    if (config_->listen.off) co_return Result<>{};
    co_return co_await sessions_.listen(config_->listen, config_->max_connections);
  }
  std::string listening() const override {
    if (config_->listen.off) return {};
    const auto& host = config_->listen.host;
    return "rtmp://" + (host.empty() ? "0.0.0.0" : host) + ":" + std::to_string(sessions_.port());
  }
  void reload(ConfigPtr config) override { now_.publish(config->share<Config>("rtmp")); }
  net::Task<> drain() override { return sessions_.drain(); }
  net::Task<> stop() override { return sessions_.stop(); }

 private:
  hub::Hub& hub_;
  std::shared_ptr<const Config> config_;
  net::PerCore<std::shared_ptr<const Config>> now_;
  service::Sessions sessions_;
};

net::Task<service::Started> start(service::Context& context) {
  auto made = std::make_unique<RtmpService>(context);
  if (auto ok = co_await made->start(); !ok) co_return std::unexpected(std::move(ok.error()));
  co_return std::unique_ptr<service::Service>(std::move(made));
}

void declare(ConfigSchema& schema) {
  schema.section<Config>("rtmp", "RTMP: publish and play, with Enhanced RTMP.");
}

}  // namespace

const service::Module module{"rtmp", declare, start};

}  // namespace weir::rtmp
