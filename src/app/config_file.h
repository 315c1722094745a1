// Weir live-streaming server. MIT licence, see LICENSE.

// Where a configuration comes from: defaults, then the file, then the environment
// (WEIR_HTTP_LISTEN=...), then --set http.listen=...; the later wins. Main reads it once at start
// and again on reload from the same sources. Leaves out YAML itself (config_yaml.h) and printing
// (docs.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/config.h"

namespace weir::app {

struct ConfigSources {
  std::string file;  // empty: WEIR_CONFIG, else none; no file is read that nobody named
  std::vector<std::pair<std::string, std::string>> environment;  // all that begin with WEIR_
  std::vector<std::string> sets;                                 // "http.listen=:8080"
};

// The variables of `environ` whose names begin with WEIR_.
std::vector<std::pair<std::string, std::string>> weir_environment(const char* const* environ);

// What came of loading; there is a config only when there are no errors.
struct LoadedConfig {
  ConfigPtr config;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};
LoadedConfig load_config(const ConfigSchema&, const ConfigSources&);

// "WEIR_HTTP_LISTEN".
std::string environment_name(std::string_view section, std::string_view field);

// The layers one by one; each returns its errors.
std::vector<std::string> apply_environment(const ConfigSchema&, const ConfigSources&, ConfigDraft&,
                                           std::vector<std::string>& warnings);
std::vector<std::string> apply_sets(const std::vector<std::string>& sets, ConfigDraft&);

}  // namespace weir::app
