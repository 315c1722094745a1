// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/config.h"

#include "net/http/router.h"

namespace weir::net::http {

void describe(Fields<HttpConfig>& f) {
  f.add("listen", &HttpConfig::listen, "Where to accept HTTP; empty turns it off.");
  f.add("cors_origins", &HttpConfig::cors_origins,
        "Origins of web pages that may read answers; * is every origin, an empty list none.");
  f.add("aliases", &HttpConfig::aliases,
        "More addresses for what is served, as templates: \"/hls/{stream}.m3u8\": "
        "\"/live/{stream}/index.m3u8\". {name} is part of one path segment, {name...} one or more "
        "segments.");
  f.add("max_header", &HttpConfig::max_header, "Largest request line and headers together.")
      .range(kib(1), kib(256));
  f.add("max_body", &HttpConfig::max_body, "Largest request body.").range(kib(1), gib(1));
  f.add("max_connections", &HttpConfig::max_connections,
        "Connections at a time; one more is answered 503. Long-lived ones that were handed to "
        "players do not count.")
      .range(1, 10'000'000);
  f.add("header_timeout", &HttpConfig::header_timeout,
        "Time in which a request must arrive; a body gets more as it comes in, at 1 KiB/s or "
        "faster.")
      .range(Duration{100}, std::chrono::hours{1});
  f.add("idle_timeout", &HttpConfig::idle_timeout,
        "How long a connection is kept open between requests.")
      .range(Duration{100}, std::chrono::hours{24});
  f.add("write_timeout", &HttpConfig::write_timeout,
        "How long a peer may take nothing of its answer, or less than 1 KiB/s, before it is cut "
        "off.")
      .range(Duration{100}, std::chrono::hours{1});
  f.check([](const HttpConfig& c) -> Result<void> {
    Router router;
    for (const auto& [from, to] : c.aliases)
      if (auto ok = router.add_alias(from, to); !ok)
        return fail(std::move(ok.error()).in("aliases"));
    return {};
  });
}

}  // namespace weir::net::http
