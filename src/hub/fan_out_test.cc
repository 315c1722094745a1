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
  EXPECT_EQ(all, "[I1](K0..........................." ")<ping>");
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
  MergedFanOutTest()
      : FanOutTest({.fan_out = {.merge = {.automatic = false, .fixed = 100ms}}}) {}
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
