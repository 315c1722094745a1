// Weir live-streaming server. MIT licence, see LICENSE.
// Contents, gzip, static files, and the small parts of writing a response.
#include "net/http/content.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include "net/core.h"
#include "net/http/gzip.h"
#include "net/http/response_writer.h"
#include "net/http/static_files.h"
#include "net/memory_stream.h"

namespace weir::net::http {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Content, TellsVersionsApart) {
  const auto a = make_content("a/b", Bytes::copy("one"));
  EXPECT_EQ(a->etag(), make_content("a/b", Bytes::copy("one"))->etag());
  EXPECT_NE(a->etag(), make_content("a/b", Bytes::copy("two"))->etag());
  EXPECT_NE(a->etag(), make_content("a/b", Bytes::copy("one "))->etag());
  EXPECT_EQ(a->etag().front(), '"');
  EXPECT_EQ(make_content("a/b", Bytes::copy("one"), {.etag = "x"})->etag(), "\"x\"");
}

TEST(Content, RendersItsLinesOnce) {
  const auto c =
      make_content("a/b", Bytes::copy("hello"), {.cache_control = cache_for(5), .etag = "x"});
  EXPECT_EQ(c->full_lines(),
            "Content-Type: a/b\r\nCache-Control: public, max-age=5\r\nETag: \"x\"\r\n"
            "Accept-Ranges: bytes\r\nContent-Length: 5\r\n");
  EXPECT_EQ(c->gzip_lines(), "");
  const auto none = make_content("", Bytes(), {.cache_control = ""});
  EXPECT_EQ(none->common_lines(), "");
  EXPECT_EQ(none->size(), 0u);
}

