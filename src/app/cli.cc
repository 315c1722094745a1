// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace weir::app {
namespace {

void add_sources(CLI::App& to, ConfigSources& sources) {
  to.add_option("--config", sources.file, "Read this YAML file (else WEIR_CONFIG, else none)")
      ->type_name("FILE");
  to.add_option("--set", sources.sets, "Set one key, for example http.listen=:8080; repeatable")
      ->type_name("SECTION.KEY=VALUE")
      ->allow_extra_args(false);
}

Command say(std::string text, int exit_code) {
  Command c;
  c.text = std::move(text);
  if (!c.text.empty() && c.text.back() != '\n') c.text += '\n';
  c.exit_code = exit_code;
  return c;
}

}  // namespace

Command parse_command(std::vector<std::string> words,
                      std::vector<std::pair<std::string, std::string>> environment,
                      const HelpText& help) {
  Command command;
  bool print = false;
  CLI::App cli(std::string(help.about), "weir");
  cli.footer(std::string(help.examples));
  cli.require_subcommand(0, 1);
  cli.set_version_flag("--version", "weir " WEIR_VERSION);
  cli.add_flag("--print-config", print, "The same as the command print-config");
  add_sources(cli, command.sources);
  CLI::App* serve = cli.add_subcommand("serve", "Run the server");
  add_sources(*serve, command.sources);
  CLI::App* check = cli.add_subcommand("check", "Say whether a configuration file is right");
  check->add_option("FILE", command.sources.file, "The YAML file")->required();
  CLI::App* show =
      cli.add_subcommand("print-config", "Print the complete configuration as commented YAML");
  add_sources(*show, command.sources);
  CLI::App* docs = cli.add_subcommand("docs", "Print a reference as Markdown");
  docs->require_subcommand(1);
  docs->add_subcommand("config", "Every section and key of the configuration");
  if (words.empty()) return say(cli.help(), kExitOk);
  try {
    std::reverse(words.begin(), words.end());  // CLI11 takes a vector from its end
    cli.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    const auto chosen = cli.get_subcommands();
    return say(chosen.empty() ? cli.help() : chosen.front()->help("weir"), kExitOk);
  } catch (const CLI::Success& e) {
    return say(e.what(), kExitOk);
  } catch (const CLI::Error& e) {
    return say(std::string("weir: ") + e.what() + "\nTry: weir --help", kExitUsage);
  }
  // `check FILE` is about the file alone.
  if (!*check) command.sources.environment = std::move(environment);
  if (*serve) command.kind = Command::Kind::serve;
  if (*check) command.kind = Command::Kind::check;
  if (*show || print) command.kind = Command::Kind::print_config;
  if (*docs) command.kind = Command::Kind::docs_config;
  if (command.kind == Command::Kind::say)
    return say("weir: no command was given\nTry: weir --help", kExitUsage);
  return command;
}

}  // namespace weir::app
