// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/parser.h"

#include <gmock/gmock.h>

namespace weir::net::http {
namespace {

using State = RequestParser::State;
using testing::HasSubstr;

struct Parsed {
  State state;
  int status = 0;
  std::string why;
  size_t left = 0;
  Request request;
};

// Feeds `text` in pieces of `step` bytes, as a connection does: the head always from its start.
Parsed parse(const std::string& text, size_t step = SIZE_MAX, ParserLimits limits = {}) {
  static RequestParser parser;  // reused, as a connection does
  static std::string stays;     // what the views point into
  stays = text;
  Parsed out;
  parser.start(out.request, limits);
  size_t begin = 0, end = 0;
  while (end < stays.size() && parser.state() != State::done && parser.state() != State::failed) {
    end += std::min(step, stays.size() - end);
    while (const size_t used =
               parser.feed(as_bytes(std::string_view(stays).substr(begin, end - begin))))
      begin += used;
  }
  out.state = parser.state();
  out.status = parser.status();
  out.why = parser.why();
  out.left = stays.size() - begin;
  return out;
}

TEST(RequestParser, ReadsAHead) {
  const auto p = parse("GET /a/b?c=d HTTP/1.1\r\nHost: x\r\nX-One:  two \r\nEmpty:\r\n\r\n");
  ASSERT_EQ(p.state, State::done);
  EXPECT_EQ(p.request.method, Method::get);
  EXPECT_EQ(p.request.target, "/a/b?c=d");
  EXPECT_EQ(p.request.version, 11);
  EXPECT_TRUE(p.request.keep_alive);
  EXPECT_EQ(p.request.header("x-ONE"), "two");
  EXPECT_EQ(p.request.headers.size(), 3u);
  EXPECT_EQ(p.request.header("empty"), "");
}

TEST(RequestParser, KeepAliveByVersionAndConnection) {
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").request.keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").request.keep_alive);
  EXPECT_FALSE(
      parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, close\r\n\r\n").request.keep_alive);
}

TEST(RequestParser, LeavesWhatFollows) {
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2").left, 6u);
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET").left, 3u);
}

TEST(RequestParser, ReadsBodies) {
  const auto plain = parse("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_EQ(plain.state, State::done);
  EXPECT_EQ(plain.request.body.text(), "hello");
  const auto chunked = parse(
      "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4;ext=1\r\nWiki\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nrest");
  ASSERT_EQ(chunked.state, State::done) << chunked.why;
  EXPECT_EQ(chunked.request.body.text(), "Wiki0123456789");
  EXPECT_EQ(chunked.request.header("Trailer"), "");
  EXPECT_EQ(chunked.left, 4u);
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").state, State::done);
}

TEST(RequestParser, AnySplitGivesTheSame) {
  const std::string text =
      "\r\nPOST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
  for (size_t step = 1; step <= text.size(); ++step) {
    const auto p = parse(text, step);
    ASSERT_EQ(p.state, State::done) << step << " " << p.why;
    EXPECT_EQ(p.request.body.text(), "abc0123456789abcdef") << step;
    EXPECT_EQ(p.request.target, "/x") << step;
  }
}

TEST(RequestParser, WaitsForMore) {
  const std::string text = "GET /abc HTTP/1.1\r\nHost: x\r\n\r\n";
  for (size_t n = 0; n < text.size(); ++n)
    EXPECT_EQ(parse(text.substr(0, n), 1).state, State::head) << n;
}

struct Refused {
  const char* name;
  std::string text;
  int status;
  const char* why;
};

class RefusedRequests : public testing::TestWithParam<Refused> {};

TEST_P(RefusedRequests, SayWhatIsWrong) {
  for (const size_t step : {SIZE_MAX, size_t{1}}) {
    const auto p = parse(GetParam().text, step);
    EXPECT_EQ(p.state, State::failed);
    EXPECT_EQ(p.status, GetParam().status) << p.why;
    EXPECT_THAT(p.why, HasSubstr(GetParam().why));
  }
}

std::string with(const std::string& lines) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedRequests,
    testing::Values(
        Refused{"BothLengths", with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400,
                ""},
        Refused{"BothLengthsOtherWay", with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
                400, ""},
        Refused{"TwoLengths", with("Content-Length: 3\r\nContent-Length: 4\r\n"), 400, ""},
        Refused{"TwoEqualLengths", with("Content-Length: 3\r\nContent-Length: 3\r\n"), 400,
                "Content-Length"},
        Refused{"LengthList", with("Content-Length: 3, 4\r\n"), 400, ""},
        Refused{"NegativeLength", with("Content-Length: -1\r\n"), 400, ""},
        Refused{"PlusLength", with("Content-Length: +3\r\n"), 400, ""},
        Refused{"HugeLength", with("Content-Length: 99999999999999999999999\r\n"), 400, ""},
        Refused{"LongLength", with("Content-Length: 1048577\r\n"), 413, "1048576"},
        Refused{"OddCoding", with("Transfer-Encoding: gzip, chunked\r\n"), 501, "chunked"},
        Refused{"ChunkedTwice",
                with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400,
                "Transfer-Encoding"},
        Refused{"ChunkedInOld", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                "HTTP/1.0"},
        Refused{"NoHost", "GET / HTTP/1.1\r\n\r\n", 400, "Host"},
        Refused{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "Host"},
        Refused{"BareLf", "GET / HTTP/1.1\nHost: x\n\n", 400, "CRLF"},
        Refused{"BareLfInside", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400, "CRLF"},
        Refused{"BareCr", "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400, ""},
        Refused{"Folded", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400, "folded"},
        Refused{"FoldedByTab", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n", 400, "folded"},
        Refused{"SpaceBeforeColon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, ""},
        Refused{"NoColon", "GET / HTTP/1.1\r\nHost\r\n\r\n", 400, ""},
        Refused{"NulInValue", std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29), 400, ""},
        Refused{"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 505, ""},
        Refused{"Version2", "PRI * HTTP/2.0\r\n\r\n", 505, "HTTP/1.1"},
        Refused{"Version09", "GET /\r\n\r\n", 400, ""},
        Refused{"Tls", "\x16\x03\x01\x02\r\n\r\n", 400, ""},
        Refused{"OtherExpectation", with("Expect: wonders\r\n"), 417, "100-continue"},
        Refused{"BadChunk", with("Transfer-Encoding: chunked\r\n") + "xyz\r\n", 400, "body"},
        Refused{"ChunkWithoutEnd", with("Transfer-Encoding: chunked\r\n") + "3\r\nabcdef\r\n", 400,
                "body"},
        Refused{"HugeChunk", with("Transfer-Encoding: chunked\r\n") + "ffffffffffffffff\r\n", 413,
                "body"},
        Refused{"OverflowingChunk",
                with("Transfer-Encoding: chunked\r\n") + "1ffffffffffffffff0\r\n", 400, "body"},
        Refused{"LengthInTrailer",
                with("Transfer-Encoding: chunked\r\n") + "0\r\nContent-Length: 3\r\n\r\n", 400,
                "body"}),
    [](const auto& info) { return info.param.name; });

TEST(RequestParser, Limits) {
  const std::string long_line = "GET /" + std::string(20000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_EQ(parse(long_line, 1000).status, 414);
  const std::string long_head =
      "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(20000, 'a') + "\r\n\r\n";
  EXPECT_EQ(parse(long_head, 1000).status, 431);
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 100; ++i) many += "A: b\r\n";
  EXPECT_EQ(parse(many + "\r\n").status, 431);
  EXPECT_EQ(parse(many + "\r\n", SIZE_MAX, {.fields = 101}).state, State::done);
}

TEST(RequestParser, ChunksAddUpToTheLimit) {
  std::string text = with("Transfer-Encoding: chunked\r\n");
  for (int i = 0; i < 11; ++i) text += "a\r\n0123456789\r\n";
  const auto p = parse(text, 7, {.body = 100});
  EXPECT_EQ(p.state, State::failed);
  EXPECT_EQ(p.status, 413);
  const auto ext =
      parse(with("Transfer-Encoding: chunked\r\n") + "1;" + std::string(20000, 'x'), 999);
  EXPECT_EQ(ext.status, 400);
}

TEST(RequestParser, SeesExpectation) {
  RequestParser parser;
  Request r;
  parser.start(r, {});
  const std::string text = with("Content-Length: 3\r\nExpect: 100-Continue\r\n");
  EXPECT_EQ(parser.feed(as_bytes(text)), text.size());
  EXPECT_EQ(parser.state(), State::body);
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_EQ(parser.feed(as_bytes("abc")), 3u);
  EXPECT_EQ(parser.state(), State::done);
}

}  // namespace
}  // namespace weir::net::http
