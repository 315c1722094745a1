// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/server.h"

#include "net/http/connection.h"

namespace weir::net::http {
namespace {

constexpr Time kSweepEvery = 500ms;
constexpr size_t kSpare = 256;
constexpr size_t kLargeBuffer = 16 << 10;
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nServer: weir\r\nConnection: close\r\nRetry-After: 5\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 47\r\n\r\n"
    "503 Service Unavailable: too many connections.\n";

}  // namespace

CoreServer::CoreServer(Core& core, const Router& router, const HttpConfig& config,
                       ServerCounters& counters)
    : core_(core),
      router_(router),
      config_(config),
      counters_(counters),
      limits_{.header = config.max_header.bytes, .body = config.max_body.bytes},
      writer_(config.cors_origins),
      sweeper_(core, [this] { sweep(); }),
      tasks_(core) {}

Result<uint16_t> CoreServer::listen(const std::string& host, uint16_t port) {
  TRY(listener_, TcpListener::open(core_, host, port, {.first = core_.index() == 0}));
  tasks_.spawn(accept_all());
  return listener_->port();
}

Task<> CoreServer::accept_all() {
  for (;;) {
    auto stream = co_await listener_->accept();
    if (!stream) co_return;
    serve(std::move(*stream));
  }
}

void CoreServer::serve(std::unique_ptr<ByteStream> stream) {
  core_.check();
  if (counters_.active.fetch_add(1, std::memory_order_relaxed) >= config_.max_connections) {
    counters_.active.fetch_sub(1, std::memory_order_relaxed);
    counters_.refused.add();
    const iovec text{const_cast<char*>(kFull.data()), kFull.size()};
    stream->try_write({&text, 1});
    return;
  }
  counters_.accepted.add();
  tasks_.spawn(drive(std::move(stream)));
}

Task<> CoreServer::drive(std::unique_ptr<ByteStream> stream) {
  std::optional<Connection::Handover> handover;
  {
    Connection connection(*this, std::move(stream));
    co_await connection.run();
    handover = std::move(connection.handover());
  }
  counters_.active.fetch_sub(1, std::memory_order_relaxed);
  if (handover) handover->to(std::move(handover->stream), std::move(handover->early));
}

// One timer for all deadlines of a core: setting a deadline is a store, and half a second late is
// soon enough.
void CoreServer::sweep() {
  const Time now = core_.now();
  for (Connection* c : connections_) c->check_deadline(now);
  if (!connections_.empty()) sweeper_.arm_after(kSweepEvery);
}

std::unique_ptr<Exchange> CoreServer::lend() {
  if (spare_.empty()) return std::make_unique<Exchange>();
  auto x = std::move(spare_.back());
  spare_.pop_back();
  return x;
}

void CoreServer::give_back(std::unique_ptr<Exchange> x) {
  if (spare_.size() >= kSpare) return;
  x->begin = x->end = 0;
  x->started = false;
  x->response = {};
  x->request.body = {};
  x->out.clear();
  x->out.shrink();
  if (x->in.size() > kLargeBuffer) x->in = {};
  x->head = {};
  spare_.push_back(std::move(x));
}

void CoreServer::drain() {
  stopping_ = true;
  if (listener_) listener_->close();
  for (Connection* c : connections_) c->drain();
}

Task<> CoreServer::finish(Time grace) {
  Timer cut(core_, [this] {
    for (Connection* c : connections_) c->cut();
  });
  cut.arm_after(grace);
  co_await tasks_.close();
  sweeper_.cancel();
}

struct Server::Shared {
  Shared(Cores& c, std::shared_ptr<const Router> r, std::shared_ptr<const HttpConfig> f)
      : cores(c), router(std::move(r)), config(std::move(f)) {
    for (int i = 0; i < cores.size(); ++i)
      servers.push_back(std::make_unique<CoreServer>(cores[i], *router, *config, counters));
  }
  Cores& cores;
  const std::shared_ptr<const Router> router;
  const std::shared_ptr<const HttpConfig> config;
  ServerCounters counters;
  uint16_t port = 0;
  std::vector<std::unique_ptr<CoreServer>> servers;
};

Server::Server(Cores& cores, std::shared_ptr<const Router> router,
               std::shared_ptr<const HttpConfig> config)
    : shared_(std::make_unique<Shared>(cores, std::move(router), std::move(config))) {}

Server::~Server() = default;

Task<Result<>> Server::start() {
  const Endpoint& where = shared_->config->listen;
  if (where.off) co_return Result<>{};
  const std::string host = where.host == "localhost" ? "127.0.0.1" : where.host;
  Core& home = Core::here();
  Result<uint16_t> port = where.port;
  for (int i = 0; port && i < shared_->cores.size(); ++i) {
    co_await on(shared_->cores[i]);
    // All cores take the port that the system chose for the first.
    port = shared_->servers[static_cast<size_t>(i)]->listen(host, *port);
  }
  co_await on(home);
  if (!port) {
    co_await stop(0ns);
    co_return fail(std::move(port.error()).in("http"));
  }
  shared_->port = *port;
  co_return Result<>{};
}

uint16_t Server::port() const { return shared_->port; }

Task<> Server::stop(Time grace) {
  Core& home = Core::here();
  const Time until = home.now() + grace;
  for (int i = 0; i < shared_->cores.size(); ++i) {
    co_await on(shared_->cores[i]);
    shared_->servers[static_cast<size_t>(i)]->drain();
  }
  for (int i = 0; i < shared_->cores.size(); ++i) {
    co_await on(shared_->cores[i]);
    co_await shared_->servers[static_cast<size_t>(i)]->finish(until - shared_->cores[i].now());
  }
  co_await on(home);
}

void Server::serve(std::unique_ptr<ByteStream> stream) {
  shared_->servers[static_cast<size_t>(Core::here().index())]->serve(std::move(stream));
}

const ServerCounters& Server::counters() const { return shared_->counters; }

}  // namespace weir::net::http
