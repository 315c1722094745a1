// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/router.h"

#include <gmock/gmock.h>

namespace weir::net::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A route whose answer's status tells which one it was.
void add(Router& r, std::string_view route, int status, Method m = Method::get) {
  r.add(m, route, [status](Request&) { return Response(status); });
}

struct Found {
  int status = 0;
  std::string app, stream;
  std::vector<Method> allow;
};

Found ask(const Router& router, std::string_view path, Method m = Method::get) {
  Request r;
  r.method = m;
  r.path = path;
  const auto match = router.find(r);
  Found f{0, std::string(r.param("app")), std::string(r.param("stream")), match.allow};
  if (match.handler) f.status = match.handler->sync(r).status;
  return f;
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    // In an order that shows that it does not matter.
    add(router_, "/{app...}/{stream}", 1);
    add(router_, "/{app...}/{stream}/index.m3u8", 2);
    add(router_, "/{app...}/{stream}/{name}.ts", 3);
    add(router_, "/{app...}/{stream}.flv", 4);
    add(router_, "/", 5);
    add(router_, "/api/v1/streams", 6);
    add(router_, "/api/v1/streams", 7, Method::post);
    add(router_, "/api/v1/streams/{app...}/{stream}", 8, Method::remove);
    add(router_, "/assets/app.js", 9);
    add(router_, "/api/{what}", 10);
    add(router_, "/{app...}/{stream}/seg-{name}.m4s", 11);
  }
  Router router_;
};

TEST_F(RouterTest, TheMoreExactWins) {
  EXPECT_EQ(ask(router_, "/").status, 5);
  EXPECT_EQ(ask(router_, "/live/foo").status, 1);
  EXPECT_EQ(ask(router_, "/live/foo/").status, 1);
  EXPECT_EQ(ask(router_, "/live/foo/index.m3u8").status, 2);
  EXPECT_EQ(ask(router_, "/live/foo/12.ts").status, 3);
  EXPECT_EQ(ask(router_, "/live/foo.flv").status, 4);
  EXPECT_EQ(ask(router_, "/api/v1/streams").status, 6);
  EXPECT_EQ(ask(router_, "/api/v1/streams", Method::post).status, 7);
  EXPECT_EQ(ask(router_, "/assets/app.js").status, 9);
  EXPECT_EQ(ask(router_, "/api/x").status, 10);
  EXPECT_EQ(ask(router_, "/live/foo/seg-12.m4s").status, 11);
  EXPECT_EQ(ask(router_, "/live").status, 0);
}

TEST_F(RouterTest, AppsMayHoldSlashes) {
  const auto deep = ask(router_, "/a/b/c/foo/index.m3u8");
  EXPECT_EQ(deep.status, 2);
  EXPECT_EQ(deep.app, "a/b/c");
  EXPECT_EQ(deep.stream, "foo");
  const auto flv = ask(router_, "/a/b/foo.flv");
  EXPECT_EQ(flv.app, "a/b");
  EXPECT_EQ(flv.stream, "foo");
  const auto very = ask(router_, "/1/2/3/4/5/6/7/8/9/10/x.flv");
  EXPECT_EQ(very.app, "1/2/3/4/5/6/7/8/9/10");
  EXPECT_EQ(ask(router_, "/live/.flv").status, 1) << "a name is never empty";
}

TEST_F(RouterTest, MethodsAndAllow) {
  EXPECT_EQ(ask(router_, "/live/foo", Method::head).status, 1);
  const auto wrong = ask(router_, "/api/v1/streams", Method::put);
  EXPECT_EQ(wrong.status, 0);
  EXPECT_THAT(wrong.allow, ElementsAre(Method::get, Method::head, Method::post, Method::options));
  EXPECT_EQ(ask(router_, "/api/v1/streams/live/foo", Method::remove).status, 8);
  const auto get = ask(router_, "/api/v1/streams/live/foo");
  EXPECT_EQ(get.status, 0) << "the watch page does not answer for a path of the API";
  EXPECT_THAT(get.allow, ElementsAre(Method::remove, Method::options));
  EXPECT_THAT(ask(router_, "/live", Method::post).allow, IsEmpty());
  EXPECT_THAT(ask(router_, "/live/foo", Method::other).allow,
              ElementsAre(Method::get, Method::head, Method::options));
  EXPECT_THAT(router_.methods("/nowhere"), IsEmpty());
}

TEST_F(RouterTest, OneTemplateTwoNames) {
  add(router_, "/{a...}/{s}", 20, Method::post);
  EXPECT_EQ(ask(router_, "/live/foo", Method::post).status, 20);
  EXPECT_EQ(ask(router_, "/live/foo").status, 1);
  EXPECT_THAT(ask(router_, "/live/foo", Method::put).allow,
              ElementsAre(Method::get, Method::head, Method::post, Method::options));
}

Task<Response> later(int status) { co_return Response(status); }

TEST(Router, KnowsAsyncHandlers) {
  Router router;
  router.get("/a", [](Request&) { return later(7); });
  router.get("/b", [](Request&) { return Response(8); });
  Request r;
  r.path = "/a";
  EXPECT_TRUE(router.find(r).handler->async);
  EXPECT_FALSE(router.find(r).handler->sync);
  r.path = "/b";
  EXPECT_TRUE(router.find(r).handler->sync);
}

TEST_F(RouterTest, AliasesRewrite) {
  ASSERT_TRUE(router_.add_alias("/hls/{stream}.m3u8", "/live/{stream}/index.m3u8"));
  ASSERT_TRUE(router_.add_alias("/{stream}/index.m3u8", "/live/{stream}/index.m3u8"));
  ASSERT_TRUE(router_.add_alias("/tv/{a...}/{s}", "/{a...}/{s}.flv"));
  ASSERT_TRUE(router_.add_alias("/home", "/"));
  std::string storage;
  EXPECT_EQ(router_.rewrite("/hls/foo.m3u8", storage), "/live/foo/index.m3u8");
  EXPECT_EQ(router_.rewrite("/foo/index.m3u8", storage), "/live/foo/index.m3u8");
  EXPECT_EQ(router_.rewrite("/tv/a/b/c", storage), "/a/b/c.flv");
  EXPECT_EQ(router_.rewrite("/home", storage), "/");
  const std::string_view other = "/live/foo/index.m3u8";
  EXPECT_EQ(router_.rewrite(other, storage).data(), other.data());
}

TEST(RouteTemplate, RefusesNonsense) {
  for (const char* bad : {"", "a", "//", "/a//b", "/{a", "/a}", "/{}", "/{a}{b}", "/{...}",
                          "/x{a...}", "/{a...}/{b...}", "/{a}/{a}", "/}{", "/{{a}}"})
    EXPECT_FALSE(RouteTemplate::parse(bad)) << bad;
  for (const char* good : {"/", "/a", "/a/", "/{a}", "/{a...}", "/{a...}/b", "/x-{a}.y/{b...}/{c}"})
    EXPECT_TRUE(RouteTemplate::parse(good)) << good;
}

TEST(RouteTemplate, AliasTargetsMustBeFillable) {
  Router router;
  const auto missing = router.add_alias("/a/{x}", "/b/{y}");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().what, testing::HasSubstr("{y}"));
  EXPECT_FALSE(router.add_alias("a", "/b"));
  EXPECT_FALSE(router.add_alias("/a", "b"));
}

}  // namespace
}  // namespace weir::net::http
