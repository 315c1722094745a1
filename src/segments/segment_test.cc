// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/segment.h"

#include <gtest/gtest.h>

namespace weir::segments {
namespace {

struct Named {
  std::string_view text, token, lane;
  uint64_t init_number = 0, number = 0;
  std::optional<uint64_t> part;
  bool init = false;
};

constexpr uint64_t kMax = uint64_t{1} << 53;

TEST(MediaName, TakesApartWhatItMakes) {
  const Named table[] = {
      {"k3v9x2a-v1-4-17.m4s", "k3v9x2a", "v1", 4, 17, {}},
      {"k3v9x2a-v1-4-17.3.m4s", "k3v9x2a", "v1", 4, 17, 3},
      {"k3v9x2a-v1-i4.mp4", "k3v9x2a", "v1", 4, 0, {}, true},
      {"k3v9x2a-17.ts", "k3v9x2a", "ts", 0, 17, {}},
      {"0-a12-0-0.0.m4s", "0", "a12", 0, 0, 0},
      {"v1-v1-1-1.m4s", "v1", "v1", 1, 1, {}},
      {"v1-1.ts", "v1", "ts", 0, 1, {}},
      {"i-a1-i0.mp4", "i", "a1", 0, 0, {}, true},
      {"k-9007199254740992.ts", "k", "ts", 0, kMax, {}},
      {"k-v1-9007199254740992-1.9007199254740992.m4s", "k", "v1", kMax, 1, kMax},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.text);
    const auto name = parse_media_name(row.text);
    ASSERT_TRUE(name);
    EXPECT_EQ(name->token, row.token);
    EXPECT_EQ(name->lane, row.lane);
    EXPECT_EQ(name->init_number, row.init_number);
    EXPECT_EQ(name->number, row.number);
    EXPECT_EQ(name->part, row.part);
    EXPECT_EQ(name->init, row.init);
    EXPECT_EQ(row.init   ? init_name(row.token, row.lane, row.init_number)
              : row.part ? part_name(row.token, row.lane, row.init_number, row.number, *row.part)
                         : segment_name(row.token, row.lane, row.init_number, row.number),
              row.text);
  }
}

TEST(MediaName, RefusesEverythingElse) {
  for (const char* text : {
           "",
           ".ts",
           ".m4s",
           "-.ts",
           "-17.ts",
           "k-.ts",
           "17.ts",
           "k-17",
           "k-17.m4s",
           "k-17.mp4",
           "k-17.TS",
           "k-17.ts ",
           " k-17.ts",
           "k-17.ts?",
           "K-17.ts",
           "k_-17.ts",
           "../k-17.ts",
           "k/-17.ts",
           "k--17.ts",
           "k-v1-17.ts",
           "k-17.1.ts",
           "k-i17.ts",
           "k-017.ts",
           "k-+17.ts",
           "k-1 7.ts",
           "k-0x1.ts",
           "k-9007199254740993.ts",
           "k-18446744073709551617.ts",
           "k-99999999999999999999999999.ts",
           "k-ts-0-17.m4s",
           "k-v-0-17.m4s",
           "k-1-0-17.m4s",
           "k-x1-0-17.m4s",
           "k-V1-0-17.m4s",
           "k-v1x-0-17.m4s",
           "k-v1-0-.m4s",
           "k-v1-0-17..m4s",
           "k-v1-0-.1.m4s",
           "k-v1-0-17.01.m4s",
           "k-v1-0-17.-1.m4s",
           "k-v1-0-17.1.1.m4s",
           "k-v1-17.m4s",
           "k-v1-17.3.m4s",
           "k-v1--17.m4s",
           "k-v1-04-17.m4s",
           "k-v1-i4-17.m4s",
           "k-v1-4.1-17.m4s",
           "k-v1-4-4-17.m4s",
           "k-v1-4-i17.m4s",
           "k-v1-+4-17.m4s",
           "k-v1-9007199254740993-17.m4s",
           "k-4-17.ts",
           "k-v1-4-17.ts",
           "k-v1-4-i4.mp4",
           "k-v1-4-17.mp4",
           "k-v1-i4.m4s",
           "k-v1-4.mp4",
           "k-v1-i.mp4",
           "k-v1-ii4.mp4",
           "k-v1-i04.mp4",
           "k-v1-i4.1.mp4",
           "k-v1-i4.mp4.mp4",
           "k-17.ts.ts",
       })
    EXPECT_FALSE(parse_media_name(text)) << text;
  EXPECT_FALSE(parse_media_name(std::string_view("k-1\0007.ts", 8)));
}

Window window(uint64_t first, size_t count) {
  std::vector<SegmentPtr> all;
  for (size_t i = 0; i < count; ++i) {
    auto s = std::make_shared<Segment>();
    s->number = first + i;
    all.push_back(std::move(s));
  }
  Window w;
  w.segments = std::make_shared<const std::vector<SegmentPtr>>(std::move(all));
  return w;
}

OpenSegment open_segment(uint64_t number, size_t parts) {
  OpenSegment o;
  o.number = number;
  o.parts.resize(parts, std::make_shared<const Part>());
  return o;
}

TEST(Window, FindsByNumber) {
  const Window w = window(100, 5000);
  ASSERT_TRUE(w.find(100));
  EXPECT_EQ((*w.find(100))->number, 100u);
  ASSERT_TRUE(w.find(5099));
  EXPECT_EQ((*w.find(5099))->number, 5099u);
  for (const uint64_t n : {uint64_t{0}, uint64_t{99}, uint64_t{5100}, UINT64_MAX})
    EXPECT_FALSE(w.find(n)) << n;
  EXPECT_FALSE(window(100, 0).find(100));
}

TEST(Window, KnowsWhatHasBeenSaid) {
  Window w = window(100, 3);
  struct {
    uint64_t number;
    size_t part;
    bool segment, has_part;
  } table[] = {
      {0, 0, true, true},      // long gone: nothing to wait for
      {102, 0, true, true},    //
      {102, 99, true, true},   // complete, so there will be no such part
      {103, 0, false, true},   //
      {103, 1, false, true},   //
      {103, 2, false, false},  //
      {104, 0, false, false},  //
  };
  w.open = open_segment(103, 2);
  for (const auto& row : table) {
    EXPECT_EQ(w.has_segment(row.number), row.segment) << row.number;
    EXPECT_EQ(w.has_part(row.number, row.part), row.has_part) << row.number << "." << row.part;
  }
  w.open.reset();
  EXPECT_TRUE(w.has_segment(102));
  EXPECT_FALSE(w.has_part(103, 0));
}

TEST(Window, MayBeginWithAnOpenSegment) {
  Window w = window(0, 0);
  EXPECT_TRUE(w.empty());
  EXPECT_FALSE(w.has_segment(0));
  w.open = open_segment(7, 0);
  EXPECT_TRUE(w.empty());
  EXPECT_TRUE(w.has_segment(6));
  EXPECT_FALSE(w.has_part(7, 0));
  w.open = open_segment(7, 1);
  EXPECT_FALSE(w.empty());
  EXPECT_TRUE(w.has_part(7, 0));
  EXPECT_FALSE(w.has_segment(7));
}

TEST(BitRate, RoundsUpAndSurvivesExtremes) {
  EXPECT_EQ(bit_rate(1, 1s), 8u);
  EXPECT_EQ(bit_rate(1, 3s), 3u);
  EXPECT_EQ(bit_rate(0, 3s), 0u);
  EXPECT_EQ(bit_rate(1, 0s), 0u);
  EXPECT_EQ(bit_rate(1, -1s), 0u);
  EXPECT_EQ(bit_rate(UINT64_MAX / 8, std::chrono::hours{24}), UINT64_MAX / 86400 + 1);
  EXPECT_EQ(bit_rate(UINT64_MAX, 1ns), UINT64_MAX);
}

}  // namespace
}  // namespace weir::segments
