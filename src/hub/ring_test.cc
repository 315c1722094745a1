// Weir live-streaming server. MIT licence, see LICENSE.
#include "hub/ring.h"

#include <gtest/gtest.h>

#include "hub/fixture.h"

namespace weir::hub {
namespace {

using namespace testing;

StreamInfoPtr info(uint32_t version, std::vector<Track> tracks = video_and_audio()) {
  auto i = std::make_shared<StreamInfo>();
  i->version = version;
  i->tracks = std::move(tracks);
  return i;
}

Entry of(Packet p) { return {.packet = std::make_shared<const Packet>(std::move(p))}; }

std::string drain(const Ring& r, Ring::Cursor& c, Ring::Join j = Ring::Join::newest) {
  std::string out;
  while (auto e = r.next(c, j)) {
    out += (out.empty() ? "" : " ") + text(*e);
    if (std::holds_alternative<End>(*e)) break;
  }
  return out;
}

struct RingTest : ::testing::Test {
  ManualClock clock;
  net::Cores cores{1, clock};
  Ring ring{cores[0], {.span = 1s, .bytes = 30000}};
  void add(std::initializer_list<Entry> batch) { ring.append(ring.end(), Batch(batch)); }
};

TEST_F(RingTest, JoinsAtTheNewestKeyframeWithItsInfo) {
  add({{.info = info(1)},
       of(video(0, true)),
       of(video(40, false)),
       of(audio(50)),
       of(video(80, true)),
       of(video(120, false))});
  Ring::Cursor newest, oldest;
  EXPECT_EQ(drain(ring, newest), "I1 K80 p120");
  EXPECT_EQ(drain(ring, oldest, Ring::Join::oldest), "I1 K0 p40 a50 K80 p120");
  add({of(video(160, false))});
  EXPECT_EQ(drain(ring, newest), "p160");
}

TEST_F(RingTest, NothingBeforeTheFirstKeyframe) {
  add({{.info = info(1)}, of(video(0, false)), of(audio(10))});
  Ring::Cursor c;
  EXPECT_EQ(drain(ring, c), "");
  add({of(video(40, true))});
  EXPECT_EQ(drain(ring, c), "I1 K40");
}

TEST_F(RingTest, WhoWaitsFromTheStartMissesNothingThatCanBeDecoded) {
  Ring::Cursor waiting, oldest, late;
  EXPECT_EQ(drain(ring, waiting), "");
  add({{.info = info(1)}, of(video(0, false)), of(audio(10))});
  EXPECT_EQ(drain(ring, waiting), "I1 a10");
  add({of(video(20, false)), of(video(40, true)), of(video(80, false)), of(video(120, true))});
  EXPECT_EQ(drain(ring, waiting), "K40 p80 K120");
  EXPECT_EQ(drain(ring, oldest, Ring::Join::oldest), "I1 a10 K40 p80 K120");
  EXPECT_EQ(drain(ring, late), "I1 K120");
}

TEST_F(RingTest, WhoWaitsForAudioOnlyHearsItsFirstPacket) {
  Ring::Cursor waiting;
  EXPECT_EQ(drain(ring, waiting), "");
  add({{.info = info(1, audio_only())}, of(audio(0)), of(audio(20)), of(audio(40))});
  EXPECT_EQ(drain(ring, waiting), "I1 a0 a20 a40");
}

TEST_F(RingTest, AudioOnlyJoinsAtAnyPacket) {
  add({{.info = info(1, audio_only())}, of(audio(0)), of(audio(20)), of(audio(40))});
  Ring::Cursor c;
  EXPECT_EQ(drain(ring, c), "I1 a40");
}

TEST_F(RingTest, AnInfoChangeArrivesInOrderAndOnlyOnce) {
  add({{.info = info(1)}, of(video(0, true)), {.info = info(2)}, of(video(40, true))});
  Ring::Cursor early, late;
  EXPECT_EQ(drain(ring, early, Ring::Join::oldest), "I1 K0 I2 K40");
  EXPECT_EQ(drain(ring, late), "I2 K40");
}

TEST_F(RingTest, ASlowReaderGetsOneGapAndAKeyframe) {
  add({{.info = info(1)}, of(video(0, true))});
  Ring::Cursor c;
  EXPECT_EQ(drain(ring, c), "I1 K0");
  for (int t = 40; t <= 4000; t += 40) add({of(video(t, t % 400 == 0))});
  // 1 s is held; the reader stood at packet 2, K4000 is packet 101.
  EXPECT_EQ(drain(ring, c), "G99 K4000");
}

TEST_F(RingTest, TheSpanRuleKeepsTheNewestGroup) {
  add({{.info = info(1)}, of(video(0, true))});
  for (int t = 40; t <= 3000; t += 40) add({of(video(t, false, 10))});
  Ring::Cursor c;
  EXPECT_EQ(drain(ring, c).substr(0, 10), "I1 K0 p40 ");
  add({of(video(3040, true))});
  Ring::Cursor d;
  EXPECT_EQ(drain(ring, d, Ring::Join::oldest), "I1 K3040");
}

TEST_F(RingTest, TheByteRuleHoldsEvenInsideAGroup) {
  add({{.info = info(1)}, of(video(0, true, 1000))});
  for (int t = 1; t <= 100; ++t) add({of(video(t, false, 1000))});
  EXPECT_LE(ring.bytes(), 30000u);
  Ring::Cursor c;
  EXPECT_EQ(drain(ring, c), "");
  add({of(video(101, true, 1000))});
  EXPECT_EQ(drain(ring, c), "I1 K101");
}

// A publisher whose clock stands still and whose packets are tiny must not fill the memory either.
TEST_F(RingTest, TinyPacketsAndInfosAreBoundedToo) {
  for (uint32_t i = 1; i <= 5000; ++i) add({{.info = info(i)}, of(video(0, i == 1, 1))});
  EXPECT_LE(ring.bytes(), 30000u);
  EXPECT_LE(ring.end() - ring.begin(), 400u);
}

TEST_F(RingTest, AHoleInTheNumbersResumesAtAJoinPoint) {
  add({{.info = info(1)}, of(video(0, true)), of(video(40, false))});
  Ring::Cursor c;
  drain(ring, c);
  ring.append(ring.end() + 5, {of(video(240, false))});
  EXPECT_EQ(drain(ring, c), "");
  add({of(video(280, true))});
  EXPECT_EQ(drain(ring, c), "G6 K280");
}

struct Heard final : RingListener {
  void on_append() override { ++times; }
  int times = 0;
};

TEST_F(RingTest, RestoringTellsWhoListens) {
  add({{.info = info(1)}, of(video(0, true))});
  Ring other{cores[0], {}};
  Heard heard;
  other.listen(heard);
  other.restore(ring.snapshot());
  EXPECT_EQ(heard.times, 1);
  other.unlisten(heard);
}

TEST_F(RingTest, SnapshotRestoresReadersInPlace) {
  add({{.info = info(1)}, of(video(0, true)), of(video(40, false))});
  Ring other{cores[0], {}};
  other.restore(ring.snapshot());
  Ring::Cursor c;
  EXPECT_EQ(drain(other, c), "I1 K0 p40");
  add({of(video(80, false))});
  other.restore(ring.snapshot());
  EXPECT_EQ(drain(other, c), "p80");
}

TEST_F(RingTest, EndReachesThoseWhoWaitAndThoseWhoRead) {
  add({{.info = info(1)}, of(video(0, false))});
  Ring::Cursor waiting;
  EXPECT_EQ(drain(ring, waiting), "");
  add({{.end = std::make_shared<End>(End{{Code::closed, "over"}})}});
  EXPECT_EQ(drain(ring, waiting), "E");
}

}  // namespace
}  // namespace weir::hub
