// Weir live-streaming server. MIT licence, see LICENSE.

// Sessions: a service's listeners on every core and the sessions they gave birth to. Each
// connection becomes a task on the core where it arrived; stop() closes the listeners, asks every
// session to end and waits for all. Owned by a service; made on core 0, each part lives on its own
// core.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "base/config.h"
#include "net/core.h"
#include "net/task_group.h"
#include "net/tcp.h"

namespace weir::service {

class Sessions {
 public:
  // Runs one connection to its end. The stream stays until the task is done; closing it ends the
  // task.
  using Serve = std::function<net::Task<>(net::ByteStream&)>;

  Sessions(net::Cores& cores, Serve serve) : cores_(cores), serve_(std::move(serve)) {}
  ~Sessions();

  // Opens a listener on each core; port 0 takes any, the same on all. After a failure nothing is
  // open.
  net::Task<Result<>> listen(Endpoint endpoint, int max_sessions);
  uint16_t port() const { return port_; }
  // No new connections.
  net::Task<> drain();
  net::Task<> stop();
  size_t count() const { return count_->load(std::memory_order_relaxed); }

 private:
  struct Part {
    explicit Part(net::Core& core) : group(core) {}
    net::TaskGroup group;
    std::unique_ptr<net::TcpListener> listener;
    std::set<net::ByteStream*> open;
  };
  net::Task<> accept_loop(Part& part, int max_sessions);
  net::Task<> one(Part& part, std::unique_ptr<net::ByteStream> stream);

  net::Cores& cores_;
  Serve serve_;
  std::vector<std::unique_ptr<Part>> parts_;
  uint16_t port_ = 0;
  std::shared_ptr<std::atomic<size_t>> count_ = std::make_shared<std::atomic<size_t>>(0);
};

}  // namespace weir::service
