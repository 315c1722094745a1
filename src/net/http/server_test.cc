// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/server.h"

#include <latch>

#include "net/http/client.h"
#include "net/http/server_fixture.h"
#include "net/http/websocket.h"

namespace weir::net::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Task<Response> when(Signal& signal, int status) {
  co_await signal.wait();
  co_return Response::text(status, "text/plain", "late");
}

class ServeTest : public ServerTest {
 protected:
  ServeTest() {
    const std::string list = "#EXTM3U\n" + std::string(500, '#');
    list_ = make_content("application/vnd.apple.mpegurl", Bytes::copy(list),
                         {.etag = "v7", .gzip = gzip(as_bytes(list))});
    plain_ =
        make_content("video/mp2t", {Bytes::copy("0123"), Bytes::copy("45"), Bytes::copy("6789")},
                     {.cache_control = kImmutable, .etag = "seg"});
    router_->get("/list", [this](Request&) { return Response(list_); });
    router_->get("/seg", [this](Request&) { return Response(plain_); });
    router_->get("/late", [this](Request&) { return when(signal_, 200); });
    router_->get("/{app...}/{stream}/who", [](Request& r) {
      return Response::text(200, "text/plain",
                            std::string(r.param("app")) + "|" + std::string(r.param("stream")) +
                                "|" + r.query_param("q").value_or("-") + "|" +
                                std::string(r.peer_address));
    });
    router_->post("/echo", [](Request& r) {
      return Response::text(201, std::string(r.header("content-type")), std::string(r.body.text()));
    });
  }
  ContentPtr list_, plain_;
  Signal signal_{cores_[0]};
};

