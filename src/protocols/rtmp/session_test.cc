// Weir live-streaming server. MIT licence, see LICENSE.
#include <gmock/gmock.h>

#include "protocols/rtmp/session_fixture.h"

namespace weir::rtmp::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

TEST(Session, ConnectAnswersInOrder) {
  Server s;
  auto c = s.shaken();
  const auto app = flv::make_object({{"app", "live"}, {"objectEncoding", 3}});
  EXPECT_EQ(s.tell(*c, call("connect", 1, {}, app)),
            "window5000000 bandwidth5000000/2 _result(1)=NetConnection.Connect.Success");
  EXPECT_EQ(c->reader.chunk_size(), 60000u);
  const auto answer = *parse_command(c->seen.back());
  EXPECT_EQ(c->seen.back().type, MessageType::command_amf0);
  EXPECT_EQ(answer.object.find("fmsVer")->as_string(), "FMS/3,0,1,123");
  EXPECT_EQ(answer.object.find("capabilities")->as_number(), 31);
  EXPECT_EQ(answer.arg(0).find("objectEncoding")->as_number(), 3);
}

TEST(Session, AnAmf3CallIsAnswered) {
  Server s;
  auto c = s.connected(0);
  Message m = make_command(call("createStream", 2));
  std::vector<uint8_t> body{0};
  body.insert(body.end(), m.payload.begin(), m.payload.end());
  m.type = MessageType::command_amf3;
  m.payload = Bytes::take(std::move(body));
  EXPECT_EQ(s.tell(*c, m), "_result(2)=1");
}

// One line: what is called on message stream `on`, and all that comes back.
struct Turn {
  Command command;
  uint32_t on;
  std::string answer;
};
struct Conversation {
  const char* name;
  std::vector<Turn> turns;
};

const Value kNoValue;

const std::vector<Conversation>& publishing() {
  static const std::vector<Conversation> all{
      {"CreateStreamCounts",
       {{call("createStream", 4), 0, "_result(4)=2"},
        {call("createStream", 5), 0, "_result(5)=3"}}},
      {"OneNumberIsNotGivenTwice",
       {{call("deleteStream", 0, {1}), 0, ""}, {call("createStream", 5), 0, "_result(5)=2"}}},
      {"NamesInAnyCase",
       {{call("CREATESTREAM", 4), 0, "_result(4)=2"},
        {call("Publish", 0, {"s", "live"}), 1, "onStatus/1 NetStream.Publish.Start"},
        {call("deletestream", 0, {1}), 0, "onStatus/1 NetStream.Unpublish.Success"}}},
      {"ObsPublishes",
       {{call("releaseStream", 2, {"s"}), 0, "_result(2)"},
        {call("FCPublish", 3, {"s"}), 0, "onFCPublish(0)=NetStream.Publish.Start _result(3)"},
        {call("publish", 5, {"s", "live"}), 1, "onStatus/1 NetStream.Publish.Start"},
        {call("FCUnpublish", 6, {"s"}), 0,
         "onStatus/1 NetStream.Unpublish.Success onFCUnpublish(0)=NetStream.Unpublish.Success "
         "_result(6)"},
        {call("deleteStream", 7, {1}), 0, ""}}},
      {"FcUnpublishOfAnotherName",
       {{call("publish", 0, {"foo", "live"}), 1, "onStatus/1 NetStream.Publish.Start"},
        {call("FCUnpublish", 0, {"foobar"}), 0, "onFCUnpublish(0)=NetStream.Unpublish.Success"},
        {call("FCUnpublish", 0, {"fo"}), 0, "onFCUnpublish(0)=NetStream.Unpublish.Success"},
        {call("FCUnpublish", 0, {"foo?key=1"}), 0,
         "onStatus/1 NetStream.Unpublish.Success onFCUnpublish(0)=NetStream.Unpublish.Success"}}},
      {"PublishAgainOnTheSameStream",
       {{call("publish", 0, {"a", "live"}), 1, "onStatus/1 NetStream.Publish.Start"},
        {call("publish", 0, {"b", "live"}), 1, "onStatus/1 NetStream.Publish.BadConnection"},
        {call("closeStream", 0), 1, "onStatus/1 NetStream.Unpublish.Success"},
        {call("publish", 0, {"b", "record"}), 1, "onStatus/1 NetStream.Publish.Start"},
        {call("publish", 0, {false}), 1, "onStatus/1 NetStream.Unpublish.Success"},
        {call("publish", 0, {"c", "append"}), 1, "onStatus/1 NetStream.Publish.Start"}}},
      {"TheSameNameTwice",
       {{call("createStream", 3), 0, "_result(3)=2"},
        {call("publish", 0, {"a", "live"}), 1, "onStatus/1 NetStream.Publish.Start"},
        {call("publish", 0, {"a", "live"}), 2, "onStatus/2 NetStream.Publish.BadName"},
        {call("publish", 0, {"b"}), 2, "onStatus/2 NetStream.Publish.Start"}}},
      {"NamesThatCannotBe",
       {{call("publish", 0, {"../x"}), 1, "onStatus/1 NetStream.Publish.BadName"},
        {call("publish", 0, {""}), 1, "onStatus/1 NetStream.Publish.BadName"},
        {call("publish", 0, {kNoValue}), 1, "onStatus/1 NetStream.Publish.BadName"},
        {call("play", 0, {""}), 1, "onStatus/1 NetStream.Play.StreamNotFound"}}},
      {"PublishWithoutCreateStream",
       {{call("publish", 0, {"s"}), 9, "onStatus/9 NetStream.Publish.Start"},
        {call("createStream", 3), 0, "_result(3)=2"}}},
  };
  return all;
}

