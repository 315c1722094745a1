// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/config_yaml.h"

#include <gmock/gmock.h>

#include "app/sample_config.h"

namespace weir::app {
namespace {

using sample::InputConfig;
using sample::StoreConfig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> errors_of(std::string_view text) {
  const ConfigSchema schema = sample::schema();
  ConfigDraft draft(schema);
  return apply_yaml(text, "weir.yaml", schema, draft);
}

TEST(ConfigYaml, ReadsEveryKind) {
  const ConfigSchema schema = sample::schema();
  ConfigDraft draft(schema);
  ASSERT_THAT(apply_yaml(R"(
input: {listen: "[::]:1935", chunk_size: 60000, merge: 350ms}
store:
  path: /var/lib/x
  memory: 1.5M
  mode: fast
  share: 0.25
  token: "s3cret"
  routes:
    - /a, b
    - "/c"
  headers:
    X-One: 1
    X-Two: two
)",
                         "weir.yaml", schema, draft),
              IsEmpty());
  const auto& input = draft.edit<InputConfig>("input");
  EXPECT_EQ(input.listen, Endpoint("[::]:1935"));
  EXPECT_EQ(input.chunk_size, 60000);
  EXPECT_EQ(input.merge, DurationOrAuto(350ms));
  EXPECT_EQ(input.timeout, 5s);
  const auto& store = draft.edit<StoreConfig>("store");
  EXPECT_EQ(store.path, "/var/lib/x");
  EXPECT_EQ(store.memory, kib(1536));
  EXPECT_EQ(store.mode, sample::Mode::fast);
  EXPECT_EQ(store.share, 0.25);
  EXPECT_EQ(store.token, "s3cret");
  EXPECT_THAT(store.routes, ElementsAre("/a, b", "/c"));
  EXPECT_THAT(store.headers, ElementsAre(std::pair("X-One", "1"), std::pair("X-Two", "two")));
}

TEST(ConfigYaml, NothingIsFine) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "~", "input:\n", "input: {}",
                           "input:\n  # all commented out\nstore:\n", "\xEF\xBB\xBFinput:\n"})
    EXPECT_THAT(errors_of(text), IsEmpty()) << text;
}

TEST(ConfigYaml, AnEmptyValueIsTheEmptyText) {
  const ConfigSchema schema = sample::schema();
  ConfigDraft draft(schema);
  ASSERT_THAT(apply_yaml("input:\n  listen:\nstore:\n  routes:\n  headers:\n", "f", schema, draft),
              IsEmpty());
  EXPECT_TRUE(draft.edit<InputConfig>("input").listen.off);
  EXPECT_THAT(draft.edit<StoreConfig>("store").routes, IsEmpty());
}

TEST(ConfigYaml, ErrorsHaveTheirPlace) {
  struct Row {
    const char *text, *error;
  };
  const Row rows[] = {
      {"input:\n  lisen: :1\n",
       "weir.yaml:2:3: unknown key \"lisen\" in \"input\", did you mean \"listen\"?"},
      {"\nimput:\n  listen: :1\n",
       "weir.yaml:2:1: unknown section \"imput\", did you mean \"input\"?"},
      {"whatever: 1\n", "weir.yaml:1:1: unknown section \"whatever\""},
      {"input:\n  chunk_size: 5\n", "weir.yaml:2:15: input.chunk_size must be 128 to 65536, not 5"},
      {"input:\n  chunk_size: many\n",
       "weir.yaml:2:15: input.chunk_size must be a whole number, not \"many\""},
      {"input:\n  chunk_size:\n",
       "weir.yaml:2:3: input.chunk_size must be a whole number, not \"\""},
      {"input:\n  chunk_size: [1, 2]\n",
       "weir.yaml:2:15: input.chunk_size must be a single value, not a list"},
      {"input:\n  listen: {a: b}\n",
       "weir.yaml:2:11: input.listen must be a single value, not a map"},
      {"store:\n  mode: quick\n",
       "weir.yaml:2:9: store.mode must be one of slow, fast, not \"quick\""},
      {"store:\n  routes: {a: b}\n", "weir.yaml:2:11: store.routes must be a list, not a map"},
      {"store:\n  routes:\n    - a\n    - [b]\n",
       "weir.yaml:4:7: store.routes: what is inside must be single values"},
      {"store:\n  headers:\n    a: {b: c}\n",
       "weir.yaml:3:8: store.headers: what is inside must be single values"},
      {"store:\n  headers:\n    a: 1\n    a: 2\n",
       "weir.yaml:4:5: key \"a\" in \"store.headers\" twice, first in line 3"},
      {"store:\n  token: [s3cret]\n",
       "weir.yaml:2:10: store.token is not valid (a secret, not shown)"},
      {"input: 5\n", "weir.yaml:1:8: \"input\" must be a map of keys"},
      {"input:\n  - listen\n", "weir.yaml:2:3: \"input\" must be a map of keys"},
      {"just text\n", "weir.yaml:1:1: must be a map of sections"},
      {"[a]: b\n", "weir.yaml:1:1: a key at the top must be a plain name"},
      {"input:\n  listen: :1\n  listen: :2\n",
       "weir.yaml:3:3: key \"listen\" in \"input\" twice, first in line 2"},
      {"input:\n  strict: true\nstore:\ninput:\n",
       "weir.yaml:4:1: key \"input\" at the top twice, first in line 1"},
      {"input:\n---\nstore:\n", "weir.yaml:2:1: unexpected here: only one document is read"},
  };
  for (const Row& row : rows) EXPECT_THAT(errors_of(row.text), ElementsAre(row.error)) << row.text;
}

