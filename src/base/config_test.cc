// Weir live-streaming server. MIT licence, see LICENSE.

#include "base/config.h"

#include <gmock/gmock.h>

namespace weir::sample {

enum class Mode { slow, fast };

struct ServerConfig {
  Endpoint listen{":8080"};
  int chunk{4096};
  Duration hold{15s};
  DurationOrAuto merge;
  ByteSize most{mib(1)};
  Mode mode = Mode::slow;
  double share{0.5};
  std::string token;
  std::vector<std::string> routes{"a", "b"};
  bool operator==(const ServerConfig&) const = default;
};

void describe(Fields<ServerConfig>& f) {
  f.add("listen", &ServerConfig::listen, "Where to listen.");
  f.add("chunk", &ServerConfig::chunk, "Chunk size.").range(128, 65536);
  f.add("hold", &ServerConfig::hold, "How long to wait.").range(0s, 10min);
  f.add("merge", &ServerConfig::merge, "Write merging.").range(0ms, 1s);
  f.add("most", &ServerConfig::most, "A bound.").range(kib(1), gib(1));
  f.add("mode", &ServerConfig::mode, {{"slow", Mode::slow}, {"fast", Mode::fast}}, "How to go.");
  f.add("share", &ServerConfig::share, "A part of it.").range(0, 1);
  f.add("token", &ServerConfig::token, "A key.").secret();
  f.add("routes", &ServerConfig::routes, "Names.");
  f.check([](const ServerConfig& c) -> Result<void> {
    if (c.mode == Mode::fast && c.hold > 1min)
      return fail(Code::limit, "hold must be at most 1m when mode is fast");
    return {};
  });
}

struct OtherConfig {
  bool on{false};
  int pin{0};
  bool operator==(const OtherConfig&) const = default;
};
void describe(Fields<OtherConfig>& f) {
  f.add("on", &OtherConfig::on, "Whether at all.");
  f.add("pin", &OtherConfig::pin, "A number that is nobody's business.").range(0, 9999).secret();
}

struct WrongConfig {
  int small{5};
  bool operator==(const WrongConfig&) const = default;
};
void describe(Fields<WrongConfig>& f) {
  f.add("small", &WrongConfig::small, "Its default is out of range.").range(10, 20);
}

}  // namespace weir::sample

