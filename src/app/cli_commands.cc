// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/cli_commands.h"

#include <fmt/format.h>

#include "app/docs.h"
#include "base/check.h"

namespace weir::app {

std::string describe_problems(const LoadedConfig& loaded) {
  std::string text;
  for (const std::string& w : loaded.warnings) text += fmt::format("weir: warning: {}\n", w);
  for (const std::string& e : loaded.errors) text += fmt::format("weir: error: {}\n", e);
  return text;
}

Printed run_command(const Command& command, const ConfigSchema& schema) {
  switch (command.kind) {
    case Command::Kind::say:
      if (command.exit_code != kExitOk) return {{}, command.text, command.exit_code};
      return {command.text, {}, kExitOk};
    case Command::Kind::docs_config: return {config_markdown(schema), {}, kExitOk};
    case Command::Kind::check:
    case Command::Kind::print_config: {
      const LoadedConfig loaded = load_config(schema, command.sources);
      const std::string problems = describe_problems(loaded);
      if (!loaded.config) return {{}, problems, kExitUsage};
      const bool check = command.kind == Command::Kind::check;
      return {check ? "ok\n" : config_yaml(*loaded.config), problems, kExitOk};
    }
    case Command::Kind::serve: break;
  }
  check_failed(__FILE__, __LINE__, "kind", "serve is main's own work");
}

}  // namespace weir::app
