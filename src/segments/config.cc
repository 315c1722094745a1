// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/config.h"

namespace weir::segments {

void describe(Fields<SegmentsConfig>& f) {
  f.add("duration", &SegmentsConfig::duration,
        "How long a segment is: it ends at the first keyframe this long after its start or later. "
        "Publishers do best with a keyframe interval of this or a whole fraction of it.")
      .range(500ms, 60s);
  f.add("part", &SegmentsConfig::part,
        "The longest a part of a segment may be: low-latency players are this far behind, and ask "
        "this often.")
      .range(50ms, 5s);
  f.add("slicing", &SegmentsConfig::slicing,
        {{"plain", Slicing::plain}, {"aligned", Slicing::aligned}},
        "plain: a segment is measured from its own start; aligned: it ends where the stream's time "
        "passes a multiple of `duration`, so that several encoders of one source cut alike.");
  f.add("rewind", &SegmentsConfig::rewind,
        "How far back viewers can go while a stream is live, and how long it stays after its end.")
      .range(0s, 30 * 24h);
  f.add("rewind_path", &SegmentsConfig::rewind_path,
        "A folder for segments older than `memory`, so that hours can be rewound; empty keeps all "
        "of `rewind` in memory, as far as max_bytes goes.");
  f.add("memory", &SegmentsConfig::memory,
        "How much of each stream stays in memory when rewind_path is set.")
      .range(6s, 1h);
  f.add("max_bytes", &SegmentsConfig::max_bytes,
        "Memory for one stream's segments; the oldest go early when it is full.")
      .range(mib(1), gib(64));
}

}  // namespace weir::segments