std::string gunzip(ByteSpan in) {
  std::string out(1 << 20, 0);
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
  z.next_in = const_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  std::vector<Bytef> to(1 << 20);
  z.next_out = to.data();
  z.avail_out = static_cast<uInt>(to.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  out.assign(to.begin(), to.begin() + static_cast<ptrdiff_t>(z.total_out));
  inflateEnd(&z);
  return out;
}

TEST(Gzip, ComesBackTheSame) {
  for (const size_t n : {0u, 1u, 100u, 4096u, 4097u, 500'000u}) {
    std::string text;
    while (text.size() < n) text += "#EXTINF:2.000,\nseg-" + std::to_string(text.size()) + ".ts\n";
    text.resize(n);
    for (const int level : {1, 6, 9}) {
      const Bytes packed = gzip(as_bytes(text), level);
      EXPECT_EQ(gunzip(packed), text) << n << " " << level;
      if (n > 1000) EXPECT_LT(packed.size(), n / 2);
    }
  }
}

TEST(Output, RefersToBodiesAndSurvivesPartialWrites) {
  ManualClock clock;
  Cores cores(1, clock);
  auto [a, b] = memory_pair(cores[0], 7);
  Output out;
  const auto content =
      make_content("a/b", {Bytes::copy("abcd"), Bytes::copy(""), Bytes::copy("efghij")}, {});
  out.text() += "head1:";
  out.body(content);
  out.text() += "head2:";
  out.body_part(content, 3, 4);
  out.bytes(Bytes::copy("!"));
  std::string got;
  std::array<uint8_t, 5> buffer;
  while (!out.empty()) {
    const Io w = out.write_some(*a);
    EXPECT_NE(w.status, Io::Status::failed);
    for (Io r; (r = b->try_read(buffer)).status == Io::Status::ok;)
      got += Bytes::copy(ByteSpan(buffer).first(r.count)).text();
  }
  EXPECT_EQ(got, "head1:abcdefghijhead2:defg!");
  out.text() += "again";
  EXPECT_EQ(out.write_some(*a).count, 5u);
  EXPECT_TRUE(out.empty());
}

TEST(ResponseWriter, Dates) {  // RFC 9110 5.6.7
  const auto at = [](int64_t s) { return WallTime(std::chrono::seconds(s)); };
  EXPECT_EQ(http_date(at(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(at(1709164800)), "Thu, 29 Feb 2024 00:00:00 GMT");
  EXPECT_EQ(http_date(at(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(ResponseWriter, ChunkHeads) {
  EXPECT_EQ(chunk_head(0), "0\r\n");
  EXPECT_EQ(chunk_head(10), "a\r\n");
  EXPECT_EQ(chunk_head(0x1a2b3c), "1a2b3c\r\n");
  EXPECT_EQ(chunk_head(SIZE_MAX), "ffffffffffffffff\r\n");
}

std::string write(const Request& r, Response response, bool keep_alive = true) {
  ResponseWriter writer({"*"});
  Output out;
  writer.write(r, response, keep_alive, WallTime(1s), out);
  return out.text();
}

TEST(ResponseWriter, StatusesWithoutABodyHaveNoLength) {
  EXPECT_THAT(write({}, Response(204)), Not(HasSubstr("\r\nContent-Length")));
  EXPECT_THAT(write({}, Response(200)), HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(write({}, Response(404)), HasSubstr("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(write({}, Response(599)), HasSubstr("HTTP/1.1 599 Unknown\r\n"));
  EXPECT_THAT(write({}, Response::redirect("/x")), HasSubstr("\r\nLocation: /x\r\n"));
}

TEST(ResponseWriter, ErrorsAreNeverRangesOr304) {
  Request r;
  r.headers = {{"Range", "bytes=0-1"}, {"If-None-Match", "*"}};
  EXPECT_THAT(write(r, Response::error(403, "no")), HasSubstr("HTTP/1.1 403 Forbidden\r\n"));
  r.method = Method::post;
  EXPECT_THAT(write(r, Response(make_content("a/b", Bytes::copy("x")))),
              HasSubstr("HTTP/1.1 200 OK\r\n"));
}

TEST(StaticFiles, ServesTheTable) {
  const std::string page = "<!doctype html>", script = "x()";
  const Bytes packed = gzip(as_bytes(script));
  const StaticFile files[] = {
      {"/index.html", "text/html", "", as_bytes(page), {}},
      {"/help/index.html", "text/html", "h", as_bytes(page), {}},
      {"/app.js", "text/javascript", "j", as_bytes(script), packed.span(), kImmutable}};
  Router router;
  add_static_files(router, files);
  const auto ask = [&router](std::string_view path) -> ContentPtr {
    Request r;
    r.path = path;
    const auto match = router.find(r);
    return match.handler ? match.handler->sync(r).content : nullptr;
  };
  EXPECT_EQ(ask("/"), ask("/index.html"));
  EXPECT_EQ(ask("/help/"), ask("/help/index.html"));
  EXPECT_EQ(ask("/nothing"), nullptr);
  const ContentPtr js = ask("/app.js");
  ASSERT_TRUE(js);
  EXPECT_EQ(js->body()[0].text().data(), script.data()) << "not copied";
  EXPECT_EQ(js->gzip(), packed);
  EXPECT_EQ(js->etag(), "\"j\"");
  EXPECT_THAT(js->full_lines(), HasSubstr("immutable"));
}

TEST(Message, MethodsAndHeaderLists) {
  for (const Method m : {Method::get, Method::head, Method::post, Method::put, Method::patch,
                         Method::remove, Method::options})
    EXPECT_EQ(method_from(to_string(m)), m);
  EXPECT_EQ(method_from("get"), Method::other) << "methods are case-sensitive";
  EXPECT_EQ(method_from("OTHER"), Method::other);
  Request r;
  r.headers = {{"Connection", "a, Upgrade ,b"}, {"connection", "keep-alive"}};
  EXPECT_TRUE(r.header_has("CONNECTION", "upgrade"));
  EXPECT_TRUE(r.header_has("Connection", "keep-alive"));
  EXPECT_FALSE(r.header_has("Connection", "up"));
  EXPECT_FALSE(r.header_has("Other", "a"));
}

}  // namespace
}  // namespace weir::net::http
