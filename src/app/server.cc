// Weir live-streaming server. MIT licence, see LICENSE.
#include "app/server.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <latch>

#include "app/cli_commands.h"
#include "app/config_file.h"
#include "app/config_log.h"
#include "app/modules.h"
#include "app/routes.h"
#include "base/log.h"
#include "net/task_group.h"
#include "segments/routes.h"
#include "service/stream_config.h"

namespace weir::app {
namespace {

constexpr int kDiskThreads = 2;

int processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

// As many descriptors as the system lets us have: each viewer is one.
void raise_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

template <class T>
net::Task<> keep(net::Task<T> task, std::optional<T>& out, std::latch& done) {
  out.emplace(co_await task);
  done.count_down();
}

net::Task<> note(net::Task<> task, std::latch& done) {
  co_await task;
  done.count_down();
}

// Runs a task on core 0 and blocks the calling thread, which is no core's, until it is done.
struct Outside {
  explicit Outside(net::Core& c) : core(c) {}
  void run(net::Task<> task) {
    std::latch done(1), freed(1);
    std::unique_ptr<net::TaskGroup> group;
    core.post([&] {
      group = std::make_unique<net::TaskGroup>(core);
      group->spawn(note(std::move(task), done));
    });
    done.wait();
    core.post([&] {
      group.reset();
      freed.count_down();
    });
    freed.wait();
  }
  template <class T>
  T run(net::Task<T> task) {
    std::optional<T> out;
    std::latch inner(1);
    run(keep(std::move(task), out, inner));
    return std::move(*out);
  }
  net::Core& core;
};

net::Task<> run_here(std::move_only_function<void()> f) {
  f();
  co_return;
}

}  // namespace

void describe(Fields<ServerConfig>& f) {
  f.add("cores", &ServerConfig::cores,
        "Threads that carry sessions; 0 is one for each processor of this process.")
      .range(0, 256);
  f.add("drain", &ServerConfig::drain,
        "After SIGTERM, how long sessions may go on before they are ended. A second signal ends "
        "them "
        "at once.")
      .range(0s, 24h);
}

Server::Server(ConfigPtr config)
    : config_(std::move(config)),
      cores_(config_->get<ServerConfig>("server").cores > 0
                 ? config_->get<ServerConfig>("server").cores
                 : processors()),
      disk_(kDiskThreads),
      hub_(cores_, service::hub_config(*config_)),
      library_(hub_, disk_, config_->share<segments::SegmentsConfig>("segments")) {
  hub_.observe(library_);
}

Server::~Server() { CHECK(services_.empty() && !http_, "a server is stopped before it goes"); }

Result<> Server::start() { return Outside(cores_[0]).run(start_modules()); }

net::Task<Result<>> Server::start_modules() {
  auto router = std::make_shared<net::http::Router>();
  service::Context context{cores_, hub_, *router, library_, disk_, config_};
  for (const service::Module* module : modules()) {
    auto started = co_await module->start(context);
    if (!started) co_return fail(std::move(started.error()).in(module->name));
    services_.push_back(*std::move(started));
  }
  segments::add_routes(*router, library_);
  add_routes(*router, hub_, *config_);
  auto http = config_->share<net::http::HttpConfig>("http");
  for (const auto& [from, to] : http->aliases) CO_TRY(router->add_alias(from, to));
  http_ = std::make_unique<net::http::Server>(cores_, router, http);
  auto listening = co_await http_->start();
  if (!listening) co_return fail(std::move(listening.error()));
  co_return Result<>{};
}

std::string Server::listening() const {
  std::string out;
  for (const auto& s : services_)
    if (const auto text = s->listening(); !text.empty()) out += text + " ";
  const auto& http = config_->get<net::http::HttpConfig>("http").listen;
  if (!http.off)
    out += "http://" + (http.host.empty() ? "0.0.0.0" : http.host) + ":" +
           std::to_string(http_->port());
  return out;
}

void Server::reload(ConfigPtr config) {
  const ConfigPtr before = std::exchange(config_, std::move(config));
  const auto names = changed_fields(*before, *config_);
  apply(config_->get<LogConfig>("log"));
  if (changed(*before, *config_, "stream") || changed(*before, *config_, "play"))
    hub_.reconfigure(service::hub_config(*config_));
  if (changed(*before, *config_, "segments"))
    library_.reconfigure(config_->share<segments::SegmentsConfig>("segments"));
  Outside(cores_[0]).run(run_here([this] {
    for (auto& s : services_) s->reload(config_);
  }));
  std::string list;
  for (const auto& name : names) list += " " + name;
  Logger().info("configuration read again, changed:{}", list.empty() ? " nothing" : list);
  for (const auto& name : names)
    if (name.ends_with(".listen") || name.starts_with("http.") || name.starts_with("server."))
      Logger().warn("{} takes effect at the next start", name);
}

net::Task<> Server::drain_modules() {
  for (auto& s : services_) co_await s->drain();
}

void Server::drain() { Outside(cores_[0]).run(drain_modules()); }

net::Task<> Server::stop_modules() {
  library_.release_waiting();
  if (http_) co_await http_->stop(1s);
  for (auto s = services_.rbegin(); s != services_.rend(); ++s) co_await (*s)->stop();
  co_await library_.stop();
  // Services observe the hub: what is still on its way there arrives before they go.
  co_await hub_.stop();
  http_.reset();
  while (!services_.empty()) services_.pop_back();
}

void Server::stop() { Outside(cores_[0]).run(stop_modules()); }

bool Server::idle() const {
  for (const auto& s : hub_.list())
    if (s.publisher || !s.viewers.empty()) return false;
  return true;
}

int serve(const ConfigSources& sources, const ConfigSchema& schema) {
  auto loaded = load_config(schema, sources);
  std::fputs(describe_problems(loaded).c_str(), stderr);
  if (!loaded.config) return kExitUsage;
  apply(loaded.config->get<LogConfig>("log"));

  // Threads made from here on leave these to sigwait below.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, s);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  raise_descriptors();

  Server server(loaded.config);
  if (auto ok = server.start(); !ok) {
    Logger().error("cannot start: {}", ok.error().what);
    server.stop();
    return kExitFailure;
  }
  Logger().info("ready {}", server.listening());
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGHUP) {
      auto again = load_config(schema, sources);
      for (const auto& e : again.errors) Logger().error("configuration not read: {}", e);
      if (again.config) server.reload(again.config);
      continue;
    }
    if (signal == SIGTERM) {
      Logger().info("draining");
      server.drain();
      const Time end = SystemClock{}.now() + loaded.config->get<ServerConfig>("server").drain;
      const timespec look{0, 50'000'000};
      int again = -1;  // what is read again at the end of a life is no reason to hurry
      while (!server.idle() && SystemClock{}.now() < end && (again < 0 || again == SIGHUP))
        again = sigtimedwait(&signals, nullptr, &look);
    }
    break;
  }
  Logger().info("stopping");
  server.stop();
  Logger().info("stopped");
  return kExitOk;
}

}  // namespace weir::app
