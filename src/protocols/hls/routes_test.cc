// Weir live-streaming server. MIT licence, see LICENSE.

// What requests get: playlists, waiting for the next part, deltas, families, refusals.
#include "protocols/hls/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/hls/server_fixture.h"

namespace weir::hls {
namespace {

using namespace fixture;
using segments::testing::picture_and_sound;
using testing::HasSubstr;
using testing::Not;

std::string blocking(uint64_t msn, std::optional<size_t> part = {}) {
  std::string target = "/live/s/v1.m3u8?_HLS_msn=" + std::to_string(msn);
  if (part) target += "&_HLS_part=" + std::to_string(*part);
  return target;
}

TEST(Routes, TheFirstRequestWaitsForTheFirstPartOnly) {
  Server s;
  auto p = s.publish();
  p.announce(picture_and_sound());
  const auto index = s.get("/live/s/index.m3u8"), media = s.get("/live/s/v1.m3u8");
  EXPECT_FALSE(index->done);
  s.feed(p, 0s, 480ms);
  ASSERT_TRUE(index->done && media->done);
  EXPECT_EQ(index->status(), 200);
  EXPECT_THAT(index->text(), HasSubstr("URI=\"a1.m3u8\""));
  EXPECT_THAT(index->text(), HasSubstr("CODECS=\"avc1.640015,mp4a.40.2\",RESOLUTION=320x180"));
  EXPECT_THAT(index->text(), HasSubstr("\nv1.m3u8\n"));
  const auto list = read(media->text());
  EXPECT_EQ(list.segments.size(), 3u) << "padding";
  EXPECT_FALSE(list.open.parts.empty());
  EXPECT_EQ(list.reports.count("a1.m3u8"), 1u);
  s.end(p);
}

TEST(Routes, EveryPartIsWaitedForAndComesAtOnce) {
  Server s;
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 5s);
  auto before = s.playlist("/live/s/v1.m3u8");
  Time t = 5s;
  int hinted = 0;
  for (int i = 0; i < 40; ++i) {
    const auto next =
        s.get(blocking(before.last() + 1, before.open.parts.size()) + "&_HLS_skip=YES");
    ASSERT_FALSE(next->done);
    // None while a segment that is over is not told as complete yet.
    const auto held = before.hint.empty() ? nullptr : s.get("/live/s/" + before.hint);
    for (int frames = 0; frames < 12 && !next->done; ++frames, t += 40ms) s.feed(p, t, t + 40ms);
    ASSERT_TRUE(next->done);
    ASSERT_EQ(next->status(), 200) << next->text();
    EXPECT_EQ(next->header("Cache-Control"), "public, max-age=12");
    auto list = read(next->text());
    // The hinted part is there, perhaps as the last of its segment; or the segment ended before it
    // and the first of the next is there.
    const bool closed = list.last() > before.last();
    const auto& parts = closed ? list.segments.back().parts : list.open.parts;
    if (parts.size() > before.open.parts.size()) {
      EXPECT_EQ(parts.size(), before.open.parts.size() + 1);
      EXPECT_EQ(parts.back().uri, before.hint);
      ASSERT_TRUE(held && held->done);
      EXPECT_EQ(held->status(), 200);
      ++hinted;
    } else {
      EXPECT_TRUE(closed);
      EXPECT_EQ(list.open.parts.size(), 1u);
    }
    before = std::move(list);
  }
  EXPECT_GE(hinted, 36);
  s.end(p);
}

TEST(Routes, ARequestWithoutPartWaitsForTheWholeSegment) {
  Server s;
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto now = s.playlist("/live/s/v1.m3u8");
  const auto next = s.get(blocking(now.last() + 1));
  s.feed(p, 5s, 5800ms);
  EXPECT_FALSE(next->done);
  s.feed(p, 5800ms, 6280ms);
  ASSERT_TRUE(next->done);
  EXPECT_EQ(read(next->text()).last(), now.last() + 1);
  s.end(p);
}

TEST(Routes, EveryoneWhoWaitsGetsTheSameBuffer) {
  Server s;
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto now = s.playlist("/live/s/v1.m3u8");
  std::vector<AnswerPtr> all;
  for (int i = 0; i < 50; ++i)
    all.push_back(s.get(blocking(now.last() + 1, now.open.parts.size())));
  s.on(0, [&] { EXPECT_EQ(s.library.directory().waiting(), 50u); });
  s.feed(p, 5s, 5400ms);
  for (const auto& a : all) {
    ASSERT_TRUE(a->done);
    EXPECT_EQ(a->response.content, all.front()->response.content);
  }
  s.end(p);
}

TEST(Routes, WaitingIsBoundedByThreeTargets) {
  Server s({}, {}, {.hold = 30s});
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto now = s.playlist("/live/s/v1.m3u8");
  s.end(p, hub::Ending::lost);  // held for the publisher's return
  const auto next = s.get(blocking(now.last() + 2));
  s.cores.advance(5900ms);
  EXPECT_FALSE(next->done);
  s.cores.advance(200ms);
  ASSERT_TRUE(next->done);
  EXPECT_EQ(next->status(), 503);
  EXPECT_EQ(next->header("Retry-After"), "1");
}

TEST(Routes, RefusalsSayWhy) {
  Server s;
  EXPECT_THAT(s.get("/live/s/v1.m3u8")->text(), HasSubstr("nobody publishes live/s"));
  EXPECT_EQ(s.status("/live/s/index.m3u8"), 404);
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 5s);
  const uint64_t last = s.playlist("/live/s/v1.m3u8").last();
  EXPECT_EQ(s.status(blocking(last + 3)), 400);
  EXPECT_EQ(s.status(blocking(last + 1, 40)), 400);
  EXPECT_EQ(s.status("/live/s/v1.m3u8?_HLS_part=1"), 400);
  EXPECT_THAT(s.get("/live/s/v1.m3u8?_HLS_msn=x")->text(), HasSubstr("not a decimal number"));
  EXPECT_EQ(s.status("/live/s/index.m3u8?_HLS_msn=-1"), 400);
  EXPECT_THAT(s.get("/live/s/v7.m3u8")->text(), HasSubstr("has no v7.m3u8; index.m3u8 lists"));
  EXPECT_EQ(s.status("/live/s/v1@720p.m3u8"), 404);
  EXPECT_EQ(s.status("/live/s/" + s.playlist("/live/s/v1.m3u8").segments.back().uri), 200);
  s.end(p);
}