TEST(ConfigYaml, BrokenYamlHasAPlaceToo) {
  for (const char* text : {"input:\n  listen: [1\n", "input:\n\t listen: 1\n", "a: b: c\n", "\"a\n",
                           "input: *nobody\n", "input: {a\n", "%YAML 9.9\n%YAML 1.2\n---\n"}) {
    const auto errors = errors_of(text);
    ASSERT_EQ(errors.size(), 1u) << text;
    EXPECT_THAT(errors[0], ::testing::ContainsRegex("^weir.yaml:[0-9]+:[0-9]+: [a-zA-Z]")) << text;
  }
}

// Texts on which yaml-cpp 0.7 would never come back if asked for all documents.
TEST(ConfigYaml, StrayTextIsAnErrorAndNoLoop) {
  for (const char* text : {",", "input:\n, x: 1\n", "input: {}\n}\n", "]", ", a: 1}\nb:\n"})
    EXPECT_FALSE(errors_of(text).empty()) << text;
}

TEST(ConfigYaml, AllErrorsAtOnceAndTheRestIsRead) {
  const ConfigSchema schema = sample::schema();
  ConfigDraft draft(schema);
  const auto errors = apply_yaml(
      "input:\n  lisen: 1\n  timeout: 2s\n  chunk_size: 1\nstroe:\n  x: y\nstore:\n  share: 2\n",
      "f", schema, draft);
  EXPECT_THAT(errors, ElementsAre(StartsWith("f:2:3:"), StartsWith("f:4:15:"), StartsWith("f:5:1:"),
                                  StartsWith("f:8:10:")));
  EXPECT_EQ(draft.edit<InputConfig>("input").timeout, 2s);
}

TEST(ConfigYaml, AnchorsWork) {
  const ConfigSchema schema = sample::schema();
  ConfigDraft draft(schema);
  EXPECT_THAT(apply_yaml("input: {timeout: &t 7s, merge: *t}\n", "f", schema, draft), IsEmpty());
  EXPECT_EQ(draft.edit<InputConfig>("input").merge, DurationOrAuto(7s));
}

TEST(ConfigYaml, HostileTextsStayBounded) {
  EXPECT_THAT(errors_of(std::string(2 << 20, ' ')), ElementsAre("weir.yaml: larger than 1 MiB"));
  EXPECT_EQ(errors_of(std::string(100'000, '[')).size(), 1u);
  EXPECT_EQ(errors_of("input: &a {listen: *a}\n").size(), 1u);
  std::string many = "input:\n";
  for (int i = 0; i < 1000; ++i) many += "  key" + std::to_string(i) + ": 1\n";
  const auto errors = errors_of(many);
  EXPECT_EQ(errors.size(), 51u);
  EXPECT_THAT(errors.back(), HasSubstr("and more"));
}

}  // namespace
}  // namespace weir::app
