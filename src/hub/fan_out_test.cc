// Weir live-streaming server. MIT licence, see LICENSE.
#include "hub/fan_out.h"

#include <gtest/gtest.h>

#include "hub/fixture.h"
#include "net/memory_stream.h"

namespace weir::hub {
namespace {

using namespace testing;

// Text instead of tags: "[I1]" and "(K0)" padded to the packet's size.
class TextMuxer final : public Muxer {
 public:
  Bytes preface(const StreamInfo& i, Time) override {
    return Bytes::copy("[I" + std::to_string(i.version & 0xffff) + "]");
  }
  void packet(const StreamInfo&, const Packet& p, ByteWriter& out) override {
    std::string t = "(" + text(Event(std::make_shared<const Packet>(p)));
    t.resize(std::max(t.size(), p.payload.size()), '.');
    out.text(t + ")");
  }
  void finish(ByteWriter& out) override { out.text("[end]"); }
};

struct FanOutTest : ::testing::Test {
  explicit FanOutTest(HubConfig c = {.fan_out = {.merge = {.automatic = false}}}) : w(1, c) {}
  World w;

  struct Client {
    Client(World& w, size_t capacity)
        : sub(w.subscribe()), ends(net::memory_pair(w.cores[0], capacity)) {
      viewer.emplace(sub.fan_out("text", [] { return std::make_unique<TextMuxer>(); }), *ends.first,
                     who);
    }
    std::string read() {
      std::string out;
      std::array<uint8_t, 4096> buffer;
      for (;;) {
        const auto io = ends.second->try_read(buffer);
        if (io.status != net::Io::Status::ok) return out;
        out += Bytes::copy(ByteSpan(buffer).first(io.count)).text();
      }
    }
    PeerPtr who = peer();
    Subscription sub;
    std::pair<std::unique_ptr<net::ByteStream>, std::unique_ptr<net::ByteStream>> ends;
    std::optional<FanOut::Viewer> viewer;
  };
};

TEST_F(FanOutTest, EveryViewerGetsPrefaceThenTheGroupThenLive) {
  auto pub = w.publish();
  Client a(w, 4096);
  a.viewer->start(Bytes::copy("hello "));
  pub.announce(video_and_audio());
  pub.push(video(0, true, 0));
  pub.flush();
  EXPECT_EQ(a.read(), "hello [I1](K0)");
  pub.push(video(40, false, 0));
  pub.flush();
  Client b(w, 4096);
  b.viewer->start({});
  EXPECT_EQ(b.read(), "[I1](K0)(p40)");
  pub.push(video(80, false, 0));
  pub.flush();
  EXPECT_EQ(a.read(), "(p40)(p80)");
  EXPECT_EQ(b.read(), "(p80)");
}

TEST_F(FanOutTest, PrivateMessagesGoBetweenPackets) {
  auto pub = w.publish();
  Client a(w, 16);
  a.viewer->start({});
  pub.announce(video_and_audio());
  pub.push(video(0, true, 30));
  pub.flush();
  a.viewer->send(Bytes::copy("<ping>"));
  std::string all;
  for (int i = 0; i < 10; ++i) {
    all += a.read();
    w.cores.run_until_idle();
  }
  EXPECT_EQ(all,
            "[I1](K0..........................."
            ")<ping>");
}

TEST_F(FanOutTest, ASlowViewerJumpsToAKeyframeWithoutACutPacket) {
  auto pub = w.publish();
  Client slow(w, 20);
  slow.viewer->start({});
  pub.announce(video_and_audio());
  for (int t = 0; t <= 20000; t += 40) {
    pub.push(video(t, t % 2000 == 0, 12));
    pub.flush();
  }
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    all += slow.read();
    w.cores.run_until_idle();
  }
  // The packet it stood in is completed, then the newest group follows.
  EXPECT_EQ(all, "[I1](K0.........)(p40........)(K20000.....)");
  EXPECT_EQ(slow.who->gaps.value(), 1u);
}

net::Task<> watch(FanOut::Viewer& v, std::optional<Error>& over) { over = co_await v.done(); }

TEST_F(FanOutTest, AViewerThatNeverReadsIsLetGo) {
  auto pub = w.publish();
  Client dead(w, 20);
  dead.viewer->start({});
  std::optional<Error> over;
  net::TaskGroup group(w.cores[0]);
  group.spawn(watch(*dead.viewer, over));
  pub.announce(video_and_audio());
  for (int t = 0; t <= 40; ++t) {
    pub.push(video(t * 1000, true, 12));
    pub.flush();
    w.cores.advance(1s);
  }
  ASSERT_TRUE(over);
  EXPECT_EQ(over->code, Code::timeout);
}

// Nothing comes while a stream is held, nor after its end: the socket that takes nothing is noticed
// still.
TEST_F(FanOutTest, AViewerThatNeverReadsIsLetGoWhileTheStreamIsSilent) {
  for (const Ending how : {Ending::lost, Ending::clean}) {
    auto pub = w.publish();
    Client dead(w, 20);
    dead.viewer->start({});
    std::optional<Error> over;
    net::TaskGroup group(w.cores[0]);
    group.spawn(watch(*dead.viewer, over));
    pub.announce(video_and_audio());
    pub.push(video(0, true, 100));
    pub.end(how);
    w.cores.advance(29s);
    EXPECT_FALSE(over);
    w.cores.advance(5s);
    ASSERT_TRUE(over);
    EXPECT_EQ(over->code, Code::timeout);
  }
}

// Only the time its socket was full counts, not the time in which there was nothing to send.
TEST_F(FanOutTest, ALongSilenceDoesNotCountAsAStall) {
  auto pub = w.publish();
  Client a(w, 20);
  a.viewer->start({});
  std::optional<Error> over;
  net::TaskGroup group(w.cores[0]);
  group.spawn(watch(*a.viewer, over));
  pub.announce(video_and_audio());
  pub.push(video(0, true, 15));  // fills the socket to the brim and no further
  pub.flush();
  w.cores.advance(60s);
  pub.push(video(40, false, 14));
  pub.flush();
  w.cores.advance(1s);
  EXPECT_FALSE(over);
  EXPECT_EQ(a.read(), "[I1](K0............)");
  w.cores.run_until_idle();
  EXPECT_EQ(a.read(), "(p40..........)");
  a.viewer->stop({Code::closed, "test"});
  w.cores.run_until_idle();
}

// What is left of a large keyframe is not the viewer's own doing.
TEST_F(FanOutTest, AMessageBehindALargeKeyframeIsNoReasonToGo) {
  auto pub = w.publish();
  Client a(w, 1000);
  a.viewer->start({});
  std::optional<Error> over;
  net::TaskGroup group(w.cores[0]);
  group.spawn(watch(*a.viewer, over));
  pub.announce(video_and_audio());
  pub.push(video(0, true, 2 << 20));
  pub.flush();
  a.viewer->send(Bytes::copy("<pong>"));
  EXPECT_EQ(a.viewer->waiting(), 6u);
  w.cores.run_until_idle();
  EXPECT_FALSE(over);
  for (int i = 0; i < 2; ++i) a.viewer->send(Bytes::copy(std::string(600'000, 'x')));
  w.cores.run_until_idle();
  ASSERT_TRUE(over);
  EXPECT_EQ(over->code, Code::limit);
}

TEST_F(FanOutTest, ABlockedViewerThatReadsGetsTheEnd) {
  auto pub = w.publish();
  Client a(w, 10);
  a.viewer->start({});
  std::optional<Error> over;
  net::TaskGroup group(w.cores[0]);
  group.spawn(watch(*a.viewer, over));
  pub.announce(video_and_audio());
  pub.push(video(0, true, 30));
  pub.end(Ending::clean);
  std::string all;
  for (int i = 0; i < 20; ++i) {
    w.cores.run_until_idle();
    all += a.read();
  }
  EXPECT_TRUE(all.ends_with(")[end]")) << all;
  ASSERT_TRUE(over);
  EXPECT_EQ(over->code, Code::closed);
}

// Viewers leave and join between the slices of a pass and inside of one.
TEST_F(FanOutTest, ManyComeAndGoWithoutLosingAByte) {
  auto pub = w.publish();
  pub.announce(video_and_audio());
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::string> heard;
  for (int t = 0; t < 200; ++t) {
    pub.push(video(t, t == 0, 0));
    pub.flush();
    clients.push_back(std::make_unique<Client>(w, 64));
    clients.back()->viewer->start({});
    heard.emplace_back();
    if (t % 3 == 2) clients[static_cast<size_t>(t) / 2].reset();
    for (size_t i = 0; i < clients.size(); ++i)
      if (clients[i] && (i + static_cast<size_t>(t)) % 5 == 0) heard[i] += clients[i]->read();
    w.cores.run_until_idle();
  }
  std::string whole = "[I1](K0)";
  for (int t = 1; t < 200; ++t) whole += "(p" + std::to_string(t) + ")";
  for (size_t i = 0; i < clients.size(); ++i) {
    if (!clients[i]) continue;
    for (int n = 0; n < 100; ++n) {
      heard[i] += clients[i]->read();
      w.cores.run_until_idle();
    }
    EXPECT_EQ(heard[i], whole) << i;
  }
}

TEST_F(FanOutTest, TheEndIsSentThenTheViewerIsOver) {
  auto pub = w.publish();
  Client a(w, 4096);
  a.viewer->start({});
  std::optional<Error> over;
  net::TaskGroup group(w.cores[0]);
  group.spawn(watch(*a.viewer, over));
  pub.announce(video_and_audio());
  pub.push(video(0, true, 0));
  pub.end(Ending::clean);
  w.cores.run_until_idle();
  EXPECT_EQ(a.read(), "[I1](K0)[end]");
  EXPECT_TRUE(over);
}

TEST_F(FanOutTest, PauseAndGoOnAtAKeyframe) {
  auto pub = w.publish();
  Client a(w, 4096);
  a.viewer->start({});
  pub.announce(video_and_audio());
  pub.push(video(0, true, 0));
  pub.flush();
  a.read();
  a.viewer->pause();
  pub.push(video(40, false, 0));
  pub.push(video(80, true, 0));
  pub.push(video(120, false, 0));
  pub.flush();
  EXPECT_EQ(a.read(), "");
  a.viewer->start({});
  EXPECT_EQ(a.read(), "[I1](K80)(p120)");
}

struct MergedFanOutTest : FanOutTest {
  MergedFanOutTest() : FanOutTest({.fan_out = {.merge = {.automatic = false, .fixed = 100ms}}}) {}
};

TEST_F(MergedFanOutTest, BytesWaitForEachOther) {
  auto pub = w.publish();
  Client a(w, 4096);
  a.viewer->start({});
  pub.announce(video_and_audio());
  pub.push(video(0, true, 0));
  pub.flush();
  EXPECT_EQ(a.read(), "[I1](K0)");
  for (int t = 40; t <= 80; t += 40) {
    w.cores.advance(40ms);
    pub.push(video(t, false, 0));
    pub.flush();
    EXPECT_EQ(a.read(), "");
  }
  w.cores.advance(20ms);
  EXPECT_EQ(a.read(), "(p40)(p80)");
}

}  // namespace
}  // namespace weir::hub