TEST(Routes, PaddingNamesNothingThatExists) {
  Server s;
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 1s);
  s.get("/live/s/v1.m3u8");
  const auto list = s.playlist("/live/s/v1.m3u8");
  ASSERT_TRUE(list.segments.front().gap);
  EXPECT_EQ(s.status("/live/s/" + list.segments.front().uri), 404);
  s.end(p);
}

TEST(Routes, ARequestForALaneThatNothingComesOfIsBounded) {
  Server s;
  auto p = s.publish();  // and nothing comes
  const auto index = s.get("/live/s/index.m3u8"), media = s.get("/live/s/v1.m3u8");
  s.cores.advance(7s);
  EXPECT_FALSE(index->done || media->done);
  s.cores.advance(2s);
  ASSERT_TRUE(index->done && media->done);
  EXPECT_EQ(index->status(), 503);
  EXPECT_EQ(media->status(), 503);
  EXPECT_EQ(media->header("Retry-After"), "1");
  EXPECT_THAT(media->text(), HasSubstr("is live but has no segment yet"));
  s.end(p);
}

TEST(Routes, WhatCannotBeCarriedIsSaid) {
  Server s;
  auto p = s.publish();
  p.announce({Track{TrackId{0}, Codec::vp8, {}, VideoParams{}, {}}});
  const auto index = s.get("/live/s/index.m3u8");
  s.feed(p, 0s, 80ms);
  ASSERT_TRUE(index->done);  // at once, not after the limit
  EXPECT_EQ(index->status(), 404);
  EXPECT_THAT(index->text(), HasSubstr("live/s is not there as HLS: "));
  EXPECT_THAT(s.get("/live/s/v1.m3u8")->text(), HasSubstr("is not there as HLS: "));
  s.end(p);
}

TEST(Routes, AnEndedStreamAnswersAtOnce) {
  Server s;
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto now = s.playlist("/live/s/v1.m3u8");
  const auto next = s.get(blocking(now.last() + 1));
  EXPECT_FALSE(next->done);
  s.end(p);
  ASSERT_TRUE(next->done);
  EXPECT_TRUE(read(next->text()).ended);
  EXPECT_TRUE(s.playlist(blocking(now.last() + 500, 3) + "&_HLS_skip=YES").ended);
  EXPECT_TRUE(s.playlist("/live/s/a1.m3u8").ended);
}

