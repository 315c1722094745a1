// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "segments/fixture.h"

namespace weir::segments {
namespace {

using net::http::Response;
using ::testing::HasSubstr;

struct Answer {
  bool done = false;
  Response response;
  std::string body() const {
    std::string all;
    if (response.content)
      for (const auto& piece : response.content->body()) all += piece.text();
    return all;
  }
};

net::Task<> keep_answer(net::Task<Response> task, Answer& out) {
  out.response = co_await std::move(task);
  out.done = true;
}

struct Grown {
  std::string text;
  int pieces = 0;
  bool done = false;
  Result<> end;
};

net::Task<> drink(net::http::BodySource& source, Grown& out) {
  for (;;) {
    const auto piece = co_await source.next();
    if (!piece || piece->empty()) {
      if (!piece) out.end = fail(piece.error());
      out.done = true;
      co_return;
    }
    out.text += piece->text();
    ++out.pieces;
  }
}

struct Shop : testing::Studio {
  explicit Shop(SegmentsConfig config = {}) : Studio(std::move(config)) {
    add_routes(router, library);
  }
  std::shared_ptr<Answer> get(const std::string& name) {
    auto answer = std::make_shared<Answer>();
    on(0, [&] {
      paths.push_back("/live/s/" + name);
      auto request = std::make_unique<net::http::Request>();
      request->path = paths.back();
      const auto match = router.find(*request);
      ASSERT_TRUE(match.handler) << request->path;
      group.spawn(keep_answer(match.handler->async(*request), *answer));
      requests.push_back(std::move(request));
    });
    return answer;
  }
  int late_status(const std::string& name) {
    const auto a = get(name);
    if (!a->done) cores.advance(3s);
    EXPECT_TRUE(a->done) << name;
    return a->response.status;
  }
  int status(const std::string& name) {
    const auto a = get(name);
    EXPECT_TRUE(a->done) << name;
    return a->response.status;
  }
  std::string name(const std::string& what) { return view()->token + "-" + what; }
  // With the header that is in use.
  std::string segment(const std::string& lane, uint64_t number) {
    return segment_name(view()->token, lane, view()->lane(lane)->open->init_number(), number);
  }
  std::string part(const std::string& lane, uint64_t number, size_t part) {
    const auto v = view();
    return part_name(v->token, lane, v->lane(lane)->open->init_number(), number, part);
  }
  uint64_t open_number(const std::string& lane = "v1") { return view()->lane(lane)->open->number; }

