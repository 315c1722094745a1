// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/bytes.h"
#include "base/check.h"
#include "net/http/negotiate.h"
#include "net/http/router.h"
#include "net/http/target.h"

using namespace weir::net::http;

namespace {

void path_and_query(std::string_view text) {
  const auto target = split_target(text);
  if (!target) return;
  std::string storage, again;
  const auto path = normalise_path(target->path, storage);
  if (path) {
    CHECK(path->find("/../") == std::string_view::npos && !path->ends_with("/.."), "no way up");
    CHECK(path->find('\0') == std::string_view::npos, "no NUL");
    CHECK(path->find("//") == std::string_view::npos, "no empty segment");
    const std::string encoded = percent_encode_path(*path);
    const auto back = normalise_path(encoded, again);
    CHECK(back && *back == *path, "encoding and normalising gives the same path");
  }
  (void)find_query_param(target->query, "a");
}

void routes(std::string_view route, std::string_view path) {
  const auto t = RouteTemplate::parse(route);
  if (!t) return;
  std::vector<HeaderView> params;
  std::string storage;
  const auto normal = normalise_path(path, storage);
  if (!normal || !t->match(*normal, params)) return;
  std::vector<HeaderView> again;
  const std::string filled = t->fill(params);
  CHECK(t->match(filled, again) && again.size() == params.size(), "what it filled it matches");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = weir::Bytes::view(nullptr, {data, size}).text();
  path_and_query(text);
  accepts_gzip(text);
  etag_listed(text, "\"a\"");
  for (const uint64_t n : {uint64_t{0}, uint64_t{1}, uint64_t{1000}, UINT64_MAX}) {
    const Range r = parse_range(text, n);
    if (r.kind == Range::Kind::part)
      CHECK(r.count > 0 && r.first < n && r.count <= n - r.first, "a part lies within");
  }
  const size_t split = text.find('\n');
  if (split != std::string_view::npos) routes(text.substr(0, split), text.substr(split + 1));
  return 0;
}