TEST(Routes, TransportStreamsAreThereWhenAsked) {
  Server s;
  auto p = s.publish();
  p.announce(picture_and_sound());
  const auto waiting = s.get("/live/s/ts.m3u8");
  s.feed(p, 0s, 2200ms);
  ASSERT_TRUE(waiting->done);
  EXPECT_THAT(waiting->text(), HasSubstr("#EXT-X-VERSION:3\n"));
  EXPECT_THAT(waiting->text(), Not(HasSubstr("EXT-X-PART")));
  s.feed(p, 2200ms, 5s);
  const auto ts = s.playlist("/live/s/ts.m3u8"), v1 = s.playlist("/live/s/v1.m3u8");
  EXPECT_EQ(ts.segments.back().number, v1.segments.back().number);
  EXPECT_EQ(ts.segments.back().date, v1.segments.back().date);
  EXPECT_EQ(s.status("/live/s/" + ts.segments.back().uri), 200);
  s.end(p);
}

TEST(Routes, TheConfiguredFormatIsWhatTheIndexLists) {
  HlsConfig config;
  config.format = Format::ts;
  Server s(config);
  auto p = s.publish();
  p.announce(picture_and_sound());
  const auto index = s.get("/live/s/index.m3u8");
  s.feed(p, 0s, 3s);
  ASSERT_TRUE(index->done);
  EXPECT_THAT(index->text(), HasSubstr("\nts.m3u8\n"));
  EXPECT_THAT(index->text(), Not(HasSubstr("v1.m3u8")));
  EXPECT_EQ(s.status("/live/s/v1.m3u8"), 200);
  s.end(p);
}

TEST(Routes, AnEventIsAskedForAndHandedOn) {
  Server s;
  auto p = s.publish();
  p.announce(picture_and_sound());
  s.feed(p, 0s, 5s);
  s.get("/live/s/index.m3u8?type=event");
  s.feed(p, 5s, 6s);
  EXPECT_THAT(s.get("/live/s/index.m3u8?type=event")->text(), HasSubstr("\nv1.m3u8?type=event\n"));
  const auto list = s.playlist("/live/s/v1.m3u8?type=event");
  EXPECT_EQ(list.head.at("#EXT-X-PLAYLIST-TYPE"), "EVENT");
  EXPECT_EQ(list.reports.count("a1.m3u8?type=event"), 1u);
  EXPECT_EQ(s.playlist("/live/s/v1.m3u8").head.count("#EXT-X-PLAYLIST-TYPE"), 0u);
  s.end(p);
}

TEST(Routes, RenditionsAndVariantsAreListedWithTheirMedia) {
  HlsConfig config;
  config.variants = {"_low BANDWIDTH=288000", "_hi"};
  Server s(config);
  auto low = s.publish("foo_low"), small = s.publish("foo", "720p");
  for (auto* p : {&low, &small}) p->announce(picture_and_sound());
  const auto index = s.get("/live/foo/index.m3u8");  // foo itself is not published
  s.feed(low, 0s, 3s);
  s.feed(small, 0s, 3s);
  ASSERT_TRUE(index->done);
  const std::string text = s.get("/live/foo/index.m3u8")->text();
  EXPECT_THAT(text, HasSubstr("\nv1@720p.m3u8\n"));
  EXPECT_THAT(text, HasSubstr("BANDWIDTH=288000,"));
  EXPECT_THAT(text, HasSubstr("\n../foo_low/v1.m3u8\n"));
  EXPECT_THAT(text, Not(HasSubstr("foo_hi")));
  const auto list = s.playlist("/live/foo/v1@720p.m3u8");
  EXPECT_EQ(list.reports.count("../foo_low/v1.m3u8"), 1u);
  EXPECT_EQ(list.reports.count("a1@720p.m3u8"), 1u);
  EXPECT_EQ(s.status("/live/foo/" + list.segments.back().uri), 200);
  EXPECT_EQ(s.status("/live/foo/" + list.segments.front().map), 200);
  s.end(low);
  s.end(small);
}

}  // namespace
}  // namespace weir::hls