TEST_F(ServeTest, AnswersWithWhatEveryAnswerHas) {
  const std::string a = get("/seg");
  EXPECT_THAT(a, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(header_of(a, "Server"), "weir");
  EXPECT_EQ(header_of(a, "Date"), "Sun, 15 Jun 2025 15:06:41 GMT");
  EXPECT_EQ(header_of(a, "Content-Type"), "video/mp2t");
  EXPECT_EQ(header_of(a, "Content-Length"), "10");
  EXPECT_EQ(header_of(a, "Cache-Control"), std::string(kImmutable));
  EXPECT_EQ(header_of(a, "ETag"), "\"seg\"");
  EXPECT_EQ(header_of(a, "Accept-Ranges"), "bytes");
  EXPECT_EQ(header_of(a, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header_of(a, "Connection"), "-");
  EXPECT_EQ(header_of(a, "Vary"), "-");
  EXPECT_EQ(body_of(a), "0123456789");
  cores_.advance(61s);
  EXPECT_EQ(header_of(get("/seg"), "Date"), "Sun, 15 Jun 2025 15:07:42 GMT");
}

TEST_F(ServeTest, RoutesWithParametersQueryAndPeer) {
  EXPECT_EQ(body_of(get("/a/b%20c/foo/who?q=x%26y")), "a/b c|foo|x&y|127.0.0.1");
}

TEST_F(ServeTest, AliasesFromConfiguration) {
  config_->aliases = {{"/w/{s}", "/live/{s}/who"}};
  EXPECT_EQ(body_of(get("/w/foo?q=1")), "live|foo|1|127.0.0.1");
}

TEST_F(ServeTest, RefusesUnknownPathsMethodsAndBadTargets) {
  const std::string missing = get("/nothing");
  EXPECT_EQ(status_of(missing), 404);
  EXPECT_EQ(body_of(missing), "404 Not Found: nothing is served at this path\n");
  EXPECT_EQ(header_of(missing, "ETag"), "-");
  const std::string wrong = ask("DELETE /seg HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_of(wrong), 405);
  EXPECT_EQ(header_of(wrong, "Allow"), "GET, HEAD, OPTIONS");
  for (const char* bad : {"/../x", "/%zz", "/a%00", "/a\\b", "nopath", "*"}) {
    const std::string a = get(bad);
    EXPECT_EQ(status_of(a), std::string_view(bad) == "*" ? 404 : 400) << bad;
  }
  EXPECT_EQ(status_of(ask("BREW /seg HTTP/1.1\r\nHost: x\r\n\r\n")), 405);
  EXPECT_EQ(status_of(ask("GET http://other/seg HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
}

TEST_F(ServeTest, HeadHasNoBody) {
  const std::string a = ask("HEAD /seg HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_of(a), 200);
  EXPECT_EQ(header_of(a, "Content-Length"), "10");
  EXPECT_EQ(body_of(a), "");
}

TEST_F(ServeTest, Ranges) {
  const std::string part = get("/seg", "Range: bytes=3-6\r\n");
  EXPECT_EQ(status_of(part), 206);
  EXPECT_EQ(header_of(part, "Content-Range"), "bytes 3-6/10");
  EXPECT_EQ(header_of(part, "Content-Length"), "4");
  EXPECT_EQ(body_of(part), "3456");
  EXPECT_EQ(body_of(get("/seg", "Range: bytes=-4\r\n")), "6789");
  EXPECT_EQ(body_of(get("/seg", "Range: bytes=4-\r\n")), "456789");
  const std::string past = get("/seg", "Range: bytes=10-\r\n");
  EXPECT_EQ(status_of(past), 416);
  EXPECT_EQ(header_of(past, "Content-Range"), "bytes */10");
  EXPECT_EQ(status_of(get("/seg", "Range: bytes=0-1,4-5\r\n")), 200);
  EXPECT_EQ(status_of(get("/seg", "Range: bytes=0-1\r\nIf-Range: \"seg\"\r\n")), 206);
  EXPECT_EQ(status_of(get("/seg", "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n")), 200);
  EXPECT_EQ(
      status_of(get("/seg", "Range: bytes=0-1\r\nIf-Range: Sun, 15 Jun 2025 15:06:41 GMT\r\n")),
      200);
  const std::string head = ask("HEAD /seg HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n");
  EXPECT_EQ(status_of(head), 200) << "RFC 9110 14.2: Range is for GET";
}

TEST_F(ServeTest, ConditionsAndGzip) {
  const std::string packed = get("/list", "Accept-Encoding: gzip, br\r\n");
  EXPECT_EQ(header_of(packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(header_of(packed, "ETag"), "\"v7-gzip\"");
  EXPECT_EQ(header_of(packed, "Vary"), "Accept-Encoding");
  EXPECT_EQ(body_of(packed), list_->gzip().text());
  const std::string plain = get("/list", "Accept-Encoding: gzip;q=0\r\n");
  EXPECT_EQ(header_of(plain, "Content-Encoding"), "-");
  EXPECT_EQ(header_of(plain, "Vary"), "Accept-Encoding");
  EXPECT_EQ(body_of(plain).size(), list_->size());
  for (const char* known : {"\"v7\"", "\"v7-gzip\"", "W/\"v7\"", "\"v6\", \"v7\"", "*"}) {
    const std::string same = get("/list", std::string("If-None-Match: ") + known + "\r\n");
    EXPECT_EQ(status_of(same), 304) << known;
    EXPECT_EQ(header_of(same, "ETag"), "\"v7\"");
    EXPECT_EQ(header_of(same, "Content-Length"), "-");
    EXPECT_EQ(header_of(same, "Cache-Control"), "no-cache");
    EXPECT_EQ(body_of(same), "");
  }
  EXPECT_EQ(status_of(get("/list", "If-None-Match: \"v8\"\r\n")), 200);
  EXPECT_EQ(
      header_of(get("/list", "Range: bytes=0-1\r\nAccept-Encoding: gzip\r\n"), "Content-Encoding"),
      "-");
}

TEST_F(ServeTest, CorsForEveryOrigin) {
  const std::string preflight =
      ask("OPTIONS /seg HTTP/1.1\r\nHost: x\r\nOrigin: https://p\r\nAccess-Control-Request-Method: "
          "GET\r\n\r\n");
  EXPECT_EQ(status_of(preflight), 204);
  EXPECT_EQ(header_of(preflight, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header_of(preflight, "Access-Control-Allow-Methods"), "GET, HEAD, OPTIONS");
  EXPECT_THAT(header_of(preflight, "Access-Control-Allow-Headers"), HasSubstr("Authorization"));
  EXPECT_THAT(header_of(preflight, "Access-Control-Allow-Headers"), HasSubstr("Range"));
  EXPECT_EQ(header_of(preflight, "Access-Control-Max-Age"), "86400");
  EXPECT_EQ(header_of(preflight, "Content-Length"), "-");
  EXPECT_EQ(body_of(preflight), "");
  EXPECT_THAT(header_of(get("/seg"), "Access-Control-Expose-Headers"), HasSubstr("Content-Range"));
  EXPECT_EQ(header_of(get("/nothing"), "Access-Control-Allow-Origin"), "*") << "errors too";
  const std::string plain = ask("OPTIONS /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_of(plain), 204);
  EXPECT_EQ(header_of(plain, "Allow"), "POST, OPTIONS");
  EXPECT_EQ(header_of(plain, "Access-Control-Allow-Methods"), "-");
  EXPECT_EQ(status_of(ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")), 204);
  EXPECT_EQ(status_of(ask("OPTIONS /nothing HTTP/1.1\r\nHost: x\r\n\r\n")), 404);
}

TEST_F(ServeTest, CorsForSomeOrigins) {
  config_->cors_origins = {"https://a", "https://b"};
  const std::string yes = get("/seg", "Origin: https://b\r\n");
  EXPECT_EQ(header_of(yes, "Access-Control-Allow-Origin"), "https://b");
  EXPECT_EQ(header_of(yes, "Vary"), "Origin");
  const std::string no = get("/seg", "Origin: https://c\r\n");
  EXPECT_EQ(header_of(no, "Access-Control-Allow-Origin"), "-");
  EXPECT_EQ(header_of(no, "Vary"), "Origin");
  EXPECT_EQ(header_of(get("/seg"), "Access-Control-Allow-Origin"), "-");
}

TEST_F(ServeTest, CorsOff) {
  config_->cors_origins = {};
  EXPECT_THAT(get("/seg", "Origin: https://b\r\n"), Not(HasSubstr("Access-Control")));
  EXPECT_THAT(ask("OPTIONS /seg HTTP/1.1\r\nHost: x\r\nOrigin: https://p\r\n"
                  "Access-Control-Request-Method: GET\r\n\r\n"),
              Not(HasSubstr("Access-Control")));
}

TEST_F(ServeTest, KeepsAliveAsAsked) {
  Peer& p = connect();
  for (int i = 0; i < 3; ++i) {
    say(p, "GET /seg HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(status_of(hear(p)), 200);
    EXPECT_FALSE(p.closed);
  }
  say(p, "GET /seg HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(header_of(hear(p), "Connection"), "close");
  EXPECT_TRUE(p.closed);

  Peer& old = connect();
  say(old, "GET /seg HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(header_of(hear(old), "Connection"), "keep-alive");
  EXPECT_FALSE(old.closed);
  say(old, "GET /seg HTTP/1.0\r\n\r\n");
  EXPECT_EQ(header_of(hear(old), "Connection"), "close");
  EXPECT_TRUE(old.closed);
}

TEST_F(ServeTest, PipelinedRequestsAreAnsweredInOrder) {
  Peer& p = connect();
  const std::string one = "GET /a/1/who HTTP/1.1\r\nHost: x\r\n\r\n";
  say(p, one + "GET /late HTTP/1.1\r\nHost: x\r\n\r\n" +
             "GET /a/3/who HTTP/1.1\r\nHost: x\r\n\r\nGET /a/4");
  const std::string first = hear(p);
  EXPECT_THAT(body_of(first), StartsWith("a|1|"));
  EXPECT_THAT(first, Not(HasSubstr("a|3|"))) << "not before the late one";
  signal_.notify();
  const std::string rest = hear(p);
  EXPECT_THAT(rest, HasSubstr("late"));
  EXPECT_LT(rest.find("late"), rest.find("a|3|"));
  say(p, "/who HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(hear(p), HasSubstr("a|4|"));
}

TEST_F(ServeTest, ManyPipelinedRequests) {
  Peer& p = connect();
  std::string all;
  for (int i = 0; i < 1000; ++i)
    all += "GET /a/" + std::to_string(i) + "/who HTTP/1.1\r\nHost: x\r\n\r\n";
  say(p, all);
  const std::string heard = hear(p);
  size_t at = 0;
  for (int i = 0; i < 1000; ++i) {
    at = heard.find("a|" + std::to_string(i) + "|", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_EQ(server().counters().requests.value(), 1000u);
}

TEST_F(ServeTest, BodiesOfBothKinds) {
  Peer& p = connect();
  say(p, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhel");
  EXPECT_EQ(hear(p), "");
  say(p,
      "loPOST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: c/d\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nab");
  const std::string first = hear(p);
  EXPECT_EQ(status_of(first), 201);
  EXPECT_EQ(header_of(first, "Content-Type"), "a/b");
  EXPECT_EQ(body_of(first), "hello");
  say(p, "c\r\n0\r\n\r\nGET /seg HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string rest = hear(p);
  EXPECT_EQ(header_of(rest.substr(0, rest.find("abc") + 3), "Content-Type"), "c/d")
      << "views survive while the body comes";
  EXPECT_THAT(body_of(rest), StartsWith("abcHTTP/1.1 200 OK"));
}

TEST_F(ServeTest, ALargeBody) {
  Peer& p = connect();
  const std::string body(900'000, 'b');
  say(p, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + body);
  EXPECT_EQ(body_of(hear(p)), body);
}

TEST_F(ServeTest, ExpectContinue) {
  Peer& p = connect();
  const std::string head =
      " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  say(p, "POST /echo" + head);
  EXPECT_EQ(hear(p), "HTTP/1.1 100 Continue\r\n\r\n");
  say(p, "hi");
  EXPECT_EQ(body_of(hear(p)), "hi");
  say(p, "POST /nothing" + head);
  EXPECT_EQ(status_of(hear(p)), 404) << "refused before its body comes";
  EXPECT_EQ(status_of(ask("POST /echo" + head + "hi")), 201)
      << "already there: no need to ask for it";
}

TEST_F(ServeTest, ConfigDescribesItself) {
  ConfigSchema schema;
  schema.section<HttpConfig>("http", "The HTTP server.");
  ConfigDraft draft(schema);
  EXPECT_TRUE(
      draft.set("http", "aliases", std::map<std::string, std::string>{{"/a/{x}", "/b/{x}"}}));
  EXPECT_TRUE(draft.check().empty());
  EXPECT_TRUE(
      draft.set("http", "aliases", std::map<std::string, std::string>{{"/a/{x}", "/b/{y}"}}));
  ASSERT_EQ(draft.check().size(), 1u);
  EXPECT_THAT(draft.check()[0].what, HasSubstr("{y}"));
  EXPECT_FALSE(draft.set("http", "max_header", std::string("10")));
}

Task<> fetch_from(Core& core, uint16_t port, int& status, std::string& body) {
  auto client = co_await Client::dial(core, "127.0.0.1", port);
  if (!client) co_return;
  auto answer = co_await (*client)->fetch({.target = "/seg"});
  if (!answer) co_return;
  status = answer->status;
  body = answer->body.text();
}

Task<> start_on(Server& server, Result<>& out) { out = co_await server.start(); }

TEST_F(ServeTest, OverTcp) {
  config_->listen = Endpoint("127.0.0.1", 0);
  Result<> started = fail(Code::internal, "not yet");
  group_.spawn(start_on(server(), started));
  cores_.run_until_idle();
  ASSERT_TRUE(started) << started.error().what;
  EXPECT_NE(server().port(), 0);
  int status = 0;
  std::string body;
  group_.spawn(fetch_from(cores_[0], server().port(), status, body));
  for (int i = 0; i < 10000 && status == 0; ++i) cores_.run_until_idle();
  EXPECT_EQ(status, 200);
  EXPECT_EQ(body, "0123456789");
  EXPECT_EQ(server().counters().accepted.value(), 1u);
  EXPECT_GT(server().counters().bytes_out.value(), 100u);
}

TEST_F(ServeTest, TwoCoresShareAPort) {
  Cores cores(2, clock_);
  config_->listen = Endpoint("localhost", 0);
  Server server(cores, router_, config_);
  TaskGroup group(cores[0]);
  Result<> started = fail(Code::internal, "not yet");
  group.spawn(start_on(server, started));
  cores.run_until_idle();
  ASSERT_TRUE(started) << started.error().what;
  int good = 0;
  for (int i = 0; i < 20; ++i) {
    int status = 0;
    std::string body;
    group.spawn(fetch_from(cores[0], server.port(), status, body));
    for (int k = 0; k < 10000 && status == 0; ++k) cores.run_until_idle();
    good += status == 200;
  }
  EXPECT_EQ(good, 20);
  group.spawn(server.stop());
  for (int k = 0; k < 10000 && group.running(); ++k) cores.run_until_idle();
  EXPECT_EQ(group.running(), 0u);
}

TEST_F(ServeTest, StartSaysWhatIsWrong) {
  config_->listen = Endpoint("300.0.0.1:80");
  Result<> started;
  group_.spawn(start_on(server(), started));
  cores_.run_until_idle();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().what, HasSubstr("300.0.0.1"));
}

TEST_F(ServeTest, OffListensNowhere) {
  config_->listen = Endpoint("off");
  Result<> started = fail(Code::internal, "not yet");
  group_.spawn(start_on(server(), started));
  cores_.run_until_idle();
  EXPECT_TRUE(started);
  EXPECT_EQ(server().port(), 0);
}

Task<> ask_from_both(Cores& cores, Server& server, int& good, std::latch& done) {
  const Result<> started = co_await server.start();
  for (int i = 0; started && i < 40; ++i) {
    co_await on(cores[i % 2]);
    int status = 0;
    std::string body;
    co_await fetch_from(cores[i % 2], server.port(), status, body);
    good += status == 200;
  }
  co_await on(cores[0]);
  co_await server.stop();
  done.count_down();
}

TEST(ServerThreads, TwoCoresServeAndStop) {
  auto router = std::make_shared<Router>();
  const ContentPtr content = make_content("a/b", Bytes::copy("x"));
  router->get("/seg", [content](Request&) { return Response(content); });
  auto config = std::make_shared<HttpConfig>();
  config->listen = Endpoint("127.0.0.1:0");
  int good = 0;
  std::latch done(1), freed(1);
  std::optional<TaskGroup> group;
  Cores cores(2);
  Server server(cores, router, config);
  cores[0].post([&] {
    group.emplace(cores[0]);
    group->spawn(ask_from_both(cores, server, good, done));
  });
  done.wait();
  cores[0].post([&] {
    group.reset();
    freed.count_down();
  });
  freed.wait();
  EXPECT_EQ(good, 40);
}

}  // namespace
}  // namespace weir::net::http
