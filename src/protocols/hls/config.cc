// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/config.h"

namespace weir::hls {

void describe(Fields<HlsConfig>& f) {
  f.add("enabled", &HlsConfig::enabled, "Whether published streams are offered as HLS.");
  f.add("segment", &HlsConfig::segment,
        "Segments are cut at the first keyframe after this long; without a picture, at once.")
      .range(500ms, 1min);
  f.add("window", &HlsConfig::window,
        "How much of a live stream its playlist lists; never less than three segments.")
      .range(Duration{1s}, 1h);
  f.add("max_bytes", &HlsConfig::max_bytes,
        "Memory for the segments of one stream; the oldest go when it is used up.")
      .range(mib(1), gib(64));
  f.add("path", &HlsConfig::path,
        "A folder to also write playlists and segments to, as APP/STREAM/...; empty: memory only.");
  f.add("cleanup", &HlsConfig::cleanup,
        "Delete files of segments that are listed no more, and a stream's folder after its end.");
}

}  // namespace weir::hls
