// Weir live-streaming server. MIT licence, see LICENSE.

// HlsConfig: the `hls` section. A plain value; a stream keeps the snapshot it began with.
#pragma once

#include <string>

#include "base/config.h"

namespace weir::hls {

struct HlsConfig {
  bool enabled = true;
  Duration segment = std::chrono::seconds{2};
  Duration window = std::chrono::seconds{12};
  ByteSize max_bytes = mib(256);
  std::string path;
  bool cleanup = true;

  bool operator==(const HlsConfig&) const = default;
};

void describe(Fields<HlsConfig>&);

}  // namespace weir::hls
