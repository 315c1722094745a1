// Weir live-streaming server. MIT licence, see LICENSE.
#include <gmock/gmock.h>

#include "protocols/rtmp/session_fixture.h"

namespace weir::rtmp::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kPlaying =
    "begin1 onStatus/1 NetStream.Play.Reset onStatus/1 NetStream.Play.Start access";

std::string play(Server& s, Client& c, std::string name = "s", uint32_t on = 1) {
  return s.tell(c, call("play", 0, {std::move(name)}), on);
}

TEST(SessionPlay, BeginsAtTheNewestKeyframe) {
  Server s;
  auto p = s.publish_both();
  s.push(p, {video(0, true), audio(10), video(40, false), video(80, true), video(120, false)});
  auto c = s.connected();
  EXPECT_EQ(play(s, *c), std::string(kPlaying) + " begin1 M C c K80 p120");
  s.push(p, {audio(130)});
  EXPECT_EQ(s.turn(*c), "a130");
}

TEST(SessionPlay, WaitsForAPublisher) {
  Server s;
  auto c = s.connected();
  EXPECT_EQ(play(s, *c), kPlaying);
  auto p = s.publish_both();
  s.push(p, {video(0, true)});
  EXPECT_EQ(s.turn(*c), "begin1 M C c K0");
}

TEST(SessionPlay, NotFoundClosesWhenConfigured) {
  Server s({}, {.missing = hub::MissingStream::not_found});
  auto c = s.connected();
  EXPECT_EQ(play(s, *c), "onStatus/1 NetStream.Play.StreamNotFound");
  EXPECT_TRUE(c->closed);
}

TEST(SessionPlay, TheEndIsToldAndTheNextPublisherIsSeen) {
  Server s;
  auto c = s.connected();
  {
    auto p = s.publish_both();
    s.push(p, {video(0, true), video(40, false)});
    play(s, *c);
    p.end(hub::Ending::clean);
  }
  EXPECT_EQ(s.turn(*c), "eof1 onStatus/1 NetStream.Play.UnpublishNotify");
  auto p = s.publish_both();
  s.push(p, {video(0, true), video(40, false)});
  EXPECT_EQ(s.turn(*c), "begin1 M C c K0 p40");
}

TEST(SessionPlay, TheEndClosesWhenNothingMayBeAwaited) {
  Server s({}, {.missing = hub::MissingStream::not_found});
  auto c = s.connected();
  {
    auto p = s.publish_both();
    s.push(p, {video(0, true)});
    play(s, *c);
    p.end(hub::Ending::clean);
  }
  EXPECT_THAT(s.turn(*c), StartsWith("eof1 onStatus/1 NetStream.Play.UnpublishNotify"));
  EXPECT_TRUE(c->closed);
}

TEST(SessionPlay, ALostPublisherIsAwaited) {
  Server s;
  auto c = s.connected();
  {
    auto p = s.publish_both();
    s.push(p, {video(0, true), video(40, false)});
    play(s, *c);
  }
  EXPECT_EQ(s.turn(*c), "");
  s.cores.advance(5s);
  auto p = s.publish_both();
  s.push(p, {video(0, true)});
  EXPECT_EQ(s.turn(*c), "begin1 M C c K80");
}

TEST(SessionPlay, PauseStopsAndGoesOnAtTheNewest) {
  Server s;
  auto p = s.publish_both();
  s.push(p, {video(0, true)});
  auto c = s.connected();
  play(s, *c);
  EXPECT_EQ(s.tell(*c, call("pause", 0, {true, 0}), 1), "onStatus/1 NetStream.Pause.Notify");
  s.push(p, {video(40, false), video(80, true)});
  EXPECT_EQ(s.turn(*c), "");
  EXPECT_EQ(s.tell(*c, call("pause", 0, {true, 0}), 1), "onStatus/1 NetStream.Pause.Notify");
  EXPECT_THAT(s.tell(*c, call("pauseRaw", 0, {false, 0}), 1),
              AllOf(StartsWith("onStatus/1 NetStream.Unpause.Notify"), EndsWith("M C c K80")));
  // To go on while going on changes nothing.
  EXPECT_EQ(s.tell(*c, call("pause", 0, {false, 0}), 1), "onStatus/1 NetStream.Unpause.Notify");
}

TEST(SessionPlay, AStreamThatEndedInThePauseIsOver) {
  Server s;
  auto c = s.connected();
  {
    auto p = s.publish_both();
    s.push(p, {video(0, true)});
    play(s, *c);
    s.tell(*c, call("pause", 0, {true, 0}), 1);
    p.end(hub::Ending::clean);
  }
  EXPECT_EQ(s.turn(*c), "");
  EXPECT_EQ(s.tell(*c, call("pause", 0, {false, 0}), 1), "onStatus/1 NetStream.Unpause.Notify");
}

