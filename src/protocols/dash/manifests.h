// Weir live-streaming server. MIT licence, see LICENSE.

// Manifests: the MPD of each stream as one prebuilt content, gzip included, for everybody who asks
// for the same version. A stream's Periods are planned on its home core, by one planner, so that no
// two cores ever contradict each other; each core remembers what it was given and asks again only
// when segments (not parts) have changed. An MPD that says the same as the one before is the same
// content, so that players are told 304. Owned by the service; get() may be called on any core.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/core.h"
#include "net/http/content.h"
#include "protocols/dash/config.h"
#include "protocols/dash/periods.h"
#include "segments/library.h"

namespace weir::dash {

class Manifests {
 public:
  // The library outlives it.
  Manifests(net::Cores& cores, const segments::Library& library,
            std::shared_ptr<const DashConfig> config);
  ~Manifests();

  // Null while there is nothing to play, and for a stream that is not there.
  net::Task<net::http::ContentPtr> get(StreamKey key);
  // For manifests written from now on.
  void reconfigure(std::shared_ptr<const DashConfig>);

 private:
  struct Made {  // one version
    uint64_t owner = 0, version = 0;
    Time longest_lag{};
    bool silent = false;
    net::http::ContentPtr content;
    bool is_good(const Sources&, const DashConfig&) const;
  };
  struct Planned {  // of a stream at home here
    explicit Planned(Time guess) : planner(guess) {}
    uint64_t owner = 0;
    Planner planner;
    WallTime published{};
    std::string text;
    Made made;
  };
  struct Local {  // of one core, touched there only
    std::shared_ptr<const DashConfig> config;
    std::map<StreamKey, Made> made;
    std::map<StreamKey, std::unique_ptr<Planned>> planned;
    size_t sweep_at = 64;
  };

  Local& local();
  Sources find(const StreamKey&, const DashConfig&) const;
  Made make(const StreamKey&);
  void sweep(Local&);

  net::Cores& cores_;
  const segments::Library& library_;
  std::shared_ptr<std::vector<Local>> locals_;  // [i] of core i; shared with posts on their way
};

}  // namespace weir::dash
