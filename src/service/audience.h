// Weir live-streaming server. MIT licence, see LICENSE.

// Audience: how many people watch by playlists and segments. Nobody subscribes there; a viewer is
// an address with a user agent that asked for a playlist or manifest lately. Each core remembers
// whom it has reported, so that a request costs one look-up; core 0 counts and tells the hub. Owned
// by the service; request handlers call seen() on any core.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hub/hub.h"
#include "net/core.h"

namespace weir::service {

class Audience {
 public:
  // Core 0. `protocol`: whose viewers these are, as the hub is to show it.
  Audience(hub::Hub& hub, std::string protocol);

  void seen(const StreamKey& key, std::string_view address, std::string_view user_agent);
  // Core 0; afterwards reports on their way are ignored.
  void stop();

 private:
  struct Local {
    std::unordered_map<uint64_t, Time> reported;
    Time cleaned{};
  };
  struct Count {  // of core 0; shared with posts on their way
    std::unordered_map<StreamKey, std::unordered_map<uint64_t, Time>> viewers;
    bool stopped = false;
  };
  void expire();

  hub::Hub& hub_;
  std::string protocol_;
  std::vector<Local> locals_;  // [i] is touched on core i only
  std::shared_ptr<Count> count_;
  net::Timer timer_;
};

}  // namespace weir::service