TEST(SessionPlay, AudioAndVideoAreLeftOutOnRequest) {
  Server s;
  auto p = s.publish_both();
  s.push(p, {video(0, true), audio(10)});
  auto c = s.connected();
  play(s, *c);
  EXPECT_THAT(s.tell(*c, call("receiveAudio", 0, {false}), 1), EndsWith("M C K0"));
  EXPECT_EQ(s.tell(*c, call("receiveAudio", 0, {false}), 1), "");
  s.push(p, {audio(20), video(40, false)});
  EXPECT_EQ(s.turn(*c), "p40");
  EXPECT_THAT(s.tell(*c, call("receiveAudio", 0, {true}), 1),
              StartsWith("onStatus/1 NetStream.Seek.Notify onStatus/1 NetStream.Play.Start"));
  EXPECT_THAT(s.tell(*c, call("receiveVideo", 0, {false}), 1), Not(HasSubstr("C")));
  s.push(p, {video(80, false), audio(90)});
  EXPECT_EQ(s.turn(*c), "a90");
}

TEST(SessionPlay, WhatIsLeftOutMayBeSaidBeforePlay) {
  Server s;
  auto p = s.publish_both();
  s.push(p, {video(0, true), audio(10)});
  auto c = s.connected();
  s.tell(*c, call("receiveVideo", 0, {false}), 1);
  EXPECT_EQ(play(s, *c), std::string(kPlaying) + " begin1 M c a10");
  s.push(p, {audio(20)});
  EXPECT_EQ(s.turn(*c), "a20");
}

TEST(SessionPlay, PlayCloseAndPlayInOneBreath) {
  Server s;
  auto p = s.publish_both("a");
  auto q = s.publish_both("b");
  s.push(p, {video(0, true)});
  s.push(q, {video(500, true)});
  auto c = s.connected();
  for (int i = 0; i < 3; ++i) {
    c->queue(call("play", 0, {"a"}), 1);
    c->queue(call("closeStream", 0), 1);
  }
  c->queue(call("play", 0, {"b"}), 1);
  EXPECT_THAT(s.turn(*c), EndsWith("begin1 M C c K500"));
  s.push(p, {video(40, false)});
  s.push(q, {video(540, false)});
  EXPECT_EQ(s.turn(*c), "p540");
  EXPECT_EQ(s.hub.list().size(), 2u);
  for (const auto& status : s.hub.list())
    EXPECT_EQ(status.viewers.size(), status.key.name == "b" ? 1u : 0u);
}

TEST(SessionPlay, DeletedStreamsEndTheirPlay) {
  Server s;
  auto p = s.publish_both();
  s.push(p, {video(0, true)});
  auto c = s.connected();
  for (uint32_t id = 1; id < 20; ++id) {
    c->queue(call("play", 0, {"s"}), id);
    c->queue(call("deleteStream", 0, {id}));
    c->queue(call("createStream", 3));
  }
  EXPECT_THAT(s.turn(*c), HasSubstr("_result(3)=20"));
  EXPECT_EQ(s.hub.list()[0].viewers.size(), 0u);
  s.push(p, {video(40, false)});
  EXPECT_EQ(s.turn(*c), "");
}

TEST(SessionPlay, SeveralPlaysOnOneConnection) {
  Server s;
  auto p = s.publish_both("a");
  auto q = s.publish_both("b");
  s.push(p, {video(0, true)});
  s.push(q, {video(500, true)});
  auto c = s.connected(3);
  EXPECT_THAT(play(s, *c, "a", 1), EndsWith("begin1 M C c K0"));
  EXPECT_THAT(play(s, *c, "b", 2), EndsWith("begin2 2/M 2/C 2/c 2/K500"));
  EXPECT_THAT(play(s, *c, "a", 3), EndsWith("begin3 3/M 3/C 3/c 3/K0"));
  s.push(p, {video(40, false)});
  s.push(q, {video(540, false)});
  const std::string both = s.turn(*c);
  EXPECT_THAT(both, AllOf(HasSubstr("p40"), HasSubstr("2/p540"), HasSubstr("3/p40")));
  // What one of them asks for is nothing to the others.
  EXPECT_EQ(s.tell(*c, call("pause", 0, {true}), 2), "onStatus/2 NetStream.Pause.Notify");
  s.push(p, {video(80, false)});
  s.push(q, {video(580, false), video(620, true)});
  EXPECT_THAT(s.turn(*c), AllOf(HasSubstr("p80"), HasSubstr("3/p80"), Not(HasSubstr("2/"))));
  EXPECT_THAT(s.tell(*c, call("pause", 0, {false}), 2), EndsWith("2/M 2/C 2/c 2/K620"));
  EXPECT_EQ(s.tell(*c, call("receiveAudio", 0, {false}), 3), "begin3 3/M 3/C 3/K0 3/p40 3/p80");
  EXPECT_EQ(s.tell(*c, call("deleteStream", 0, {2})), "onStatus/2 NetStream.Play.Stop");
  s.push(q, {video(660, false)});
  s.push(p, {video(120, false)});
  EXPECT_THAT(s.turn(*c), AllOf(HasSubstr("p120"), Not(HasSubstr("2/"))));
  // The others live on when the one that shares goes.
  EXPECT_EQ(s.tell(*c, call("closeStream", 0), 1), "onStatus/1 NetStream.Play.Stop");
  s.push(p, {video(160, false)});
  EXPECT_EQ(s.turn(*c), "3/p160");
}

