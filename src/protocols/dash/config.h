// Weir live-streaming server. MIT licence, see LICENSE.

// DashConfig: the `dash` section. A plain value; manifests written from now on go by it.
#pragma once

#include <string>
#include <vector>

#include "base/config.h"

namespace weir::dash {

struct DashConfig {
  bool enabled = true;
  Duration latency = std::chrono::milliseconds{1500};
  std::vector<std::string> variants;

  bool operator==(const DashConfig&) const = default;
};

void describe(Fields<DashConfig>&);

}  // namespace weir::dash
