// Weir live-streaming server. MIT licence, see LICENSE.

// The executable: command line and configuration, then the server.

#include <unistd.h>

#include <cstdio>

#include "app/cli_commands.h"
#include "app/modules.h"
#include "app/server.h"

namespace {

void write(std::FILE* to, const std::string& text) { std::fwrite(text.data(), 1, text.size(), to); }

}  // namespace

int main(int argc, char** argv) {
  using namespace weir::app;
  const Command command = parse_command({argv + (argc > 0 ? 1 : 0), argv + argc},
                                        weir_environment(environ), help_text());
  weir::ConfigSchema schema;
  declare_all(schema);
  if (command.kind == Command::Kind::serve) return serve(command.sources, schema);
  const Printed printed = run_command(command, schema);
  write(stdout, printed.out);
  write(stderr, printed.err);
  return printed.exit_code;
}
