// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/config_log.h"

namespace weir::app {

void describe(Fields<LogConfig>& f) {
  f.add("level", &LogConfig::level,
        {{"debug", Level::debug},
         {"info", Level::info},
         {"warn", Level::warn},
         {"error", Level::error}},
        "The lowest level that is written.");
  f.add("format", &LogConfig::format, {{"text", LogFormat::text}, {"json", LogFormat::json}},
        "One line of text, or one JSON object, per fact.");
}

void apply(const LogConfig& log) { configure_logging(log.level, log.format); }

}  // namespace weir::app
