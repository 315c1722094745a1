// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/target.h"

#include <gtest/gtest.h>

namespace weir::net::http {
namespace {

TEST(Target, Splits) {
  struct Row {
    const char *target, *path, *query;
  };
  for (const Row& r : {Row{"/", "/", ""}, Row{"/a/b", "/a/b", ""}, Row{"/a?b=c", "/a", "b=c"},
                       Row{"/a?", "/a", ""}, Row{"/a?b?c", "/a", "b?c"}, Row{"*", "*", ""},
                       Row{"http://host/a?b", "/a", "b"}, Row{"http://host:8080", "/", ""},
                       Row{"HTTPS://host?b", "/", "b"}}) {
    const auto t = split_target(r.target);
    ASSERT_TRUE(t) << r.target;
    EXPECT_EQ(t->path, r.path) << r.target;
    EXPECT_EQ(t->query, r.query) << r.target;
  }
  for (const char* bad : {"", "a", "host:80", "/a#b", "?a"}) EXPECT_FALSE(split_target(bad)) << bad;
}

TEST(Path, NormalisesWithoutTouchingPlainOnes) {
  std::string storage;
  const std::string_view plain = "/live/foo-1_2~.x/index.m3u8";
  const auto same = normalise_path(plain, storage);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->data(), plain.data());
  struct Row {
    const char *raw, *path;
  };
  for (const Row& r : {Row{"/a%20b", "/a b"}, Row{"/%41", "/A"}, Row{"//a///b", "/a/b"},
                       Row{"/a/", "/a/"}, Row{"/a%2Fb", "/a/b"}, Row{"/%e2%82%ac", "/\xe2\x82\xac"},
                       Row{"/.well-known/x", "/.well-known/x"}, Row{"/a..b", "/a..b"},
                       Row{"/...", "/..."}, Row{"/a+b", "/a+b"}, Row{"*", "*"}}) {
    const auto p = normalise_path(r.raw, storage);
    ASSERT_TRUE(p) << r.raw;
    EXPECT_EQ(*p, r.path) << r.raw;
  }
}

TEST(Path, RefusesTraversalAndNonsense) {
  std::string storage;
  for (const std::string& bad : {std::string("/.."),         std::string("/../etc"),
                                 std::string("/a/../b"),     std::string("/a/.."),
                                 std::string("/%2e%2e/x"),   std::string("/a/%2E./x"),
                                 std::string("/a%2f..%2fb"), std::string("/./a"),
                                 std::string("/a/."),        std::string("/a\\b"),
                                 std::string("/a%5cb"),      std::string("/a%00b"),
                                 std::string("/a%0ab"),      std::string("/a%7f"),
                                 std::string("/a\tb"),       std::string("/%"),
                                 std::string("/%4"),         std::string("/%zz"),
                                 std::string("/%-1"),        std::string("/a%"),
                                 std::string("/%%41"),       std::string()})
    EXPECT_FALSE(normalise_path(bad, storage)) << bad;
}

TEST(Path, EncodesAndDecodes) {
  const std::string odd = "/live/a b/\xe2\x82\xac%?#";
  EXPECT_EQ(percent_encode_path(odd), "/live/a%20b/%E2%82%AC%25%3F%23");
  EXPECT_EQ(percent_decode(percent_encode_path(odd), Plus::literal), odd);
  EXPECT_EQ(percent_decode("a+b", Plus::space), "a b");
  EXPECT_EQ(percent_decode("a+b", Plus::literal), "a+b");
}

TEST(Query, FindsTheFirst) {
  const std::string_view q = "a=1&b&c=&a=2&d=x%20y+z&%65=5&f=%zz&&g=1=2";
  EXPECT_EQ(find_query_param(q, "a"), "1");
  EXPECT_EQ(find_query_param(q, "b"), "");
  EXPECT_EQ(find_query_param(q, "c"), "");
  EXPECT_EQ(find_query_param(q, "d"), "x y z");
  EXPECT_EQ(find_query_param(q, "e"), "5");
  EXPECT_EQ(find_query_param(q, "f"), "%zz");
  EXPECT_EQ(find_query_param(q, "g"), "1=2");
  EXPECT_EQ(find_query_param(q, "h"), std::nullopt);
  EXPECT_EQ(find_query_param("", "a"), std::nullopt);
  EXPECT_EQ(find_query_param("&&=&", "a"), std::nullopt);
}

}  // namespace
}  // namespace weir::net::http
