// Weir live-streaming server. MIT licence, see LICENSE.

// A server with nothing behind it, to hold against nginx: `net_http_bench_server PORT FILE` answers
// every
// /{app...}/{stream}/index.m3u8 with the file's bytes, from one core, until it is killed.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "net/http/gzip.h"
#include "net/http/server.h"
#include "net/task_group.h"

namespace weir::net::http {
namespace {

Task<> start(Server& server, bool& failed) {
  const auto started = co_await server.start();
  failed = !started;
  if (failed) std::fprintf(stderr, "%s\n", started.error().what.c_str());
}

int serve(const char* port, const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const ContentPtr content = make_content("application/vnd.apple.mpegurl", Bytes::copy(text),
                                          {.gzip = gzip(as_bytes(text))});
  auto router = std::make_shared<Router>();
  router->get("/{app...}/{stream}/index.m3u8", [content](Request&) { return Response(content); });
  router->get("/{app...}/{stream}.flv",
              [](Request&) { return Response::error(404, "no such stream"); });
  auto config = std::make_shared<HttpConfig>();
  config->listen = Endpoint("127.0.0.1", static_cast<uint16_t>(std::atoi(port)));
  Cores cores(1);
  Server server(cores, router, config);
  TaskGroup group(cores[0]);
  bool failed = false;
  cores[0].post([&] { group.spawn(start(server, failed)); });
  while (!failed) std::this_thread::sleep_for(std::chrono::seconds(1));
  return 1;
}

}  // namespace
}  // namespace weir::net::http

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: %s PORT FILE\n", argv[0]), 2;
  return weir::net::http::serve(argv[1], argv[2]);
}
