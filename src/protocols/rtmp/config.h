// Weir live-streaming server. MIT licence, see LICENSE.

// The `rtmp` section. A plain value; a session keeps the snapshot it began with.
#pragma once

#include "base/config.h"

namespace weir::rtmp {

struct Config {
  Endpoint listen{"0.0.0.0:1935"};
  int chunk_size = 60000;
  ByteSize max_message = mib(10);
  int max_connections = 20'000;
  int max_streams = 32;
  Duration handshake_timeout{std::chrono::seconds{10}};
  Duration ping{std::chrono::seconds{30}};
  Duration ping_timeout{std::chrono::seconds{30}};
  bool operator==(const Config&) const = default;
};
void describe(Fields<Config>&);

}  // namespace weir::rtmp
