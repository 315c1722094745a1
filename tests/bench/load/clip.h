// Weir live-streaming server. MIT licence, see LICENSE.

// Clip: an FLV file in memory, to be played in a circle. Read once by main; H.264 with AAC is
// expected, what is in the file is not checked.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "containers/flv/tag.h"

namespace weir::bench {

struct Clip {
  std::vector<flv::Tag> headers;  // metadata and sequence headers
  std::vector<flv::Tag> tags;     // the media, in file order
  Time length{};                  // from one round to the next
};

Result<Clip> read_clip(const std::string& path);
bool is_keyframe(const flv::Tag&);

}  // namespace weir::bench
