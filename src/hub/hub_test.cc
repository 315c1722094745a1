// Weir live-streaming server. MIT licence, see LICENSE.
#include "hub/hub.h"

#include <gtest/gtest.h>

#include "hub/fixture.h"

namespace weir::hub {
namespace {

using namespace testing;

TEST(Hub, PacketsReachASubscriber) {
  World w;
  auto pub = w.publish();
  auto sub = w.subscribe();
  pub.announce(video_and_audio());
  pub.push(video(0, true));
  pub.push(audio(10));
  EXPECT_EQ(drain(sub), "");
  pub.flush();
  EXPECT_EQ(drain(sub), "I1 K0 a10");
}

TEST(Hub, ASecondPublisherIsRejected) {
  World w;
  auto pub = w.publish();
  auto second = w.wait(w.hub.publish(pub.key(), peer()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::busy);
}

TEST(Hub, OrReplacesTheFirst) {
  World w(1, {.second_publisher = SecondPublisher::replace});
  auto first_peer = peer();
  std::string kicked;
  first_peer->kick = [&](Error e) { kicked = e.what; };
  auto first = w.publish("s", first_peer);
  auto sub = w.subscribe();
  first.announce(video_and_audio());
  first.push(video(0, true));
  first.flush();
  EXPECT_EQ(drain(sub), "I1 K0");
  auto second = w.publish();
  w.cores.run_until_idle();
  EXPECT_EQ(kicked, "replaced by another publisher");
  first.push(video(40, false));
  first.flush();
  second.announce(video_and_audio());
  second.push(video(0, true));
  second.flush();
  EXPECT_EQ(drain(sub), "I1 K20");
}

TEST(Hub, AReturningPublisherGoesOnMonotonously) {
  World w;
  auto sub = w.subscribe();
  {
    auto pub = w.publish();
    pub.announce(video_and_audio());
    pub.push(video(0, true));
    pub.push(video(40, false));
    pub.flush();
  }
  w.cores.advance(5s);
  EXPECT_EQ(drain(sub), "I1 K0 p40");
  auto pub = w.publish();
  pub.announce(video_and_audio());
  pub.push(video(0, true));
  pub.flush();
  EXPECT_EQ(drain(sub), "I1 K80");
  const auto info = sub.info();
  EXPECT_EQ(info->incarnation, 2u);
  // Wall time of the packet is now, although the timeline closed the 5 s.
  EXPECT_EQ(info->epoch + 80ms, w.clock.wall());
}

TEST(Hub, HoldEndsTheStream) {
  World w(1, {.hold = 2s});
  auto sub = w.subscribe();
  {
    auto pub = w.publish();
    pub.announce(video_and_audio());
    pub.push(video(0, true));
    pub.flush();
  }
  w.cores.advance(1900ms);
  EXPECT_EQ(drain(sub), "I1 K0");
  w.cores.advance(200ms);
  EXPECT_EQ(drain(sub), "E");
  EXPECT_TRUE(w.hub.list().empty());
}

TEST(Hub, ACleanEndEndsAtOnce) {
  World w;
  auto sub = w.subscribe();
  auto pub = w.publish();
  pub.announce(video_and_audio());
  pub.push(video(0, true));
  pub.end(Ending::clean);
  w.cores.run_until_idle();
  EXPECT_EQ(drain(sub), "I1 K0 E");
}

TEST(Hub, AMissingStreamWaitsOrIsRefused) {
  World waits;
  {
    auto sub = waits.subscribe("nobody");
    EXPECT_EQ(waits.hub.list().size(), 1u);
  }
  waits.cores.run_until_idle();
  EXPECT_TRUE(waits.hub.list().empty());

  World refuses(1, {.missing = MissingStream::not_found});
  auto r = refuses.wait(refuses.hub.subscribe(*make_stream_key("live", "nobody"), peer()));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Code::not_found);
  EXPECT_TRUE(refuses.hub.list().empty());
}

TEST(Hub, TenThousandUnknownNamesLeaveNothing) {
  World w;
  for (int i = 0; i < 10000; ++i) w.subscribe("n" + std::to_string(i));
  w.cores.run_until_idle();
  EXPECT_TRUE(w.hub.list().empty());
}

net::Task<> subscribe_there(Hub& hub, std::optional<Subscription>& out) {
  out.emplace(*co_await hub.subscribe(*make_stream_key("live", "s"), peer()));
}

void on_core(World& w, int core, std::function<void()> f) {
  w.cores[core].post(std::move(f));
  w.cores.run_until_idle();
}

TEST(Hub, ASubscriberOnAnotherCoreGetsTheGroupSoFarAndEverythingAfter) {
  World w(2);
  auto pub = w.publish();
  pub.announce(video_and_audio());
  pub.push(video(0, true));
  pub.push(video(40, false));
  pub.flush();
  std::optional<Subscription> sub;
  std::optional<net::TaskGroup> group;
  on_core(w, 1, [&] {
    group.emplace(w.cores[1]);
    group->spawn(subscribe_there(w.hub, sub));
  });
  ASSERT_TRUE(sub);
  pub.push(video(80, false));
  pub.flush();
  std::string heard;
  on_core(w, 1, [&] { heard = drain(*sub); });
  EXPECT_EQ(heard, "I1 K0 p40 p80");
  on_core(w, 1, [&] { sub.reset(); });
  // Gone and back: a fresh ring, the same content.
  on_core(w, 1, [&] { group->spawn(subscribe_there(w.hub, sub)); });
  on_core(w, 1, [&] { heard = drain(*sub); });
  EXPECT_EQ(heard, "I1 K0 p40 p80");
  on_core(w, 1, [&] {
    sub.reset();
    group.reset();
  });
}

TEST(Hub, AStuckCoreLosesGroupsNotMemory) {
  World w(2);
  auto pub = w.publish();
  pub.announce(video_and_audio());
  pub.push(video(0, true));
  pub.flush();
  std::optional<Subscription> sub;
  std::optional<net::TaskGroup> group;
  on_core(w, 1, [&] {
    group.emplace(w.cores[1]);
    group->spawn(subscribe_there(w.hub, sub));
  });
  // Core 1 does not run while 10,000 packets pass.
  for (int i = 1; i <= 10000; ++i) {
    pub.push(video(i, i % 100 == 0, 1));
    pub.flush();
  }
  w.cores.run_until_idle();
  pub.push(video(10001, false, 1));
  pub.flush();
  w.cores.run_until_idle();
  std::string heard;
  on_core(w, 1, [&] { heard = drain(*sub); });
  EXPECT_EQ(heard.substr(heard.rfind('K')), "K10000 p10001");
  on_core(w, 1, [&] {
    sub.reset();
    group.reset();
  });
}

TEST(Hub, AnAudienceWithoutSubscriptionsIsListed) {
  World w;
  auto pub = w.publish();
  w.hub.set_audience(pub.key(), "web", 7);
  w.hub.set_audience(pub.key(), "web", 5);
  w.hub.set_audience(pub.key(), "other", 2);
  w.hub.set_audience(*make_stream_key("live", "unknown"), "web", 9);
  ASSERT_EQ(w.hub.list().size(), 1u);
  EXPECT_EQ(w.hub.list()[0].audience, 7u);
}

// A core that lost what was sent to it hears the end all the same.
TEST(Hub, AStuckCoreHearsTheEnd) {
  World w(2);
  auto pub = w.publish();
  pub.announce(video_and_audio());
  pub.push(video(0, true));
  pub.flush();
  std::optional<Subscription> sub;
  std::optional<net::TaskGroup> group;
  on_core(w, 1, [&] {
    group.emplace(w.cores[1]);
    group->spawn(subscribe_there(w.hub, sub));
  });
  for (int i = 1; i <= 5000; ++i) {
    pub.push(video(i, i % 100 == 0, 1));
    pub.flush();
  }
  pub.end(Ending::clean);
  w.cores.run_until_idle();
  std::string heard;
  on_core(w, 1, [&] { heard = drain(*sub); });
  EXPECT_TRUE(heard.ends_with(" K5000 E")) << heard.substr(heard.size() - 100);
  on_core(w, 1, [&] {
    sub.reset();
    group.reset();
  });
}

net::Task<> publish_there(Hub& hub, std::optional<Publication>& out) {
  out.emplace(*co_await hub.publish(*make_stream_key("live", "s"), peer()));
}

// The home of a stream does not run while its publisher, on another core, goes on.
TEST(Hub, AStuckHomeLosesGroupsNotMemory) {
  World w(2);
  auto sub = w.subscribe();  // the home is core 0
  std::optional<Publication> pub;
  std::optional<net::TaskGroup> group;
  on_core(w, 1, [&] {
    group.emplace(w.cores[1]);
    group->spawn(publish_there(w.hub, pub));
  });
  ASSERT_TRUE(pub);
  on_core(w, 1, [&] {
    pub->announce(video_and_audio());
    for (int i = 0; i <= 5000; ++i) {
      if (i == 5000) pub->announce(audio_only());
      pub->push(video(i, i % 100 == 0, 1));
      pub->flush();
    }
  });
  EXPECT_EQ(w.hub.list()[0].packets_in, 4095u);
  EXPECT_TRUE(drain(sub).ends_with(" p4094"));
  on_core(w, 1, [&] {
    pub->push(audio(6000));
    pub->flush();
  });
  // The change of tracks that was lost is made up for.
  EXPECT_EQ(drain(sub), "G2 I2 a6000");
  on_core(w, 1, [&] {
    pub.reset();
    group.reset();
  });
}

TEST(Hub, ANameGivenBackCanBePublishedAgainAtOnce) {
  World w;
  auto first = w.publish();
  first.end(Ending::clean);
  auto again = w.wait(w.hub.publish(*make_stream_key("live", "s"), peer()));
  EXPECT_TRUE(again) << again.error().what;
}

// Who watched the first publisher gets no pictures of the second before one that can be decoded.
TEST(Hub, AReturningPublisherStartsAtAKeyframe) {
  World w;
  auto sub = w.subscribe();
  {
    auto pub = w.publish();
    pub.announce(video_and_audio());
    pub.push(video(0, true));
    pub.flush();
    EXPECT_EQ(drain(sub), "I1 K0");
  }
  auto pub = w.publish();
  pub.announce(video_and_audio());
  pub.push(video(0, false));
  pub.push(audio(10));
  pub.push(video(40, true));
  pub.push(video(80, false));
  pub.flush();
  EXPECT_EQ(drain(sub), "I1 a30 K60 p100");
}

TEST(Hub, APeerMayWatchTwice) {
  World w;
  const auto who = peer();
  auto one = w.wait(w.hub.subscribe(*make_stream_key("live", "s"), who));
  {
    auto two = w.wait(w.hub.subscribe(*make_stream_key("live", "s"), who));
    EXPECT_EQ(w.hub.list()[0].viewers.size(), 2u);
  }
  EXPECT_EQ(w.hub.list()[0].viewers.size(), 1u);
}

net::Task<> stop(Hub& hub, bool& stopped) {
  co_await hub.stop();
  stopped = true;
}

struct Diary : HubObserver {
  std::string text;
  void on_published(const StreamKey& k, const PeerPtr&) override { text += "+" + k.name; }
  void on_unpublished(const StreamKey& k, Ending e) override {
    text += (e == Ending::clean ? "-" : "~") + k.name;
  }
  void on_ended(const StreamKey& k) override { text += "." + k.name; }
};

TEST(Hub, ObserversHearTheLifeOfAStream) {
  World w(1, {.hold = 1s});
  Diary diary;
  w.hub.observe(diary);
  w.publish();
  w.cores.run_until_idle();
  w.publish().end(Ending::lost);
  w.cores.advance(2s);
  EXPECT_EQ(diary.text, "+s~s+s~s.s");
}

TEST(Hub, StopEndsWhatIsHeldAndThenObserversMayGo) {
  World w(2);
  std::optional<net::TaskGroup> group;
  std::optional<Publication> pub;
  auto sub = std::make_optional(w.subscribe());
  on_core(w, 1, [&] {
    group.emplace(w.cores[1]);
    group->spawn(publish_there(w.hub, pub));
  });
  bool stopped = false;
  auto diary = std::make_optional<Diary>();
  w.hub.observe(*diary);
  net::TaskGroup mine(w.cores[0]);
  w.cores[1].post([&] {
    pub.reset();
    group.reset();
  });
  w.cores[1].run_until_idle();  // the detach is on its way to core 0 now
  mine.spawn(stop(w.hub, stopped));
  w.cores.run_until_idle();
  ASSERT_TRUE(stopped);
  EXPECT_EQ(diary->text, "~s.s");
  diary.reset();
  EXPECT_EQ(drain(*sub), "E");
  sub.reset();
  w.cores.advance(60s);
  EXPECT_TRUE(w.hub.list().empty());
}

}  // namespace
}  // namespace weir::hub
