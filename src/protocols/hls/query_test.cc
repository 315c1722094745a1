// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/query.h"

#include <gtest/gtest.h>

namespace weir::hls {
namespace {

TEST(Query, WhatPlayersSend) {
  struct Row {
    std::string_view text;
    Query expected;
  };
  const Row rows[] = {
      {"", {}},
      {"_HLS_msn=17", {.msn = 17}},
      {"_HLS_msn=17&_HLS_part=3", {.msn = 17, .part = 3}},
      {"_HLS_part=0&_HLS_skip=YES&_HLS_msn=0", {.msn = 0, .part = 0, .skip = true}},
      {"_HLS_skip=v2", {.skip = true}},
      {"_HLS_skip=NO", {}},
      {"_HLS_skip=yes", {}},  // enumerated strings are exact
      {"type=event&_HLS_msn=5", {.msn = 5, .type = PlaylistType::event}},
      {"type=live", {.type = PlaylistType::live}},
      {"type=vod&token=x", {}},
      {"_HLS_new=1&_HLS_msn=2", {.msn = 2}},
      {"_HLS_msn=%31%37", {.msn = 17}},
      {"_HLS_msn=18446744073709551615", {.msn = UINT64_MAX}},
      {"_HLS_msn=007", {.msn = 7}},
  };
  for (const auto& row : rows) {
    const auto q = parse_query(row.text);
    ASSERT_TRUE(q) << row.text << ": " << q.error().what;
    EXPECT_EQ(*q, row.expected) << row.text;
  }
}

TEST(Query, WhatDeservesA400) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"_HLS_part=1", "_HLS_part without _HLS_msn"},
      {"_HLS_msn=", "_HLS_msn is not a decimal number"},
      {"_HLS_msn", "_HLS_msn is not a decimal number"},
      {"_HLS_msn=-1", "_HLS_msn is not a decimal number"},
      {"_HLS_msn=+1", "_HLS_msn is not a decimal number"},
      {"_HLS_msn=1.5", "_HLS_msn is not a decimal number"},
      {"_HLS_msn=0x10", "_HLS_msn is not a decimal number"},
      {"_HLS_msn=abc&_HLS_part=1", "_HLS_msn is not a decimal number"},
      {"_HLS_msn=18446744073709551616", "_HLS_msn is too large"},
      {"_HLS_msn=1&_HLS_part=99999999999999999999999", "_HLS_part is too large"},
      {"_HLS_msn=1&_HLS_part=x", "_HLS_part is not a decimal number"},
      {"_HLS_msn=0000000000000000000001", "_HLS_msn is not a decimal number"},
      {"_HLS_msn=%zz", "_HLS_msn is not a decimal number"},
  };
  for (const auto& [text, why] : rows) {
    const auto q = parse_query(text);
    ASSERT_FALSE(q) << text;
    EXPECT_EQ(q.error().code, Code::protocol);
    EXPECT_EQ(q.error().what, why) << text;
  }
}

TEST(Query, TheFormIsHandedOnAndNothingElse) {
  EXPECT_EQ(handed_on(*parse_query("_HLS_msn=1&type=event")), "?type=event");
  EXPECT_EQ(handed_on(*parse_query("type=live")), "?type=live");
  EXPECT_EQ(handed_on(*parse_query("_HLS_skip=YES")), "");
}

}  // namespace
}  // namespace weir::hls
