// Weir live-streaming server. MIT licence, see LICENSE.

// HlsConfig: the `hls` section. A plain value; what runs keeps the snapshot it began with. Leaves
// out how streams are cut, which is the same for every format (segments/config.h).
#pragma once

#include <string>
#include <vector>

#include "base/config.h"

namespace weir::hls {

enum class Format { cmaf, ts };
enum class PlaylistType { live, event };
enum class Naming { sequential, timestamp, system };

struct HlsConfig {
  bool enabled = true;
  Format format = Format::cmaf;
  PlaylistType type = PlaylistType::live;
  std::vector<std::string> variants;

  std::string path;
  Duration window = std::chrono::seconds{12};
  bool nested = true;
  Naming naming = Naming::sequential;
  Duration naming_granularity{0};
  bool continuous = true;
  bool cleanup = true;
  std::string base_url;
  bool keys = false;
  std::string key_path;
  std::string key_url;
  int fragments_per_key = 0;

  bool operator==(const HlsConfig&) const = default;
};

void describe(Fields<HlsConfig>&);

}  // namespace weir::hls