const std::vector<Conversation>& playing_and_the_rest() {
  static const std::vector<Conversation> all{
      {"PlayOfWhatIsNotThere",
       {{call("play", 0, {"s"}), 1,
         "begin1 onStatus/1 NetStream.Play.Reset onStatus/1 NetStream.Play.Start access"},
        {call("pause", 0, {true, 0}), 1, "onStatus/1 NetStream.Pause.Notify"},
        {call("pause", 0, {false, 0}), 1, "onStatus/1 NetStream.Unpause.Notify"},
        {call("seek", 0, {1000}), 1, "onStatus/1 NetStream.Seek.Notify"},
        {call("receiveAudio", 0, {false}), 1, ""},
        {call("receiveVideo", 0, {false}), 1, ""},
        {call("closeStream", 0), 1, "onStatus/1 NetStream.Play.Stop"},
        {call("closeStream", 0), 1, ""}}},
      {"PlayWithoutReset",
       {{call("play", 0, {"s", -2000, -1, false}), 1,
         "begin1 onStatus/1 NetStream.Play.Start access"}}},
      {"Play2NamesItInside",
       {{call("play2", 0, {flv::make_object({{"streamName", "s"}})}), 1,
         "begin1 onStatus/1 NetStream.Play.Reset onStatus/1 NetStream.Play.Start access"}}},
      {"PlayAnotherStops",
       {{call("play", 0, {"s"}), 1,
         "begin1 onStatus/1 NetStream.Play.Reset onStatus/1 NetStream.Play.Start access"},
        {call("play", 0, {"t"}), 1,
         "onStatus/1 NetStream.Play.Stop begin1 onStatus/1 NetStream.Play.Reset onStatus/1 "
         "NetStream.Play.Start access"}}},
      {"PublishOnAPlayingStream",
       {{call("play", 0, {"s"}), 1,
         "begin1 onStatus/1 NetStream.Play.Reset onStatus/1 NetStream.Play.Start access"},
        {call("publish", 0, {"t"}), 1, "onStatus/1 NetStream.Publish.BadConnection"}}},
      {"PlayOnAPublishingStream",
       {{call("publish", 0, {"t"}), 1, "onStatus/1 NetStream.Publish.Start"},
        {call("play", 0, {"s"}), 1, "onStatus/1 NetStream.Play.StreamNotFound"}}},
      {"OptionsWithoutPlay",
       {{call("pause", 0, {true}), 1, ""},
        {call("receiveAudio", 0, {true}), 1, ""},
        {call("seek", 0, {0}), 7, ""},
        {call("closeStream", 0), 7, ""},
        {call("deleteStream", 0, {7}), 0, ""},
        {call("deleteStream", 0, {-1e300}), 0, ""}}},
      {"FlashAndEncodersAsk",
       {{call("getStreamLength", 3, {"s"}), 0, "_result(3)=0"},
        {call("_checkbw", 4), 0, "_result(4)"},
        {call("FCSubscribe", 5, {"s"}), 0, "onFCSubscribe(0)=NetStream.Play.Start _result(5)"},
        {call("setBufferTime", 0), 0, ""},
        {call("_result", 9), 0, ""},
        {call("_error", 9), 0, ""},
        {call("onStatus", 9), 0, ""}}},
      {"WhatNobodyKnows",
       {{call("makeCoffee", 0), 0, ""},
        {call("makeCoffee", 8), 0, "_error(8)=NetConnection.Call.Failed"}}},
      {"ConnectTwice",
       {{call("connect", 6, {}, flv::make_object({{"app", "other"}})), 0,
         "_error(6)=NetConnection.Connect.Rejected"},
        {call("createStream", 7), 0, "_result(7)=2"}}},
  };
  return all;
}

