// Weir live-streaming server. MIT licence, see LICENSE.

// One viewer after another against the routes and a real hub, on a manual clock.
#include "protocols/flv/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/flv/fixture.h"

namespace weir::flv_play {
namespace {

using namespace testing;
using net::http::Opcode;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const auto kWs = Carrier::websocket;

struct FlvSession : ::testing::Test {
  hub::Publication begin(Server& s) {
    auto pub = s.publish();
    pub.announce(video_and_audio());
    s.push(pub, {video(0, true), audio(21)});
    return pub;
  }
  void end(Server& s, hub::Publication& pub) {
    pub.end(hub::Ending::clean);
    s.cores.run_until_idle();
  }
};

TEST_F(FlvSession, HeadersThenTheGroupThenLive) {
  Server s;
  auto pub = begin(s);
  const auto p = s.get("/live/s.flv");
  EXPECT_EQ(p->status(), 200);
  EXPECT_EQ(s.read(*p), "Hav M C c K0 a21");
  s.push(pub, {video(40, false), video(80, true)});
  EXPECT_EQ(s.read(*p), "p40 K80");
  const auto late = s.get("/live/s.flv");
  EXPECT_EQ(s.read(*late), "Hav M C c K80");
  EXPECT_TRUE(late->notes.whole());
  EXPECT_EQ(s.viewers->count(), 2);
}

TEST_F(FlvSession, TheEndClosesAfterTheLastTag) {
  Server s;
  auto pub = begin(s);
  const auto p = s.get("/live/s.flv");
  s.push(pub, {video(40, false)});
  end(s, pub);
  EXPECT_EQ(s.read(*p), "Hav M C c K0 a21 p40");
  EXPECT_TRUE(p->closed && p->notes.whole());
  EXPECT_EQ(s.viewers->count(), 0);
}

TEST_F(FlvSession, AWebSocketGetsFramesAndAClose) {
  Server s;
  auto pub = begin(s);
  const auto p = s.get("/live/s.flv", kWs);
  EXPECT_EQ(p->status(), 101);
  EXPECT_EQ(s.read(*p), "[ Hav ] [ M C c ] [ K0 ] [ a21 ]");
  s.push(pub, {video(40, false)});
  EXPECT_EQ(s.read(*p), "[ p40 ]");
  end(s, pub);
  EXPECT_EQ(s.read(*p), "X1000");
  EXPECT_FALSE(p->closed);
  p->write(masked(Opcode::close, "\x03\xe8"));  // the viewer agrees
  s.cores.run_until_idle();
  s.read(*p);
  EXPECT_TRUE(p->closed && p->notes.whole());
}

TEST_F(FlvSession, AViewerThatDoesNotAgreeToTheCloseIsNotWaitedForLong) {
  Server s;
  auto pub = begin(s);
  const auto p = s.get("/live/s.flv", kWs);
  end(s, pub);
  s.read(*p);
  s.cores.advance(2s);
  s.read(*p);
  EXPECT_TRUE(p->closed);
  EXPECT_EQ(s.viewers->count(), 0);
}

TEST_F(FlvSession, PingsAreAnsweredAndTextIgnored) {
  Server s;
  auto pub = begin(s);
  const auto p = s.get("/live/s.flv", kWs);
  s.read(*p);
  p->write(masked(Opcode::text, "hello"));
  p->write(masked(Opcode::ping, "abc"));
  p->write(masked(Opcode::pong, "x"));
  s.cores.run_until_idle();
  EXPECT_EQ(s.read(*p), "pong:abc");
}

TEST_F(FlvSession, WhatCameWithTheRequestIsHeard) {
  Server s;
  auto pub = begin(s);
  const auto p = s.ask("/live/s.flv", kWs);
  s.connect(*p, 1 << 20, 0, masked(Opcode::ping, "early"));
  EXPECT_THAT(s.read(*p), HasSubstr("pong:early"));
}

TEST_F(FlvSession, TheViewerMayClose) {
  Server s;
  auto pub = begin(s);
  const auto ws = s.get("/live/s.flv", kWs);
  s.read(*ws);
  ws->write(masked(Opcode::close, "\x03\xe9"));
  s.cores.run_until_idle();
  EXPECT_EQ(s.read(*ws), "X1000");
  EXPECT_TRUE(ws->closed);
  const auto plain = s.get("/live/s.flv");
  plain->theirs->close();
  s.cores.run_until_idle();
  EXPECT_EQ(s.viewers->count(), 0);
  EXPECT_TRUE(s.hub.list().front().viewers.empty());
}

TEST_F(FlvSession, WrongFramesAreTold) {
  Server s;
  auto pub = begin(s);
  const auto p = s.get("/live/s.flv", kWs);
  s.read(*p);
  p->write(net::http::frame(Opcode::text, as_bytes("not masked")));
  s.cores.run_until_idle();
  EXPECT_EQ(s.read(*p), "X1002");
  const auto big = s.get("/live/s.flv", kWs);
  s.read(*big);
  big->write(from_hex("81ff 0000000100000000 01020304"));
  s.cores.run_until_idle();
  EXPECT_EQ(s.read(*big), "X1009");
}

TEST_F(FlvSession, AViewerThatSendsMuchIsNone) {
  Server s;
  auto pub = begin(s);
  const auto p = s.get("/live/s.flv");
  p->write(Bytes::take(std::vector<uint8_t>(60'000)));
  s.cores.run_until_idle();
  s.read(*p);
  EXPECT_FALSE(p->closed);
  p->write(Bytes::take(std::vector<uint8_t>(60'000)));
  s.cores.run_until_idle();
  s.read(*p);
  EXPECT_TRUE(p->closed);
}

TEST_F(FlvSession, AKickEndsOnAWholeTagWithItsCode) {
  Server s;
  auto pub = begin(s);
  const auto plain = s.get("/live/s.flv", Carrier::body, 300), ws = s.get("/live/s.flv", kWs, 300);
  s.push(pub, {video(40, false, 5000)});
  const auto viewers = s.hub.list().front().viewers;
  for (const auto& viewer : viewers) {
    EXPECT_EQ(viewer->address, "10.0.0.1");
    EXPECT_EQ(viewer->user_agent, "player/1");
    viewer->core->post([viewer] { viewer->kick({Code::denied, "kicked"}); });
  }
  s.cores.run_until_idle();
  EXPECT_THAT(s.read(*plain), StartsWith("Hav M C c K0"));
  EXPECT_TRUE(plain->closed && plain->notes.whole());
  EXPECT_THAT(s.read(*ws), HasSubstr("X1008"));
  EXPECT_TRUE(ws->notes.whole());
}

TEST_F(FlvSession, AKickBeforeTheConnectionComesIsNotLost) {
  Server s;
  auto pub = begin(s);
  const auto p = s.ask("/live/s.flv");
  s.cores[0].post([&] { s.hub.list().front().viewers.front()->kick({Code::denied, "kicked"}); });
  s.cores.run_until_idle();
  s.connect(*p, 1000);
  s.read(*p);
  EXPECT_TRUE(p->closed);
}

TEST_F(FlvSession, ASlowViewerGoesOnAtAKeyframe) {
  Server s;
  for (const Carrier carrier : {Carrier::body, kWs}) {
    const std::string name = carrier == kWs ? "ws" : "plain";
    auto pub = s.publish(name);
    pub.announce(video_and_audio());
    const auto p = s.get("/live/" + name + ".flv", carrier, 400);
    for (int t = 0; t <= 20'000; t += 100) s.push(pub, {video(t, t % 2000 == 0)});
    const auto viewer = s.hub.list().front().viewers.front();
    const std::string seen = s.read(*p);
    EXPECT_THAT(seen, HasSubstr("K20000"));
    EXPECT_EQ(seen.find("p10000"), std::string::npos);
    EXPECT_TRUE(p->notes.whole());
    EXPECT_EQ(viewer->gaps.value(), 1u) << seen;
    end(s, pub);
  }
}

TEST_F(FlvSession, SoundAloneStartsAtOnce) {
  Server s;
  auto pub = begin(s);
  const auto sound = s.get("/live/s.flv?video=0"), picture = s.get("/live/s.flv?audio=0");
  s.push(pub, {video(40, false), audio(42)});
  EXPECT_EQ(s.read(*sound), "Ha M c a21 a42");
  EXPECT_EQ(s.read(*picture), "Hv M C K0 p40");
}

TEST_F(FlvSession, NewTracksComeWithNewConfigurations) {
  Server s;
  auto pub = begin(s);
  const auto p = s.get("/live/s.flv"), ws = s.get("/live/s.flv", kWs);
  s.read(*p);
  s.read(*ws);
  pub.announce({video_and_audio()[0]});
  s.push(pub, {video(2000, true)});
  EXPECT_EQ(s.read(*p), "M C K2000");
  EXPECT_EQ(s.read(*ws), "[ M C ] [ K2000 ]");
}

TEST_F(FlvSession, ThePublisherMayReturn) {
  Server s;
  auto first = begin(s);
  const auto p = s.get("/live/s.flv");
  s.read(*p);
  first.end(hub::Ending::lost);
  s.cores.advance(5s);
  auto second = s.publish();
  second.announce(video_and_audio());
  s.push(second, {video(0, true)});
  const std::string seen = s.read(*p);
  EXPECT_THAT(seen, StartsWith("M C c K"));
  EXPECT_GE(p->notes.seen.back().timestamp_ms, 21u);
  EXPECT_FALSE(p->closed);
}

TEST_F(FlvSession, WaitsForAPublisherAndNotForEver) {
  Server s({.wait = 30s});
  const auto lucky = s.get("/live/s.flv"), ws = s.get("/live/s.flv", kWs);
  const auto unlucky = s.get("/live/other.flv"), ws_unlucky = s.get("/live/other.flv", kWs);
  EXPECT_EQ(s.read(*lucky), "Hav");
  EXPECT_EQ(s.read(*ws), "[ Hav ]");
  s.cores.advance(29s);
  auto pub = begin(s);
  s.cores.advance(2s);
  EXPECT_EQ(s.read(*lucky), "M C c K0 a21");
  EXPECT_EQ(s.read(*ws), "[ M C c ] [ K0 ] [ a21 ]");
  EXPECT_EQ(s.read(*unlucky), "Hav");
  EXPECT_TRUE(unlucky->closed);
  EXPECT_EQ(s.read(*ws_unlucky), "[ Hav ] X1000");
}

TEST_F(FlvSession, WaitsForEverWhenToldSo) {
  Server s({.wait = 0s});
  const auto p = s.get("/live/s.flv");
  s.cores.advance(3600s);
  auto pub = begin(s);
  EXPECT_EQ(s.read(*p), "Hav M C c K0 a21");
}

TEST_F(FlvSession, AViewerThatNeverReadsIsLetGo) {
  Server s;
  auto pub = begin(s);
  const auto p = s.get("/live/s.flv", kWs, 50);
  for (int t = 1; t <= 40; ++t) {
    s.push(pub, {video(t * 1000, true)});
    s.cores.advance(1s);
  }
  EXPECT_EQ(s.viewers->count(), 0);
  const std::string seen = s.read(*p);
  EXPECT_TRUE(p->closed) << seen;
}

}  // namespace
}  // namespace weir::flv_play
