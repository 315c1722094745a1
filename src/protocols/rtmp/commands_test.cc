// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "containers/flv/amf0.h"

namespace weir::rtmp {
namespace {

using flv::make_object;
using flv::Value;
using testing::ElementsAre;
using testing::HasSubstr;

Message amf(MessageType type, std::string_view prefix, const std::vector<Value>& values) {
  ByteWriter w;
  w.bytes(from_hex(prefix));
  for (const auto& v : values) flv::write_amf0(w, v);
  Message m;
  m.type = type;
  m.payload = w.take();
  return m;
}

Message raw(MessageType type, std::string_view hex) {
  Message m;
  m.type = type;
  m.payload = from_hex(hex);
  return m;
}

TEST(Command, Parses) {
  const std::vector<Value> values{"publish", 5.0, {}, "demo?key=1", "live"};
  for (const Message& m :
       {amf(MessageType::command_amf0, "", values), amf(MessageType::command_amf3, "00", values),
        amf(MessageType::command_amf3, "", values)}) {
    const auto c = parse_command(m);
    ASSERT_TRUE(c) << c.error().what;
    EXPECT_EQ(c->name, "publish");
    EXPECT_EQ(c->transaction_id, 5);
    EXPECT_TRUE(c->object.is_null());
    EXPECT_THAT(c->args, ElementsAre(Value("demo?key=1"), Value("live")));
    EXPECT_EQ(c->arg(1).as_string(), "live");
    EXPECT_TRUE(c->arg(2).is_null());
  }
}

// What Flash sends with objectEncoding 3: the object behind the switch to AMF3 (marker 0x11).
TEST(Command, Amf3Values) {
  const auto c = parse_command(raw(MessageType::command_amf3,
                                   "00 020007 636f6e6e656374 00 3ff0000000000000"
                                   "11 0a 0b 01 07 617070 06 09 6c697665 01"));
  ASSERT_TRUE(c) << c.error().what;
  EXPECT_EQ(c->name, "connect");
  EXPECT_EQ(c->transaction_id, 1);
  ASSERT_NE(c->object.find("app"), nullptr);
  EXPECT_EQ(c->object.find("app")->as_string(), "live");
}

TEST(Command, ShortOnes) {
  auto c = parse_command(amf(MessageType::command_amf0, "", {"_checkbw"}));
  ASSERT_TRUE(c);
  EXPECT_EQ(c->transaction_id, 0);
  EXPECT_TRUE(c->object.is_null());
  c = parse_command(amf(MessageType::command_amf0, "", {"x", "not a number", Value(true)}));
  ASSERT_TRUE(c);
  EXPECT_EQ(c->transaction_id, 0);
}

TEST(Command, Wrong) {
  const struct {
    MessageType type;
    const char* hex;
    const char* error;
  } rows[] = {
      {MessageType::command_amf0, "", "command_amf0: no name"},
      {MessageType::command_amf3, "00", "command_amf3: no name"},
      {MessageType::command_amf0, "00 3ff0000000000000", "command_amf0: no name"},
      {MessageType::command_amf0, "02ffff61", "command_amf0: "},
      {MessageType::command_amf0, "020001 61 03 0001 61", "command_amf0: "},
      {MessageType::command_amf0, "020001 61 ff", "command_amf0: "},
      {MessageType::data_amf3, "0005", "data_amf3: no name"},
  };
  for (const auto& row : rows) {
    const Message m = raw(row.type, row.hex);
    const auto c = parse_command(m);
    ASSERT_FALSE(c) << row.hex;
    EXPECT_THAT(c.error().what, HasSubstr(row.error)) << row.hex;
    EXPECT_FALSE(parse_data(m));
  }
}

TEST(Command, DeepNestingIsAnError) {
  std::string hex = "02000161";
  for (int i = 0; i < 100'000; ++i) hex += "0a00000001";
  EXPECT_FALSE(parse_command(raw(MessageType::command_amf0, hex)));
}

TEST(Command, RoundTrip) {
  const Command sent{"call", 7, make_object({{"a", 1}}), {"x", false, {}}};
  const Message m = make_command(sent, 3);
  EXPECT_EQ(m.type, MessageType::command_amf0);
  EXPECT_EQ(m.stream_id, 3u);
  const auto back = parse_command(m);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->name, sent.name);
  EXPECT_EQ(back->transaction_id, 7);
  EXPECT_EQ(back->object, sent.object);
  EXPECT_EQ(back->args, sent.args);
}

TEST(Data, ParsesAndWrites) {
  const std::vector<Value> values{"@setDataFrame", "onMetaData", make_object({{"width", 1920}})};
  EXPECT_EQ(*parse_data(amf(MessageType::data_amf0, "", values)), values);
  EXPECT_EQ(*parse_data(amf(MessageType::data_amf3, "00", values)), values);
  EXPECT_EQ(*parse_data(amf(MessageType::data_amf3, "", values)), values);
  const Message m = make_data(values, 1, 40);
  EXPECT_EQ(static_cast<const MessageHeader&>(m),
            (MessageHeader{MessageType::data_amf0, 1, 40, kCommandChunkStream}));
  EXPECT_EQ(*parse_data(m), values);
}

TEST(Replies, ConnectOfAnOldClient) {
  const Command call{"connect", 1, make_object({{"app", "live"}, {"objectEncoding", 3}}), {}};
  const Message m =
      connect_result(call, {"NetConnection.Connect.Success", "Connection succeeded."});
  EXPECT_EQ(m.chunk_stream, kConnectChunkStream);
  EXPECT_EQ(m.stream_id, 0u);
  const auto c = parse_command(m);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->name, "_result");
  EXPECT_EQ(c->transaction_id, 1);
  EXPECT_EQ(c->object, make_object({{"fmsVer", "FMS/3,0,1,123"}, {"capabilities", 31}}));
  EXPECT_THAT(c->args, ElementsAre(make_object({{"level", "status"},
                                                {"code", "NetConnection.Connect.Success"},
                                                {"description", "Connection succeeded."},
                                                {"objectEncoding", 3}})));
}

TEST(Replies, ConnectOfAnEnhancedClient) {
  for (const char* key : {"fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"}) {
    const Command call{"connect", 1, make_object({{key, 1}}), {}};
    EXPECT_TRUE(speaks_enhanced(call)) << key;
    const auto c = parse_command(connect_result(call, {"ok", ""}));
    ASSERT_TRUE(c);
    const Value* list = c->object.find("fourCcList");
    ASSERT_NE(list, nullptr);
    ASSERT_NE(list->get<flv::StrictArray>(), nullptr);
    EXPECT_THAT(list->get<flv::StrictArray>()->items,
                testing::IsSupersetOf({Value("hvc1"), Value("av01"), Value("vp09"), Value("avc1"),
                                       Value("Opus"), Value("fLaC"), Value("ac-3"), Value("ec-3"),
                                       Value("mp4a"), Value(".mp3")}));
    ASSERT_NE(c->object.find("videoFourCcInfoMap"), nullptr);
    ASSERT_NE(c->object.find("videoFourCcInfoMap")->find("hvc1"), nullptr);
    EXPECT_EQ(c->object.find("videoFourCcInfoMap")->find("hvc1")->as_number(), 4);
    ASSERT_NE(c->object.find("audioFourCcInfoMap"), nullptr);
    EXPECT_EQ(c->object.find("audioFourCcInfoMap")->find("hvc1"), nullptr);
    ASSERT_NE(c->object.find("capsEx"), nullptr);
    EXPECT_EQ(c->object.find("capsEx")->as_number(), 14);
    EXPECT_EQ(c->args.at(0).find("objectEncoding")->as_number(), 0);
  }
  EXPECT_FALSE(speaks_enhanced({"connect", 1, {}, {}}));
}

TEST(Replies, Others) {
  const Command call{"any", 4, {}, {}};
  auto c = *parse_command(create_stream_result(call, 2));
  EXPECT_EQ(c.name, "_result");
  EXPECT_EQ(c.transaction_id, 4);
  EXPECT_TRUE(c.object.is_null());
  EXPECT_THAT(c.args, ElementsAre(Value(2)));

  c = *parse_command(result(call, 12.5));
  EXPECT_THAT(c.args, ElementsAre(Value(12.5)));

  c = *parse_command(error_result(call, "NetConnection.Connect.Rejected", "no such app"));
  EXPECT_EQ(c.name, "_error");
  EXPECT_EQ(c.transaction_id, 4);
  EXPECT_EQ(c.arg(0), make_object({{"level", "error"},
                                   {"code", "NetConnection.Connect.Rejected"},
                                   {"description", "no such app"}}));

  c = *parse_command(on_bw_done());
  EXPECT_EQ(c.name, "onBWDone");
  EXPECT_EQ(c.transaction_id, 0);

  const Message status = on_status(1, {"NetStream.Publish.BadName", "Already publishing", "error"});
  EXPECT_EQ(status.stream_id, 1u);
  EXPECT_EQ(status.chunk_stream, kCommandChunkStream);
  c = *parse_command(status);
  EXPECT_EQ(c.name, "onStatus");
  EXPECT_EQ(c.arg(0).find("code")->as_string(), "NetStream.Publish.BadName");
  EXPECT_EQ(c.arg(0).find("level")->as_string(), "error");

  const Message access = sample_access(1);
  EXPECT_EQ(access.type, MessageType::data_amf0);
  EXPECT_THAT(*parse_data(access),
              ElementsAre(Value("|RtmpSampleAccess"), Value(true), Value(true)));
}

TEST(Names, Split) {
  const std::pair<const char*, NameAndQuery> rows[] = {{"demo", {"demo", ""}},
                                                       {"demo?x=y", {"demo", "x=y"}},
                                                       {"demo?", {"demo", ""}},
                                                       {"?x", {"", "x"}},
                                                       {"", {"", ""}},
                                                       {"a?b?c", {"a", "b?c"}},
                                                       {"demo?u=/x/", {"demo", "u=/x/"}}};
  for (const auto& [in, out] : rows) EXPECT_EQ(split_query(in), out) << in;
}

TEST(Names, NormalizeApp) {
  const std::pair<const char*, NameAndQuery> rows[] = {
      {"live", {"live", ""}},
      {"live/", {"live", ""}},
      {"/live//", {"live", ""}},
      {"live?k=v", {"live", "k=v"}},
      {"live/?k=v/", {"live", "k=v/"}},
      {"live/_definst_", {"live", ""}},
      {"live/_definst_/?k=v", {"live", "k=v"}},
      {"live//_definst_", {"live", ""}},
      {"live/room", {"live/room", ""}},
      {"live/room/_definst_", {"live/room", ""}},
      {"_definst_", {"_definst_", ""}},
      {"live_definst_", {"live_definst_", ""}},
      {"/", {"", ""}},
      {"", {"", ""}},
  };
  for (const auto& [in, out] : rows) EXPECT_EQ(normalize_app(in), out) << in;
}

}  // namespace
}  // namespace weir::rtmp