void hold(const std::vector<Conversation>& all) {
  for (const Conversation& talk : all) {
    SCOPED_TRACE(talk.name);
    Server s;
    auto c = s.connected();
    for (const Turn& t : talk.turns) EXPECT_EQ(s.tell(*c, t.command, t.on), t.answer);
    EXPECT_FALSE(c->closed);
  }
}

TEST(Session, ConversationsOfPublishers) { hold(publishing()); }

TEST(Session, ConversationsOfPlayersAndOthers) { hold(playing_and_the_rest()); }

TEST(Session, StatusTextsAreThoseEncodersKnow) {
  Server s;
  auto c = s.connected(2);
  const auto said = [&] {
    return std::string(parse_command(c->seen.back())->arg(0).find("description")->as_string());
  };
  s.tell(*c, call("publish", 0, {"s"}), 1);
  EXPECT_EQ(said(), "Start publishing");
  s.tell(*c, call("publish", 0, {"s"}), 2);
  EXPECT_EQ(said(), "Already publishing");
  EXPECT_EQ(parse_command(c->seen.back())->arg(0).find("level")->as_string(), "error");
  s.tell(*c, call("deleteStream", 0, {1}));
  EXPECT_EQ(said(), "Stop publishing");
  s.tell(*c, call("play", 0, {"s"}), 2);
  c->seen.pop_back();  // sample access
  EXPECT_EQ(said(), "Start live");
  s.tell(*c, call("pause", 0, {true}), 2);
  EXPECT_EQ(said(), "Paused live");
  s.tell(*c, call("pause", 0, {false}), 2);
  EXPECT_EQ(said(), "Unpaused live");
  s.tell(*c, call("closeStream", 0), 2);
  EXPECT_EQ(said(), "Stop live");
}

TEST(Session, NamesAndQueriesBecomeKeys) {
  const struct {
    const char *app, *name, *key, *query;
  } table[] = {
      {"live", "s", "live/s", ""},
      {"live/", "s?a=1", "live/s", "a=1"},
      {"live?x=1", "s?a=1", "live/s", "x=1&a=1"},
      {"live/_definst_", "/s/", "live/s", ""},
      {"live", "room/s", "live/room/s", ""},
      {"", "a/s", "a/s", ""},
      {"live", "mp4:film.mp4", "live/mp4:film.mp4", ""},
      {"live", "flv:film", "live/flv:film", ""},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.name);
    Server s;
    auto c = s.connected(1, 1 << 20, row.app);
    EXPECT_EQ(s.tell(*c, call("publish", 0, {row.name}), 1), "onStatus/1 NetStream.Publish.Start");
    const auto list = s.hub.list();
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].key.to_string(), row.key);
    EXPECT_EQ(list[0].publisher->query, row.query);
    EXPECT_EQ(list[0].publisher->user_agent, "test/1");
    EXPECT_EQ(list[0].publisher->protocol, "rtmp");
  }
}

