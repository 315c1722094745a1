// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/cli.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "app/cli_commands.h"
#include "app/modules.h"
#include "app/sample_config.h"

namespace weir::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Kind = Command::Kind;

Command parse(std::vector<std::string> words) {
  return parse_command(std::move(words), {{"WEIR_X", "1"}}, help_text());
}

TEST(Cli, Commands) {
  struct Row {
    std::vector<std::string> words;
    Kind kind;
    int exit_code;
  };
  const Row rows[] = {
      {{}, Kind::say, 0},
      {{"--help"}, Kind::say, 0},
      {{"-h"}, Kind::say, 0},
      {{"serve", "--help"}, Kind::say, 0},
      {{"--version"}, Kind::say, 0},
      {{"serve"}, Kind::serve, 0},
      {{"serve", "--config", "f"}, Kind::serve, 0},
      {{"check", "f"}, Kind::check, 0},
      {{"print-config"}, Kind::print_config, 0},
      {{"--print-config"}, Kind::print_config, 0},
      {{"docs", "config"}, Kind::docs_config, 0},
      {{"check"}, Kind::say, 2},
      {{"check", "f", "g"}, Kind::say, 2},
      {{"docs"}, Kind::say, 2},
      {{"sever"}, Kind::say, 2},
      {{"serve", "--nonsense"}, Kind::say, 2},
      {{"serve", "--set"}, Kind::say, 2},
      {{"serve", "check", "f"}, Kind::say, 2},
      {{"--config", "f"}, Kind::say, 2},
      {{""}, Kind::say, 2},
  };
  for (const Row& row : rows) {
    const Command c = parse(row.words);
    EXPECT_EQ(c.kind, row.kind) << ::testing::PrintToString(row.words);
    EXPECT_EQ(c.exit_code, row.exit_code) << ::testing::PrintToString(row.words);
    EXPECT_EQ(c.text.empty(), row.kind != Kind::say) << ::testing::PrintToString(row.words);
  }
}

TEST(Cli, SourcesAreCollected) {
  const Command c = parse(
      {"serve", "--set", "a.b=[::]:80", "--config", "f.yaml", "--set", "[x]", "--set=c.d=e f,g"});
  EXPECT_EQ(c.sources.file, "f.yaml");
  EXPECT_THAT(c.sources.sets, ElementsAre("a.b=[::]:80", "[x]", "c.d=e f,g"));
  EXPECT_THAT(c.sources.environment, SizeIs(1));
  const Command p = parse({"--print-config", "--config", "f.yaml", "--set", "a.b=1"});
  EXPECT_EQ(p.sources.file, "f.yaml");
  EXPECT_THAT(p.sources.sets, ElementsAre("a.b=1"));
}

TEST(Cli, CheckIsAboutTheFileAlone) {
  const Command c = parse({"check", "f.yaml"});
  EXPECT_EQ(c.sources.file, "f.yaml");
  EXPECT_THAT(c.sources.environment, IsEmpty());
}

TEST(Cli, HelpIsEnoughToStartFrom) {
  for (const auto& words : {std::vector<std::string>{}, std::vector<std::string>{"--help"}}) {
    const std::string help = parse(words).text;
    for (const char* part :
         {"weir serve --set rtmp.listen=127.0.0.1:1935 --set http.listen=127.0.0.1:8080",
          "rtmp://localhost:1935/live", "http://localhost:8080/", "index.m3u8", ".flv", "--config",
          "WEIR_CONFIG", "print-config", "check", "--version", "docs"})
      EXPECT_THAT(help, HasSubstr(part));
  }
  EXPECT_THAT(parse({"serve", "--help"}).text, HasSubstr("--set SECTION.KEY=VALUE"));
  EXPECT_THAT(parse({"serve", "--help"}).text, HasSubstr("Usage: weir serve"));
}

TEST(Cli, ComplaintsSayWhereHelpIs) {
  EXPECT_THAT(parse({"sever"}).text, HasSubstr("sever"));
  EXPECT_THAT(parse({"sever"}).text, HasSubstr("\nTry: weir --help\n"));
  EXPECT_THAT(parse({"--version"}).text, StartsWith("weir "));
}

TEST(CliCommands, SayGoesWhereItBelongs) {
  const Printed help = run_command(parse({"--help"}), sample::schema());
  EXPECT_THAT(help.out, HasSubstr("Usage"));
  EXPECT_THAT(help.err, IsEmpty());
  const Printed wrong = run_command(parse({"sever"}), sample::schema());
  EXPECT_THAT(wrong.out, IsEmpty());
  EXPECT_THAT(wrong.err, StartsWith("weir: "));
  EXPECT_EQ(wrong.exit_code, 2);
}

TEST(CliCommands, CheckSaysOkOrWhatIsWrong) {
  const std::string path = ::testing::TempDir() + "weir_cli_" + std::to_string(::getpid());
  std::ofstream(path) << "input:\n  chunk_size: 200\n";
  const Printed good = run_command(parse({"check", path}), sample::schema());
  EXPECT_EQ(good.out, "ok\n");
  EXPECT_EQ(good.exit_code, 0);
  std::ofstream(path) << "input:\n  chunk_siz: 200\n  timeout: x\n";
  const Printed bad = run_command(parse({"check", path}), sample::schema());
  EXPECT_EQ(bad.out, "");
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("weir: error: " + path + ":2:3: unknown key \"chunk_siz\""));
  EXPECT_THAT(bad.err, HasSubstr("weir: error: " + path + ":3:12: input.timeout must be"));
  std::filesystem::remove(path);
}

TEST(CliCommands, PrintConfigShowsWhatTheSourcesGive) {
  Command c = parse({"print-config", "--set", "input.chunk_size=256"});
  c.sources.environment = {{"WEIR_INPUT_TIMEOUT", "9s"}, {"WEIR_INPUT_TIMEOT", "1s"}};
  const Printed printed = run_command(c, sample::schema());
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_THAT(printed.out, HasSubstr("  chunk_size: 256\n"));
  EXPECT_THAT(printed.out, HasSubstr("  timeout: 9s\n"));
  EXPECT_EQ(printed.err,
            "weir: warning: WEIR_INPUT_TIMEOT is no setting and is ignored, did you mean "
            "WEIR_INPUT_TIMEOUT?\n");
}

TEST(CliCommands, DocsConfig) {
  EXPECT_THAT(run_command(parse({"docs", "config"}), sample::schema()).out,
              StartsWith("# Configuration\n"));
}

}  // namespace
}  // namespace weir::app
