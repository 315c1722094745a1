// Weir live-streaming server. MIT licence, see LICENSE.

// Streams: packages every stream that is published, for as long as the hub holds it and a window
// longer, so that players reach the end. Told by the hub on the stream's home core, where the
// stream's packager, its views and its files are looked after by one task; views go to all cores
// through the directory. Owned by the service; started and stopped on core 0.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "base/log.h"
#include "hub/hub.h"
#include "net/blocking.h"
#include "net/task_group.h"
#include "protocols/hls/config.h"
#include "protocols/hls/directory.h"

namespace weir::hls {

class Streams final : public hub::HubObserver {
 public:
  Streams(hub::Hub& hub, net::BlockingPool& disk, std::shared_ptr<const HlsConfig> config);
  // After stop().
  ~Streams() override;

  void on_published(const StreamKey&, const hub::PeerPtr&) override;
  void on_ended(const StreamKey&) override;

  // For streams that begin from now on.
  void reconfigure(std::shared_ptr<const HlsConfig>);
  // Ends all packaging and waits for it; what is published afterwards is left alone.
  net::Task<> stop();
  std::shared_ptr<const Directory> directory() const { return directory_; }

 private:
  struct Live;
  struct Local {  // of one core, touched there only
    explicit Local(net::Core& core) : group(core), stopped(core) {}
    net::TaskGroup group;
    net::Signal stopped;
    bool stopping = false;
    std::map<StreamKey, Live*> live;  // not those that have ended
  };

  net::Task<> serve(Local&, StreamKey, uint64_t owner, std::shared_ptr<const HlsConfig>);
  net::Task<> package(Local&, Live&);
  net::Task<> keep_files(Live&);
  Local* local();

  hub::Hub& hub_;
  net::BlockingPool& disk_;
  Logger log_{"hls"};
  std::shared_ptr<Directory> directory_;
  std::vector<std::unique_ptr<Local>> locals_;
  std::vector<std::shared_ptr<const HlsConfig>> configs_;  // [i] of core i
  std::atomic<uint64_t> next_owner_{1};
};

}  // namespace weir::hls