TEST(Session, TheEmptyAppNeedsAPathInTheName) {
  Server s;
  auto c = s.connected(1, 1 << 20, "");
  EXPECT_EQ(s.tell(*c, call("publish", 0, {"s"}), 1), "onStatus/1 NetStream.Publish.BadName");
  EXPECT_FALSE(c->closed);
}

TEST(Session, CallsBeforeConnectEndIt) {
  Server s;
  auto c = s.shaken();
  EXPECT_EQ(s.tell(*c, call("createStream", 1)), "");
  EXPECT_TRUE(c->closed);
}

TEST(Session, TooManyStreamsEndIt) {
  Server s({.max_streams = 2});
  auto c = s.connected(2);
  EXPECT_FALSE(c->closed);
  EXPECT_EQ(s.tell(*c, call("createStream", 9)), "");
  EXPECT_TRUE(c->closed);
}

TEST(Session, OddMessagesAreSteppedOver) {
  Server s;
  auto c = s.connected();
  for (const auto type :
       {MessageType::user_control, MessageType::window_ack_size, MessageType::command_amf0,
        MessageType::command_amf3, MessageType::shared_object_amf0, static_cast<MessageType>(99),
        MessageType::aggregate, MessageType::acknowledgement, MessageType::set_peer_bandwidth,
        MessageType::audio}) {
    Message m = media(type, 0, "01", 0);
    m.chunk_stream = 3;
    EXPECT_EQ(s.tell(*c, m), "");
  }
  EXPECT_EQ(s.tell(*c, call("createStream", 5)), "_result(5)=2");
}

TEST(Session, PingsAreAnswered) {
  Server s;
  auto c = s.connected();
  EXPECT_EQ(s.tell(*c, make_user_control({UserControlEvent::ping_request, 77})), "pong77");
}

