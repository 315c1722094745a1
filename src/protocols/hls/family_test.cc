// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/family.h"

#include <gtest/gtest.h>

#include "hub/fixture.h"

namespace weir::hls {
namespace {

using hub::testing::World;

VariantRules rules(std::initializer_list<std::string_view> lines) {
  VariantRules r;
  for (const auto line : lines) r.push_back(*parse_variant(line));
  return r;
}

TEST(VariantRule, SuffixAndAttributes) {
  const auto plain = parse_variant("_low");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->suffix, "_low");
  EXPECT_TRUE(plain->attributes.empty());
  const auto full = parse_variant(
      "_hi  BANDWIDTH=2500000, CODECS=\"avc1.4d401f,mp4a.40.2\",NAME=\"a b\" SCORE=1.5");
  ASSERT_TRUE(full) << full.error().what;
  EXPECT_EQ(full->attributes, (std::vector<Attribute>{{"BANDWIDTH", "2500000"},
                                                      {"CODECS", "\"avc1.4d401f,mp4a.40.2\""},
                                                      {"NAME", "\"a b\""},
                                                      {"SCORE", "1.5"}}));
}

TEST(VariantRule, SaysWhatIsWrong) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", "a suffix must come first"},
      {" BANDWIDTH=1", "a suffix must come first"},
      {"_a/b", "\"_a/b\" cannot be part of a stream's name"},
      {"_a?b", "\"_a?b\" cannot be part of a stream's name"},
      {"_low BANDWIDTH", "expected NAME=value, not \"BANDWIDTH\""},
      {"_low =5", "expected NAME=value, not \"=5\""},
      {"_low bandwidth=5", "expected NAME=value, not \"bandwidth=5\""},
      {"_low BANDWIDTH=", "BANDWIDTH has no value"},
      {"_low BANDWIDTH= CODECS=x", "BANDWIDTH has no value"},
      {"_low CODECS=\"avc1", "CODECS: the quote is not closed"},
      {"_low CODECS=\"a\"b", "CODECS: text behind the quote"},
      {"_low A=1\n#EXT", "control characters"},
  };
  for (const auto& [line, why] : rows) {
    const auto rule = parse_variant(line);
    ASSERT_FALSE(rule) << line;
    EXPECT_EQ(rule.error().what, why) << line;
  }
}

TEST(Family, NamesInTheGivenOrderAndWhoseTheyAre) {
  const auto r = rules({"_low", "_hi", "_very_hi"});
  const auto names = family_names({"live", "foo", {}}, r);
  ASSERT_EQ(names.size(), 4u);
  EXPECT_EQ(names[0].name, "foo");
  EXPECT_EQ(names[1].name, "foo_low");
  EXPECT_EQ(names[3].name, "foo_very_hi");
  for (const auto& name : names) EXPECT_EQ(head_of_family(name, r).name, "foo");
  EXPECT_EQ(head_of_family({"live", "_low", {}}, r).name, "_low");  // nothing is before it
  EXPECT_EQ(head_of_family({"live", "foo_mid", {}}, r).name, "foo_mid");
  EXPECT_EQ(head_of_family({"live", "foo_hi", "720p"}, {}).name, "foo_hi");
}

TEST(Family, WhoIsThere) {
  World world;
  segments::Directory directory(world.cores);
  const auto publish = [&](StreamKey key) {
    world.cores[0].post([&, key] {
      auto view = std::make_shared<segments::View>();
      view->owner = 1;
      directory.publish(key, view);
    });
    world.cores.run_until_idle();
  };
  publish({"live", "foo_hi", {}});
  publish({"live", "foo", "720p"});
  publish({"live", "foo_low", {}});
  publish({"live", "other", {}});
  publish({"live", "foo", {}});
  const auto r = rules({"_low", "_mid", "_hi"});
  std::string seen;
  world.cores[0].post([&] {
    for (const auto& m : family(directory, {"live", "foo", {}}, r))
      seen += m.key.to_string() + (m.rule ? m.rule->suffix : "") + " ";
  });
  world.cores.run_until_idle();
  EXPECT_EQ(seen, "live/foo live/foo@720p live/foo_low_low live/foo_hi_hi ");
}

TEST(Family, HowPlaylistsNameEachOther) {
  const StreamKey foo{"live", "foo", {}}, small{"live", "foo", "720p"}, low{"live", "foo low", {}};
  EXPECT_EQ(playlist_uri(foo, foo, "v1", ""), "v1.m3u8");
  EXPECT_EQ(playlist_uri(foo, small, "v1", "?type=event"), "v1@720p.m3u8?type=event");
  EXPECT_EQ(playlist_uri(small, foo, "a1", ""), "a1.m3u8");
  EXPECT_EQ(playlist_uri(foo, low, "v1", ""), "../foo%20low/v1.m3u8");
  EXPECT_EQ(playlist_uri(low, small, "v1", ""), "../foo/v1@720p.m3u8");
}

TEST(Family, LaneNamesAreReadBack) {
  EXPECT_EQ(parse_lane_name("v1").lane, "v1");
  EXPECT_EQ(parse_lane_name("v1").rendition, "");
  EXPECT_EQ(parse_lane_name("a2@720p@60").lane, "a2");
  EXPECT_EQ(parse_lane_name("a2@720p@60").rendition, "720p@60");
  EXPECT_EQ(parse_lane_name("").lane, "");
}

}  // namespace
}  // namespace weir::hls
