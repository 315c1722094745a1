// Weir live-streaming server. MIT licence, see LICENSE.

// The command line: words -> Command. Nothing is read, started or printed here; cli_commands.h and
// main act on the result. The one place that knows CLI11, whose exceptions end here.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/config_file.h"

namespace weir::app {

struct Command {
  enum class Kind {
    say,           // print `text` and leave with `exit_code`: help, version, a wrong command line
    serve,         // run the server with `sources`
    check,         // say whether the file in `sources` is right
    print_config,  // print the configuration that `sources` give
    docs_config,   // print docs/config.md
  };
  Kind kind = Kind::say;
  ConfigSources sources;
  std::string text;
  int exit_code = 0;
};

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;  // the server could not start, or ended badly
constexpr int kExitUsage = 2;    // a wrong command line or configuration

// What the help says around the options: it names protocols, so their one list supplies it.
struct HelpText {
  std::string_view about;
  std::string_view examples;
};

// `words` without the program's name; `environment` becomes part of the sources.
Command parse_command(std::vector<std::string> words,
                      std::vector<std::pair<std::string, std::string>> environment,
                      const HelpText&);

}  // namespace weir::app
