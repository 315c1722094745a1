// Weir live-streaming server. MIT licence, see LICENSE.

// The executable: command line and configuration, then the server.

#include <unistd.h>

#include <cstdio>

#include "app/cli_commands.h"
#include "app/config_log.h"
#include "app/modules.h"

namespace {

void write(std::FILE* to, const std::string& text) { std::fwrite(text.data(), 1, text.size(), to); }

int serve(const weir::app::Command& command, const weir::ConfigSchema& schema) {
  const auto loaded = weir::app::load_config(schema, command.sources);
  write(stderr, weir::app::describe_problems(loaded));
  if (!loaded.config) return weir::app::kExitUsage;
  weir::app::apply(loaded.config->get<weir::app::LogConfig>("log"));
  weir::Logger().error("nothing to serve: no module is built in");
  return weir::app::kExitFailure;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace weir::app;
  const Command command = parse_command({argv + (argc > 0 ? 1 : 0), argv + argc},
                                        weir_environment(environ), help_text());
  weir::ConfigSchema schema;
  declare_all(schema);
  if (command.kind == Command::Kind::serve) return serve(command, schema);
  const Printed printed = run_command(command, schema);
  write(stdout, printed.out);
  write(stderr, printed.err);
  return printed.exit_code;
}