  net::http::Router router;
  std::deque<std::string> paths;
  std::vector<std::unique_ptr<net::http::Request>> requests;
};

TEST(Routes, ServeHeadersSegmentsAndParts) {
  Shop s;
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  for (const std::string lane : {"v1", "a1"}) {
    const auto w = s.view()->lane(lane);
    const SegmentPtr first = w->segments->front();
    const auto whole = s.get(first->name);
    ASSERT_EQ(whole->response.status, 200);
    EXPECT_EQ(whole->body().size(), first->size);
    EXPECT_EQ(whole->response.content->type(), lane == "v1" ? "video/mp4" : "audio/mp4");
    std::string joined;
    for (size_t i = 0; i < first->parts.size(); ++i)
      joined += s.get(s.part(lane, first->number, i))->body();
    EXPECT_EQ(joined, whole->body());
    EXPECT_THAT(s.get(first->init->name)->body(), HasSubstr("moov"));
  }
  s.end(p);
}

TEST(Routes, SayWhatIsNotThere) {
  Shop s;
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto number = s.open_number();
  EXPECT_EQ(s.status("x-v1-0-1.m4s"), 404);
  EXPECT_EQ(s.status("nonsense.m4s"), 404);
  EXPECT_EQ(s.status(s.name("v1-0-1.m4s")), 404);
  EXPECT_EQ(s.status(s.name("v9-0-" + std::to_string(number) + ".m4s")), 404);
  EXPECT_EQ(s.status(s.name("v1-0-" + std::to_string(number + 2) + ".m4s")), 404);
  EXPECT_EQ(s.status(s.name("v1-0-" + std::to_string(number) + ".9.m4s")), 404);
  EXPECT_EQ(s.status(s.name("v1-i99.mp4")), 404);
  EXPECT_EQ(s.status(s.name(std::to_string(number) + ".ts")), 404);
  s.end(p);
}

TEST(Routes, ThePartThatComesNextIsHeld) {
  Shop s;
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto w = s.view()->lane("v1");
  const auto next = s.get(s.part("v1", w->open->number, w->open->parts.size()));
  EXPECT_FALSE(next->done);
  s.feed(p, 5s, 5s + 240ms);
  ASSERT_TRUE(next->done);
  EXPECT_EQ(next->response.status, 200);
  EXPECT_GT(next->body().size(), 1000u);
  // Hinted, but the segment ends before it.
  s.feed(p, 5s + 240ms, 6s);
  const auto never = s.get(s.part("v1", w->open->number, 10));
  s.feed(p, 6s, 6s + 240ms);
  ASSERT_TRUE(never->done);
  EXPECT_EQ(never->response.status, 404);
  s.end(p);
}

std::vector<Track> other_picture_and_sound() {
  auto tracks = testing::picture_and_sound();
  tracks[0].params = VideoParams{640, 360, 25};
  return tracks;
}

TEST(Routes, WhoWaitedIsNotGivenOtherMedia) {
  Shop s;
  auto first = s.publish();
  first.announce(testing::picture_and_sound());
  s.feed(first, 0s, 6s);
  const auto number = s.open_number();
  const auto next = s.get(s.segment("v1", number + 1)), hinted = s.get(s.part("v1", number + 1, 0)),
             sound = s.get(s.part("a1", number + 1, 0));
  s.end(first, hub::Ending::lost);
  auto second = s.publish();
  second.announce(other_picture_and_sound());
  s.feed(second, 0s, 1s);
  ASSERT_TRUE(hinted->done && sound->done);
  EXPECT_EQ(hinted->response.status, 404);
  EXPECT_EQ(sound->response.status, 404) << "the same header, but named anew";
  EXPECT_EQ(s.status(s.part("v1", number + 1, 0)), 200) << "by its own name";
  EXPECT_FALSE(next->done) << "its manifest is old: no reason to ask again at once";
  s.cores.advance(3s);
  ASSERT_TRUE(next->done);
  EXPECT_EQ(next->response.status, 404);
  s.end(second);
}

TEST(Routes, MediaIsFoundByTheNumberOfItsHeaderOnly) {
  Shop s;
  auto first = s.publish();
  first.announce(testing::picture_and_sound());
  s.feed(first, 0s, 6s);
  const auto number = s.open_number();
  s.end(first, hub::Ending::lost);
  auto second = s.publish();
  second.announce(other_picture_and_sound());
  s.feed(second, 0s, 4s + 240ms);
  const std::string token = s.view()->token;
  const auto w = s.view()->lane("v1");
  const uint64_t open = w->open->number, changed = number + 1;
  ASSERT_GT(open, changed);
  ASSERT_EQ((*w->find(number))->init_number(), 0u);
  ASSERT_EQ((*w->find(changed))->init_number(), 1u);
  for (const uint64_t n : {number, changed, open}) {
    const uint64_t needed = n >= changed;
    for (const uint64_t init : {0, 1, 2}) {
      EXPECT_EQ(s.late_status(segment_name(token, "v1", init, n)), init == needed ? 200 : 404);
      EXPECT_EQ(s.status(part_name(token, "v1", init, n, 0)), init == needed ? 200 : 404) << n;
    }
  }
  // No older header comes back, so nobody waits for it.
  EXPECT_EQ(s.late_status(segment_name(token, "v1", 0, open + 1)), 404);
  EXPECT_EQ(s.status(part_name(token, "v1", 0, open + 1, 0)), 404);
  EXPECT_EQ(s.status(part_name(token, "v1", 0, open, w->open->parts.size())), 404);
  EXPECT_FALSE(s.get(part_name(token, "v1", 1, open, w->open->parts.size()))->done);
  s.end(second);
}

TEST(Routes, HoldingIsBounded) {
  Shop s;
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  s.demand();
  const auto w = s.view()->lane("v1");
  const auto next = s.get(s.part("v1", w->open->number, w->open->parts.size()));
  s.cores.advance(5s);
  EXPECT_FALSE(next->done);
  s.cores.advance(2s);
  ASSERT_TRUE(next->done);
  EXPECT_EQ(next->response.status, 503);
  s.end(p);
}

TEST(Routes, TheSegmentInTheMakingGrowsWhileItIsSent) {
  Shop s;
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto number = s.open_number();
  const std::string name = s.segment("v1", number);
  const auto open = s.get(name), after = s.get(s.segment("v1", number + 1));
  ASSERT_TRUE(open->done && open->response.source);
  EXPECT_FALSE(after->done) << "not begun";
  Grown grown;
  s.on(0, [&] { s.group.spawn(drink(*open->response.source, grown)); });
  EXPECT_EQ(grown.pieces, 4);
  s.feed(p, 5s, 5s + 480ms);
  EXPECT_EQ(grown.pieces, 7);
  EXPECT_FALSE(grown.done);
  s.feed(p, 5s + 480ms, 6s + 40ms);
  EXPECT_TRUE(grown.done && grown.end);
  EXPECT_EQ(grown.pieces, 10);
  EXPECT_TRUE(after->done && after->response.source);
  EXPECT_EQ(grown.text, s.get(name)->body());
  s.end(p);
}

TEST(Routes, ASlowPeerGetsTheRestOrIsCutOff) {
  Shop s({.rewind = 0s, .max_bytes = mib(1)});
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto open = s.get(segment_name(s.view()->token, "v1", 0, s.open_number()));
  const auto other = s.get(segment_name(s.view()->token, "v1", 0, s.open_number()));
  ASSERT_TRUE(open->done && open->response.source && other->done && other->response.source);
  s.feed(p, 5s, 15s);
  Grown all;
  s.on(0, [&] { s.group.spawn(drink(*open->response.source, all)); });
  EXPECT_TRUE(all.done && all.end);
  EXPECT_GT(all.text.size(), 50u * 500);
  s.feed(p, 15s, 100s);
  Grown none;
  s.on(0, [&] { s.group.spawn(drink(*other->response.source, none)); });
  EXPECT_TRUE(none.done);
  EXPECT_FALSE(none.end) << "an orderly end would be taken for a whole segment";
  s.end(p);
}

TEST(Routes, AStreamThatEndsCompletesItsLastSegment) {
  Shop s;
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  const auto open = s.get(s.segment("a1", s.open_number()));
  Grown grown;
  s.on(0, [&] { s.group.spawn(drink(*open->response.source, grown)); });
  s.end(p);
  EXPECT_TRUE(grown.done && grown.end);
  EXPECT_EQ(grown.text.size(), s.view()->lane("a1")->segments->back()->size);
}

TEST(Routes, TsSegmentsOnceAskedFor) {
  Shop s;
  auto p = s.publish();
  p.announce(testing::picture_and_sound());
  s.feed(p, 0s, 5s);
  s.demand(Demand::ts);
  const auto ts = s.view()->ts;
  ASSERT_TRUE(ts);
  const auto answer = s.get(ts->segments->back()->name);
  EXPECT_EQ(answer->response.status, 200);
  EXPECT_EQ(answer->response.content->type(), "video/mp2t");
  EXPECT_EQ(answer->body()[0], 0x47);
  s.end(p);
}

}  // namespace
}  // namespace weir::segments
