// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/dash/config.h"

namespace weir::dash {

void describe(Fields<DashConfig>& f) {
  f.add("enabled", &DashConfig::enabled, "Serve every published stream as DASH.");
  f.add("latency", &DashConfig::latency,
        "How far behind the publisher players are asked to stay; never less than three parts. A "
        "stream whose keyframes come at irregular times is played three segments behind.")
      .range(500ms, 60s);
  f.add("variants", &DashConfig::variants,
        "Suffixes of stream names that are renditions of the name before it: with [\"_low\"] the "
        "manifest of live/foo offers live/foo_low too. Best from encoders with keyframes in step.");
}

}  // namespace weir::dash