namespace weir {
namespace {

using sample::Mode;
using sample::OtherConfig;
using sample::ServerConfig;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

ConfigSchema sample_schema() {
  ConfigSchema schema;
  schema.section<ServerConfig>("server", "The server.");
  schema.section<OtherConfig>("other", "The rest.");
  return schema;
}

std::string error_of(Result<void> r) { return r ? "" : r.error().what; }

TEST(Config, DefaultsAreTheMembersInitializers) {
  const ConfigPtr config = ConfigDraft(sample_schema()).finish();
  EXPECT_EQ(config->get<ServerConfig>("server"), ServerConfig());
  EXPECT_EQ(config->parts().size(), 2u);
}

TEST(Config, SetsByText) {
  ConfigDraft draft(sample_schema());
  EXPECT_TRUE(draft.set("server", "listen", "127.0.0.1:80"));
  EXPECT_TRUE(draft.set("server", "chunk", "128"));
  EXPECT_TRUE(draft.set("server", "merge", "350ms"));
  EXPECT_TRUE(draft.set("server", "mode", "fast"));
  EXPECT_TRUE(draft.set("server", "routes", std::vector<std::string>{"x, y", "z"}));
  const ConfigPtr config = std::move(draft).finish();
  const auto& server = config->get<ServerConfig>("server");
  EXPECT_EQ(server.listen, Endpoint("127.0.0.1:80"));
  EXPECT_EQ(server.chunk, 128);
  EXPECT_EQ(server.merge, DurationOrAuto(350ms));
  EXPECT_EQ(server.mode, Mode::fast);
  EXPECT_THAT(server.routes, ElementsAre("x, y", "z"));
  EXPECT_EQ(server.hold, 15s);
}

TEST(Config, ErrorsSayWhatIsAllowed) {
  struct Row {
    const char *field, *text, *error;
  };
  const Row rows[] = {
      {"chunk", "127", "must be 128 to 65536, not 127"},
      {"chunk", "65537", "must be 128 to 65536, not 65537"},
      {"chunk", "many", "must be a whole number, not \"many\""},
      {"hold", "11m", "must be 0s to 10m, not 11m"},
      {"merge", "2s", "must be 0s to 1s, not 2s"},
      {"merge", "never", "must be auto or a duration such as 200ms or 2s, not \"never\""},
      {"most", "2G", "must be 1k to 1G, not 2G"},
      {"share", "1.01", "must be 0 to 1, not 1.01"},
      {"mode", "quick", "must be one of slow, fast, not \"quick\""},
      {"lisen", ":1", "unknown key \"lisen\" in \"server\", did you mean \"listen\"?"},
      {"zzz", ":1", "unknown key \"zzz\" in \"server\""},
  };
  for (const Row& row : rows) {
    ConfigDraft draft(sample_schema());
    EXPECT_EQ(error_of(draft.set("server", row.field, row.text)), row.error);
    EXPECT_EQ(draft.edit<ServerConfig>("server"), ServerConfig()) << "an error must change nothing";
  }
  ConfigDraft draft(sample_schema());
  EXPECT_EQ(error_of(draft.set("sever", "chunk", "1")),
            "unknown section \"sever\", did you mean \"server\"?");
}

TEST(Config, BothEndsOfARangeAndAutoFit) {
  ConfigDraft draft(sample_schema());
  for (const char* chunk : {"128", "65536"}) EXPECT_TRUE(draft.set("server", "chunk", chunk));
  for (const char* merge : {"0", "1s", "auto"}) EXPECT_TRUE(draft.set("server", "merge", merge));
}

TEST(Config, ASecretIsNotPartOfItsError) {
  ConfigDraft draft(sample_schema());
  EXPECT_EQ(error_of(draft.set("other", "pin", "123456")), "is not valid (a secret, not shown)");
}

TEST(Config, RulesOverSeveralFields) {
  ConfigDraft draft(sample_schema());
  EXPECT_THAT(draft.check(), IsEmpty());
  draft.edit<ServerConfig>("server").mode = Mode::fast;
  draft.edit<ServerConfig>("server").hold = 2min;
  ASSERT_EQ(draft.check().size(), 1u);
  EXPECT_EQ(draft.check()[0].what, "server: hold must be at most 1m when mode is fast");
}

TEST(Config, ReloadComparesSections) {
  const ConfigPtr before = ConfigDraft(sample_schema()).finish();
  ConfigDraft draft(*before);
  ASSERT_TRUE(draft.set("server", "chunk", "256"));
  ASSERT_TRUE(draft.set("server", "hold", "1m"));
  const ConfigPtr after = std::move(draft).finish();
  EXPECT_TRUE(changed(*before, *after, "server"));
  EXPECT_FALSE(changed(*before, *after, "other"));
  EXPECT_FALSE(changed(*after, *after, "server"));
  EXPECT_THAT(changed_fields(*before, *after), ElementsAre("server.chunk", "server.hold"));
  EXPECT_EQ(before->get<ServerConfig>("server").chunk, 4096) << "a snapshot never changes";
}

TEST(Config, ASharedSectionOutlivesItsSnapshot) {
  ConfigPtr config = ConfigDraft(sample_schema()).finish();
  const std::shared_ptr<const ServerConfig> kept = config->share<ServerConfig>("server");
  config.reset();
  EXPECT_EQ(kept->chunk, 4096);
}

TEST(Config, DescriptionIsOpenToDocuments) {
  const ConfigSchema schema = sample_schema();
  const ConfigSection* server = schema.find("server");
  ASSERT_TRUE(server);
  EXPECT_EQ(server->find("chunk")->min, "128");
  EXPECT_EQ(server->find("hold")->max, "10m");
  EXPECT_THAT(server->find("mode")->choices, ElementsAre("slow", "fast"));
  EXPECT_EQ(to_string(server->find("merge")->kind), "duration or auto");
  EXPECT_TRUE(server->find("token")->secret);
  EXPECT_FALSE(server->find("nothing"));
  EXPECT_FALSE(schema.find("nothing"));
}

TEST(ConfigDeath, OurOwnMistakesAreLoud) {
  ConfigSchema schema = sample_schema();
  EXPECT_DEATH(schema.section<OtherConfig>("server", "x"), "declared twice");
  EXPECT_DEATH(schema.section<OtherConfig>("Not Good", "x"), "section name");
  EXPECT_DEATH(schema.section<sample::WrongConfig>("wrong", "x"), "default value outside");
  const ConfigPtr config = ConfigDraft(schema).finish();
  EXPECT_DEATH(config->get<OtherConfig>("server"), "another type");
  EXPECT_DEATH(config->get<OtherConfig>("none"), "never declared");
}

TEST(Config, NearestName) {
  struct Row {
    const char *name, *near;
  };
  const std::vector<std::string_view> names{"listen", "chunk_size", "hold", "on"};
  const Row rows[] = {{"lisen", "listen"},
                      {"lsiten", "listen"},
                      {"listenn", "listen"},
                      {"chunksize", "chunk_size"},
                      {"chunck_size", "chunk_size"},
                      {"hodl", "hold"},
                      {"no", "on"},
                      {"port", ""},
                      {"", ""},
                      {"l", ""}};
  for (const Row& row : rows) EXPECT_EQ(nearest_name(row.name, names), row.near) << row.name;
  EXPECT_EQ(nearest_name(std::string(100'000, 'a'), names), "");
  EXPECT_EQ(did_you_mean("hodl", names), ", did you mean \"hold\"?");
  EXPECT_EQ(did_you_mean("port", names), "");
}

}  // namespace
}  // namespace weir
