// Weir live-streaming server. MIT licence, see LICENSE.

// SegmentsConfig: the `segments` section: how streams are cut and how long they can be rewound,
// whatever manifests say about it. A plain value; a stream keeps the snapshot it began with.
#pragma once

#include <string>

#include "base/config.h"
#include "segments/boundaries.h"

namespace weir::segments {

struct SegmentsConfig {
  Duration duration = std::chrono::seconds{2};
  Duration part = std::chrono::milliseconds{200};
  Slicing slicing = Slicing::plain;
  Duration memory = std::chrono::seconds{20};
  Duration rewind = std::chrono::minutes{10};
  std::string rewind_path;
  ByteSize max_bytes = mib(256);

  bool operator==(const SegmentsConfig&) const = default;
};

void describe(Fields<SegmentsConfig>&);

}  // namespace weir::segments
