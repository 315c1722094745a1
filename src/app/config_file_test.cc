// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/config_file.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "app/sample_config.h"

namespace weir::app {
namespace {

using sample::InputConfig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// A file that is gone with its test.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& text)
      : path_(std::filesystem::path(::testing::TempDir()) /
              ("weir_config_" + std::to_string(::getpid()) + ".yaml")) {
    std::ofstream(path_) << text;
  }
  ~ScratchFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

int chunk_size_with(const ConfigSources& sources) {
  const LoadedConfig loaded = load_config(sample::schema(), sources);
  EXPECT_THAT(loaded.errors, IsEmpty());
  return loaded.config ? loaded.config->get<InputConfig>("input").chunk_size : -1;
}

TEST(ConfigFile, LaterSourcesWin) {
  const ScratchFile file("input:\n  chunk_size: 1000\n");
  ConfigSources sources;
  EXPECT_EQ(chunk_size_with(sources), 4096);
  sources.file = file.path();
  EXPECT_EQ(chunk_size_with(sources), 1000);
  sources.environment = {{"WEIR_INPUT_CHUNK_SIZE", "2000"}};
  EXPECT_EQ(chunk_size_with(sources), 2000);
  sources.sets = {"input.chunk_size=3000"};
  EXPECT_EQ(chunk_size_with(sources), 3000);
  sources.sets.push_back("input.chunk_size=4000");
  EXPECT_EQ(chunk_size_with(sources), 4000);
}

TEST(ConfigFile, TheEnvironmentMayNameTheFile) {
  const ScratchFile named("input:\n  chunk_size: 1000\n");
  ConfigSources sources;
  sources.environment = {{"WEIR_CONFIG", named.path()}};
  EXPECT_EQ(chunk_size_with(sources), 1000);
  sources.file = "/dev/null";
  EXPECT_EQ(chunk_size_with(sources), 4096) << "--config wins over WEIR_CONFIG";
}

TEST(ConfigFile, AMissingFileIsAnError) {
  ConfigSources sources;
  sources.file = "/nowhere/weir.yaml";
  const LoadedConfig loaded = load_config(sample::schema(), sources);
  EXPECT_FALSE(loaded.config);
  EXPECT_THAT(loaded.errors, ElementsAre("/nowhere/weir.yaml: No such file or directory"));
  sources.file = ::testing::TempDir();
  EXPECT_FALSE(load_config(sample::schema(), sources).config) << "a folder is no file";
}

TEST(ConfigFile, ErrorsOfAllSourcesTogether) {
  const ScratchFile file("input:\n  chunk_size: 1\n");
  ConfigSources sources;
  sources.file = file.path();
  sources.environment = {{"WEIR_INPUT_TIMEOUT", "soon"}};
  sources.sets = {"input.lisen=:1", "input", "input=1", "=", "imput.x=1", "input.listen=[::]:80"};
  const LoadedConfig loaded = load_config(sample::schema(), sources);
  EXPECT_FALSE(loaded.config);
  EXPECT_THAT(
      loaded.errors,
      ElementsAre(
          file.path() + ":2:15: input.chunk_size must be 128 to 65536, not 1",
          "WEIR_INPUT_TIMEOUT must be a duration such as 200ms, 2s, 10m or 1h, not \"soon\"",
          "--set input.lisen: unknown key \"lisen\" in \"input\", did you mean \"listen\"?",
          "--set input: must have the form section.key=value",
          "--set input: must have the form section.key=value",
          "--set : must have the form section.key=value",
          "--set imput.x: unknown section \"imput\", did you mean \"input\"?"));
}

TEST(ConfigFile, RulesAreAskedOnceAllIsSet) {
  ConfigSources sources;
  sources.environment = {{"WEIR_INPUT_LISTEN", ""}};
  sources.sets = {"input.strict=yes"};
  const LoadedConfig loaded = load_config(sample::schema(), sources);
  EXPECT_THAT(loaded.errors, ElementsAre("input: strict needs listen"));
  EXPECT_FALSE(loaded.config);
}

TEST(ConfigFile, UnknownVariablesWarnOnlyWhenMeantForUs) {
  struct Row {
    const char *name, *warning;  // warning null: none
  };
  const Row rows[] = {
      {"WEIR_INPUT_LISEN",
       "WEIR_INPUT_LISEN is no setting and is ignored, did you mean WEIR_INPUT_LISTEN?"},
      {"WEIR_IMPUT_LISTEN",
       "WEIR_IMPUT_LISTEN is no setting and is ignored, did you mean WEIR_INPUT_LISTEN?"},
      {"WEIR_STORE_ZZZZZZZZ", "WEIR_STORE_ZZZZZZZZ is no setting and is ignored"},
      {"WEIR_SERVICE_HOST", nullptr},
      {"WEIR_PORT_1935_TCP_ADDR", nullptr},
      {"WEIR_HOME", nullptr},
      {"WEIR_", nullptr},
      {"WEIR_CONFIG", nullptr},
  };
  for (const Row& row : rows) {
    ConfigSources sources;
    sources.file = "/dev/null";
    sources.environment = {{row.name, "x"}};
    const LoadedConfig loaded = load_config(sample::schema(), sources);
    EXPECT_TRUE(loaded.config) << row.name;
    if (row.warning) {
      EXPECT_THAT(loaded.warnings, ElementsAre(row.warning));
    } else {
      EXPECT_THAT(loaded.warnings, IsEmpty()) << row.name;
    }
  }
}

TEST(ConfigFile, TakesOnlyOurVariables) {
  const char* environment[] = {
      "PATH=/bin", "WEIR_A=1=2", "WEIR_B=", "WEIR_C", "XWEIR_D=1", nullptr};
  EXPECT_THAT(weir_environment(environment),
              ElementsAre(Pair("WEIR_A", "1=2"), Pair("WEIR_B", "")));
  EXPECT_THAT(weir_environment(nullptr), IsEmpty());
}

TEST(ConfigFile, ListsAndMapsFromOneLine) {
  ConfigSources sources;
  sources.environment = {{"WEIR_STORE_ROUTES", "/a, /b"}};
  sources.sets = {"store.headers=A=1, B=2"};
  const LoadedConfig loaded = load_config(sample::schema(), sources);
  ASSERT_TRUE(loaded.config);
  const auto& store = loaded.config->get<sample::StoreConfig>("store");
  EXPECT_THAT(store.routes, ElementsAre("/a", "/b"));
  EXPECT_THAT(store.headers, ElementsAre(Pair("A", "1"), Pair("B", "2")));
}

TEST(ConfigFile, SecretsStayOutOfErrors) {
  ConfigSources sources;
  sources.sets = {"store.tokn=hush"};
  const LoadedConfig loaded = load_config(sample::schema(), sources);
  ASSERT_EQ(loaded.errors.size(), 1u);
  EXPECT_THAT(loaded.errors[0], ::testing::Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace weir::app
