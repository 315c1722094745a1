// Weir live-streaming server. MIT licence, see LICENSE.

// The `flv` section. A plain value; a viewer keeps the snapshot it began with.
#pragma once

#include "base/config.h"

namespace weir::flv_play {

struct Config {
  bool enabled = true;
  int max_viewers = 20'000;
  Duration wait{std::chrono::seconds{30}};
  bool operator==(const Config&) const = default;
};
void describe(Fields<Config>&);

}  // namespace weir::flv_play
