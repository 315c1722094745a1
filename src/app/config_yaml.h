// Weir live-streaming server. MIT licence, see LICENSE.

// YAML text -> ConfigDraft. Pure: the text is handed in. All errors of a text are reported, each
// with its place: `weir.yaml:12:3: unknown key "lisen" in "http", did you mean "listen"?`. The
// shape is two levels, section and key; values are single, lists or maps of single values. The one
// place that knows yaml-cpp, whose exceptions end here. YAML 1.2; one document; at most 1 MiB.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"

namespace weir::app {

constexpr size_t kLargestConfig = 1 << 20;

// Sets every key of `text` in the draft; a key with an error keeps its value. Empty when all is
// well.
std::vector<std::string> apply_yaml(std::string_view text, std::string_view file_name,
                                    const ConfigSchema& schema, ConfigDraft& draft);

}  // namespace weir::app
