// Weir live-streaming server. MIT licence, see LICENSE.

// What a protocol or worker is to the server: a Module (a name, a configuration section, a way to
// start) and the Service that runs. app/modules.cc lists the modules; main starts them in order and
// stops them in reverse. Context is all that a module gets; nothing is global.
#pragma once

#include <memory>
#include <string_view>

#include "base/config.h"
#include "base/log.h"
#include "hub/hub.h"
#include "net/blocking.h"
#include "net/core.h"
#include "net/http/router.h"
#include "net/per_core.h"
#include "net/task.h"
#include "segments/library.h"

namespace weir::service {

// Lives as long as the services. The router may be added to while modules start, not afterwards.
struct Context {
  net::Cores& cores;
  hub::Hub& hub;
  net::http::Router& router;
  const segments::Library& library;
  net::BlockingPool& disk;
  ConfigPtr config;
};

// A running module. Started, reloaded, stopped and destroyed on core 0.
class Service {
 public:
  virtual ~Service() = default;
  // "RTMP rtmp://127.0.0.1:1935" for the start-up line; empty when there is nothing to say.
  virtual std::string listening() const { return {}; }
  // A new configuration whose section differs; what runs keeps what it began with.
  virtual void reload(ConfigPtr) {}
  // First half of the end: accept nothing new, keep what runs.
  virtual net::Task<> drain() { co_return; }
  // Second half: ends all sessions and waits for them.
  virtual net::Task<> stop() = 0;
};

using Started = Result<std::unique_ptr<Service>>;

struct Module {
  std::string_view name;
  void (*declare)(ConfigSchema&);
  net::Task<Started> (*start)(Context&);
};

}  // namespace weir::service