TEST(Session, BytesAreAcknowledged) {
  Server s;
  auto c = s.connected();
  c->queue(make_window_ack_size(4096));
  c->queue(make_set_chunk_size(kMaxChunkSize));
  s.turn(*c);
  c->chunk_size = kMaxChunkSize;
  Message m = media(MessageType::audio, 0, "");
  m.payload = Bytes::take(std::vector<uint8_t>(100'000));
  EXPECT_THAT(s.tell(*c, m), HasSubstr("ack"));
}

TEST(Session, AMessageBeyondTheCapEndsIt) {
  Server s({.max_message = kib(64)});
  auto c = s.connected();
  Message m = media(MessageType::video, 0, "");
  m.payload = Bytes::take(std::vector<uint8_t>(64 * 1024 + 1));
  s.tell(*c, m);
  EXPECT_TRUE(c->closed);
}

TEST(Session, SilenceIsAskedAboutAndThenEnds) {
  Server s;
  auto c = s.connected();
  s.cores.advance(29s);
  EXPECT_EQ(s.turn(*c), "");
  s.cores.advance(2s);
  EXPECT_EQ(s.turn(*c), "ping");
  s.tell(*c, make_user_control({UserControlEvent::ping_response, 1}));
  s.cores.advance(31s);
  EXPECT_EQ(s.turn(*c), "ping");
  s.cores.advance(31s);
  s.turn(*c);
  EXPECT_TRUE(c->closed);
}

TEST(Session, PingZeroNeverAsks) {
  Server s({.ping = Duration{0}});
  auto c = s.connected();
  s.cores.advance(24h);
  EXPECT_EQ(s.turn(*c), "");
  EXPECT_FALSE(c->closed);
}

TEST(Session, AHandshakeHasToEnd) {
  Server s;
  auto silent = s.dial();
  auto slow = s.dial();
  for (int i = 0; i < 12; ++i) {  // a byte each second is no progress
    slow->to_send.push_back(3);
    slow->write();
    s.cores.advance(1s);
  }
  silent->read();
  slow->read();
  EXPECT_TRUE(silent->closed);
  EXPECT_TRUE(slow->closed);
}

TEST(Session, ConnectHasToComeInThatTimeToo) {
  Server s;
  auto c = s.shaken();
  for (int i = 0; i < 12; ++i) {
    c->queue(make_user_control({UserControlEvent::set_buffer_length, 1}));
    c->write();
    s.cores.advance(1s);
  }
  c->read();
  EXPECT_TRUE(c->closed);
}

TEST(Session, NotRtmpEndsIt) {
  Server s;
  auto c = s.dial();
  const std::string_view request = "GET / HTTP/1.1\r\n\r\n";
  c->to_send.assign(request.begin(), request.end());
  c->write();
  s.cores.run_until_idle();
  c->read();
  EXPECT_TRUE(c->closed);
}

TEST(Session, ConnectMayRideBehindTheHandshake) {
  Server s;
  auto c = s.dial();
  const auto hello = c->shake.hello();
  c->to_send.assign(hello.begin(), hello.end());
  c->to_send.insert(c->to_send.end(), kHandshakeSize, 0);  // C2, unseen what it should echo
  c->queue(call("connect", 1, {}, flv::make_object({{"app", "live"}})));
  c->queue(call("createStream", 2));
  c->write();
  s.cores.run_until_idle();
  EXPECT_THAT(c->read(), EndsWith("_result(1)=NetConnection.Connect.Success _result(2)=1"));
}

TEST(Session, AKickedPublisherGoesAndTheNameIsHeld) {
  Server s;
  auto c = s.connected();
  s.tell(*c, call("publish", 0, {"s"}), 1);
  s.hub.list()[0].publisher->kick({Code::denied, "kicked"});
  s.turn(*c);
  EXPECT_TRUE(c->closed);
  ASSERT_EQ(s.hub.list().size(), 1u);
  EXPECT_EQ(s.hub.list()[0].state, hub::Stream::State::held);
}

TEST(Session, ACleanEndFreesTheName) {
  Server s;
  auto c = s.connected();
  s.tell(*c, call("publish", 0, {"s"}), 1);
  s.tell(*c, call("deleteStream", 0, {1}));
  EXPECT_TRUE(s.hub.list().empty());
}

TEST(Session, APublisherOnAnotherCoreOfTheStream) {
  Server s({}, {}, 2);
  auto elsewhere = s.wait(s.hub.subscribe(*make_stream_key("live", "s"), hub::testing::peer()), 1);
  ASSERT_TRUE(elsewhere);
  auto c = s.connected();
  c->queue(call("publish", 0, {"s"}), 1);
  c->queue(call("deleteStream", 0, {1}));  // comes while publish is on its way
  std::string out;
  for (int i = 0; i < 5; ++i) {
    out += s.turn(*c) + " ";
    s.cores.run_until_idle();
  }
  EXPECT_THAT(out, HasSubstr("Publish.Start onStatus/1 NetStream.Unpublish.Success"));
  s.cores[1].post([gone = std::make_shared<hub::Subscription>(*std::move(elsewhere))] {});
  s.cores.run_until_idle();
}

TEST(Session, APeerThatReadsNothingIsCutOff) {
  Server s;
  auto c = s.connected(1, 4096);
  c->chunk_size = 4096;
  c->queue(make_set_chunk_size(4096));
  for (int i = 0; i < 200'000 && !c->closed; ++i) {
    c->queue(make_user_control({UserControlEvent::ping_request, 1}));
    c->write();
    s.cores.run_until_idle();
    if (c->to_send.size() > 100'000) break;
    if (s.group.running() == 0) break;
  }
  EXPECT_EQ(s.group.running(), 0u);
}

}  // namespace
}  // namespace weir::rtmp::testing
