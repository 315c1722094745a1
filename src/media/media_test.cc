// Weir live-streaming server. MIT licence, see LICENSE.
#include <gtest/gtest.h>

#include "media/stream_key.h"

namespace weir {
namespace {

TEST(StreamKey, GoodNames) {
  EXPECT_EQ(make_stream_key("live", "foo")->to_string(), "live/foo");
  EXPECT_EQ(make_stream_key("a/b", "foo.bar-1_2")->to_string(), "a/b/foo.bar-1_2");
}

TEST(StreamKey, HostileNames) {
  for (auto [app, name] :
       std::initializer_list<std::pair<const char*, const char*>>{{"", "x"},
                                                                  {"live", ""},
                                                                  {"live", ".."},
                                                                  {"..", "x"},
                                                                  {"a//b", "x"},
                                                                  {"live", "a/b"},
                                                                  {"live", "a\\b"},
                                                                  {"live", "a\nb"},
                                                                  {"live", "a%2f"},
                                                                  {"a/../b", "x"}})
    EXPECT_FALSE(make_stream_key(app, name)) << app << " " << name;
  EXPECT_FALSE(make_stream_key("live", std::string(256, 'x')));
}

}  // namespace
}  // namespace weir
