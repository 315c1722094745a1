// Weir live-streaming server. MIT licence, see LICENSE.

// Every command but `serve`: they print and end. Pure but for reading the configuration file; main
// writes what comes back.
#pragma once

#include <string>

#include "app/cli.h"
#include "base/config.h"

namespace weir::app {

struct Printed {
  std::string out;  // for standard output
  std::string err;  // for standard error
  int exit_code = 0;
};
Printed run_command(const Command&, const ConfigSchema&);

// "weir: error: ..." and "weir: warning: ..." lines, for standard error.
std::string describe_problems(const LoadedConfig&);

}  // namespace weir::app
