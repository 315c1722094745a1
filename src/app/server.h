// Weir live-streaming server. MIT licence, see LICENSE.

// Server: everything that runs, built in order and torn down in reverse: cores, hub, modules, HTTP.
// Owned by serve(), which waits for signals on the main thread and calls in here from it. Leaves
// out what modules do (modules.cc lists them) and where configuration comes from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config_file.h"
#include "base/config.h"
#include "hub/hub.h"
#include "net/blocking.h"
#include "net/core.h"
#include "net/http/server.h"
#include "segments/library.h"
#include "service/module.h"

namespace weir::app {

struct ServerConfig {
  int cores = 0;  // 0: one for each processor the process may use
  Duration drain{std::chrono::seconds{5}};
  bool operator==(const ServerConfig&) const = default;
};
void describe(Fields<ServerConfig>&);

class Server {
 public:
  explicit Server(ConfigPtr config);
  ~Server();

  // All of these are called on the main thread and block it; the work is done on core 0.
  Result<> start();
  // Accepts nothing new; what runs goes on.
  void drain();
  // Nobody publishes or watches.
  bool idle() const;
  void reload(ConfigPtr config);
  void stop();

  // "rtmp://0.0.0.0:1935, http://0.0.0.0:8080"
  std::string listening() const;

 private:
  net::Task<Result<>> start_modules();
  net::Task<> drain_modules();
  net::Task<> stop_modules();

  ConfigPtr config_;
  net::Cores cores_;
  net::BlockingPool disk_;  // goes before the cores: its threads post to them
  hub::Hub hub_;
  segments::Library library_;
  std::vector<std::unique_ptr<service::Service>> services_;
  std::unique_ptr<net::http::Server> http_;
};

// The serve command: start, obey signals, stop. The process's exit code. The caller's thread must
// be the first, before any other exists.
int serve(const ConfigSources& sources, const ConfigSchema& schema);

}  // namespace weir::app
