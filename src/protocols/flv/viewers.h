// Weir live-streaming server. MIT licence, see LICENSE.

// Viewers: answers `GET /{app}/{stream}.flv` and keeps the sessions that come of it, each core its
// own. Shared by the service and the routes, which may still be asked after the service has
// stopped: they then say so. answer() runs on the request's core, stop() on any.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <vector>

#include "hub/hub.h"
#include "net/http/router.h"
#include "net/per_core.h"
#include "net/task_group.h"
#include "protocols/flv/config.h"
#include "protocols/flv/session.h"

namespace weir::flv_play {

class Viewers : public std::enable_shared_from_this<Viewers> {
 public:
  Viewers(hub::Hub& hub, std::shared_ptr<const Config> config);
  ~Viewers();

  net::Task<net::http::Response> answer(net::http::Request&);
  // For viewers that come from now on. On the core that made it.
  void reconfigure(std::shared_ptr<const Config> config) { config_.publish(std::move(config)); }
  // Ends all and waits for them.
  net::Task<> stop();
  int count() const { return count_->load(std::memory_order_relaxed); }

 private:
  struct Part {
    explicit Part(net::Core& core) : group(core) {}
    net::TaskGroup group;
    std::set<Session*> open;
    bool stopping = false;
  };
  // This core's; null after stop().
  std::unique_ptr<Part>& part() { return parts_[static_cast<size_t>(net::Core::here().index())]; }
  std::shared_ptr<void> take_seat(int most);
  void start(std::shared_ptr<Session>, std::unique_ptr<net::ByteStream>, Bytes early);
  static net::Task<> serve(Part&, std::shared_ptr<Session>, std::unique_ptr<net::ByteStream>,
                           Bytes early);

  hub::Hub& hub_;
  net::PerCore<std::shared_ptr<const Config>> config_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::shared_ptr<std::atomic<int>> count_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace weir::flv_play
