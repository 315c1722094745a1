// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/docs.h"

#include <gmock/gmock.h>

#include <fstream>

#include "app/config_yaml.h"
#include "app/modules.h"
#include "app/sample_config.h"

namespace weir::app {
namespace {

using sample::InputConfig;
using sample::StoreConfig;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string file_text(const std::string& path) {
  std::ifstream in(WEIR_SOURCE_DIR "/" + path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

ConfigSchema real_schema() {
  ConfigSchema schema;
  declare_all(schema);
  return schema;
}

// Reads the printed text into defaults and compares every section.
void expect_survives(const ConfigSchema& schema, const ConfigPtr& config) {
  ConfigDraft draft(schema);
  EXPECT_THAT(apply_yaml(config_yaml(*config), "printed", schema, draft), IsEmpty());
  EXPECT_THAT(changed_fields(*config, *std::move(draft).finish()), IsEmpty())
      << config_yaml(*config);
}

TEST(Docs, TheDefaultFileIsWhatTheCodeSays) {
  EXPECT_EQ(file_text("config/weir.yaml"), config_yaml(*ConfigDraft(real_schema()).finish()))
      << "run: weir print-config > config/weir.yaml";
}

TEST(Docs, TheReferenceIsWhatTheCodeSays) {
  EXPECT_EQ(file_text("docs/config.md"), config_markdown(real_schema()))
      << "run: weir docs config > docs/config.md";
}

TEST(Docs, DefaultsSurvivePrinting) {
  const ConfigSchema schema = sample::schema();
  expect_survives(schema, ConfigDraft(schema).finish());
  const ConfigSchema real = real_schema();
  expect_survives(real, ConfigDraft(real).finish());
}

TEST(Docs, OddValuesSurvivePrinting) {
  const ConfigSchema schema = sample::schema();
  const char* texts[] = {"",           "true",   "null", "~",  "a: b", "#x",
                         " lead",      "trail ", "\"",   "\\", "'",    "a\nb\tc",
                         "[x]",        "{x}",    "*x",   "&x", "- x",  "\xC3\xA4",
                         "x\x01y\x7f", "12:30",  "%x",   "@x"};
  for (const char* text : texts) {
    ConfigDraft draft(schema);
    auto& store = draft.edit<StoreConfig>("store");
    store.path = text;
    store.routes = {text, "second"};
    store.headers = {{text, text}, {"other", "x"}};
    expect_survives(schema, std::move(draft).finish());
  }
  for (const char* listen : {"", ":80", "[::]:80", "localhost:80"}) {
    ConfigDraft draft(schema);
    draft.edit<InputConfig>("input").listen = Endpoint(listen);
    draft.edit<StoreConfig>("store").routes.clear();
    expect_survives(schema, std::move(draft).finish());
  }
}

TEST(Docs, YamlIsCommented) {
  const std::string yaml = config_yaml(*ConfigDraft(sample::schema()).finish());
  EXPECT_THAT(yaml, HasSubstr("\n# Where it comes in.\ninput:\n"
                              "  # Where to listen; empty turns it off.\n"
                              "  listen: 0.0.0.0:1935\n"
                              "  # Chunk size in bytes. (128 to 65536)\n"
                              "  chunk_size: 4096\n"));
  EXPECT_THAT(yaml, HasSubstr("  # How to go. (slow or fast)\n  mode: slow\n"));
  EXPECT_THAT(yaml, HasSubstr("  routes:\n    - \"/{app}/{stream}.flv\"\n"));
  EXPECT_THAT(yaml, HasSubstr("  headers: {}\n"));
  EXPECT_THAT(yaml, HasSubstr("  token: \"\"\n"));
}

TEST(Docs, SecretsAreNotPrinted) {
  const ConfigSchema schema = sample::schema();
  ConfigDraft draft(schema);
  draft.edit<StoreConfig>("store").token = "hush";
  const ConfigPtr config = std::move(draft).finish();
  EXPECT_THAT(config_yaml(*config), Not(HasSubstr("hush")));
  EXPECT_THAT(config_yaml(*config), HasSubstr("# token: *** is set"));
  ConfigDraft again(schema);
  EXPECT_THAT(apply_yaml(config_yaml(*config), "printed", schema, again), IsEmpty());
  EXPECT_EQ(again.edit<StoreConfig>("store").token, "");
}

TEST(Docs, LongDescriptionsAreWrapped) {
  ConfigSchema schema;
  schema.section<InputConfig>("input", "Word " + std::string(60, 'a') + " " + std::string(60, 'b'));
  EXPECT_THAT(config_yaml(*ConfigDraft(schema).finish()),
              HasSubstr("\n# Word " + std::string(60, 'a') + "\n# " + std::string(60, 'b') + "\n"));
}

TEST(Docs, MarkdownHasOneRowPerKey) {
  const std::string text = config_markdown(sample::schema());
  EXPECT_THAT(text, HasSubstr("\n## input\n\nWhere it comes in.\n"));
  EXPECT_THAT(
      text,
      HasSubstr("| `chunk_size` | integer, 128 to 65536 | `4096` | Chunk size in bytes. |\n"));
  EXPECT_THAT(text, HasSubstr("| `mode` | `slow` or `fast` | `slow` | How to go. |\n"));
  EXPECT_THAT(text, HasSubstr("| `path` | text | none | A folder \\| or nothing. |\n"));
  EXPECT_THAT(text,
              HasSubstr("| `token` | text | none | A key. Secret: never printed or logged. |\n"));
}

}  // namespace
}  // namespace weir::app
