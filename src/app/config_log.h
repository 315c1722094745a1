// Weir live-streaming server. MIT licence, see LICENSE.

// The "log" section. Main applies it before anything else runs; base/log.h writes the lines.
#pragma once

#include "base/config.h"
#include "base/log.h"

namespace weir::app {

struct LogConfig {
  Level level = Level::info;
  LogFormat format = LogFormat::text;
  bool operator==(const LogConfig&) const = default;
};
void describe(Fields<LogConfig>&);

// Lines written from now on follow it; any core may be logging meanwhile (reload).
void apply(const LogConfig&);

}  // namespace weir::app
