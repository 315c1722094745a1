// Weir live-streaming server. MIT licence, see LICENSE.

// Documents made from the configuration's own description: the commented YAML of --print-config
// (whose default is config/weir.yaml) and docs/config.md. Pure; secrets are never shown.
#pragma once

#include <string>

#include "base/config.h"

namespace weir::app {

// Complete and valid as input. A secret that is set is a comment, so that it does not travel.
std::string config_yaml(const Config&);
// The reference: every section and key with type, default, range and meaning.
std::string config_markdown(const ConfigSchema&);

}  // namespace weir::app
