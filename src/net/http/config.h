// Weir live-streaming server. MIT licence, see LICENSE.

// HttpConfig: the `http` section. A plain value; the server keeps the snapshot it started with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/config.h"

namespace weir::net::http {

struct HttpConfig {
  Endpoint listen{"0.0.0.0:8080"};
  std::vector<std::string> cors_origins{"*"};
  std::map<std::string, std::string> aliases;
  ByteSize max_header = kib(16);
  ByteSize max_body = mib(1);
  int max_connections = 100'000;
  Duration header_timeout = std::chrono::seconds{10};
  Duration idle_timeout = std::chrono::seconds{75};
  Duration write_timeout = std::chrono::seconds{30};

  bool operator==(const HttpConfig&) const = default;
};

void describe(Fields<HttpConfig>&);

}  // namespace weir::net::http