TEST(SessionPlay, TheSecondPlayerSeesTheEndAndTheReturn) {
  Server s;
  auto keep = s.publish_both("a");
  s.push(keep, {video(0, true)});
  auto c = s.connected(2);
  play(s, *c, "a", 1);
  {
    auto p = s.publish_both("b");
    s.push(p, {video(0, true)});
    play(s, *c, "b", 2);
    p.end(hub::Ending::clean);
  }
  EXPECT_EQ(s.turn(*c), "eof2 onStatus/2 NetStream.Play.UnpublishNotify");
  auto p = s.publish_both("b");
  s.push(p, {video(0, true)});
  EXPECT_EQ(s.turn(*c), "begin2 2/M 2/C 2/c 2/K0");
}

TEST(SessionPlay, PublishAndPlayOnOneConnection) {
  Server s;
  auto c = s.connected(2);
  s.tell(*c, call("publish", 0, {"mine"}), 1);
  play(s, *c, "mine", 2);
  c->queue(avc_header());
  c->queue(aac_header());
  c->queue(key(0));
  c->queue(sound(0));
  EXPECT_EQ(s.turn(*c), "begin2 2/M 2/C 2/c 2/K0 2/a0");
  EXPECT_EQ(s.tell(*c, inter(40)), "2/p40");
  EXPECT_EQ(
      s.tell(*c, call("deleteStream", 0, {1})),
      "onStatus/1 NetStream.Unpublish.Success eof2 onStatus/2 NetStream.Play.UnpublishNotify");
}

TEST(SessionPlay, MediaOnAStreamNobodyMadeIsThePublishers) {
  Server s;
  auto reader = s.subscribe();
  auto c = s.connected(2);
  s.tell(*c, call("publish", 0, {"s"}), 1);
  for (Message m : {avc_header(), aac_header(), key(0), sound(0)}) {
    m.stream_id = 0;
    c->queue(m);
  }
  s.turn(*c);
  EXPECT_EQ(hub::testing::drain(reader), "I1 K0 a0");
  Message m = inter(40);
  m.stream_id = 2;  // this one was made, and does not publish
  s.tell(*c, m);
  EXPECT_EQ(hub::testing::drain(reader), "");
}

TEST(SessionPlay, AKickedViewerGoes) {
  Server s;
  auto p = s.publish_both();
  s.push(p, {video(0, true)});
  auto c = s.connected();
  play(s, *c);
  s.hub.list()[0].viewers[0]->kick({Code::denied, "kicked"});
  s.turn(*c);
  EXPECT_TRUE(c->closed);
  EXPECT_TRUE(s.hub.list()[0].viewers.empty());
}

TEST(SessionPlay, AnswersGoBetweenTwoPackets) {
  Server s;
  auto p = s.publish_both();
  s.push(p, {video(0, true, 50'000)});
  auto c = s.connected(1, 3000);  // less than a frame
  c->queue(call("play", 0, {"s"}), 1);
  for (uint32_t i = 0; i < 20; ++i)
    c->queue(make_user_control({UserControlEvent::ping_request, i}));
  const std::string all = s.turn(*c);
  EXPECT_THAT(all, AllOf(HasSubstr("K0"), HasSubstr("pong19")));
  EXPECT_FALSE(c->closed);
}

TEST(SessionPlay, AViewerThatReadsNothingIsLetGo) {
  Server s;
  auto p = s.publish_both();
  s.push(p, {video(0, true, 5000)});
  auto c = s.connected(1, 2000);
  c->queue(call("play", 0, {"s"}), 1);
  c->write();
  for (int i = 1; i < 100; ++i) {
    s.push(p, {video(i * 1000, true, 5000)});
    s.cores.advance(1s);
  }
  EXPECT_TRUE(s.hub.list()[0].viewers.empty());
}

TEST(SessionPlay, OnAnotherCoreThanThePublisher) {
  Server s({}, {}, 2);
  std::optional<hub::Publication> p =
      *s.wait(s.hub.publish(*make_stream_key("live", "s"), hub::testing::peer()), 1);
  const auto push = [&](int ms, bool key) {
    s.cores[1].post([&p, ms, key] {
      p->push(video(ms, key));
      p->flush();
    });
    s.cores.run_until_idle();
  };
  p->announce(video_and_audio());
  push(0, true);
  auto c = s.connected();
  c->queue(call("play", 0, {"s"}), 1);
  std::string got;
  for (int i = 0; i < 4; ++i) got += s.turn(*c), s.cores.run_until_idle();
  EXPECT_THAT(got, EndsWith("begin1 M C c K0"));
  push(40, false);
  EXPECT_EQ(s.turn(*c), "p40");
  s.cores[1].post([&p] { p.reset(); });
  s.cores.run_until_idle();
}

}  // namespace
}  // namespace weir::rtmp::testing
