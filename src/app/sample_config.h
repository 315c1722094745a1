// Weir live-streaming server. MIT licence, see LICENSE.

// Two sections with one field of every kind, for the tests of this room only: the real sections
// change with their modules, these do not.
#pragma once

#include "base/config.h"

namespace weir::app::sample {

enum class Mode { slow, fast };

struct InputConfig {
  Endpoint listen{"0.0.0.0:1935"};
  int chunk_size{4096};
  Duration timeout{5s};
  DurationOrAuto merge;
  bool strict{false};
  bool operator==(const InputConfig&) const = default;
};
inline void describe(Fields<InputConfig>& f) {
  f.add("listen", &InputConfig::listen, "Where to listen; empty turns it off.");
  f.add("chunk_size", &InputConfig::chunk_size, "Chunk size in bytes.").range(128, 65536);
  f.add("timeout", &InputConfig::timeout, "How long to wait.").range(1s, 1min);
  f.add("merge", &InputConfig::merge, "Write merging.");
  f.add("strict", &InputConfig::strict, "Whether to be strict.");
  f.check([](const InputConfig& c) -> Result<void> {
    if (c.strict && c.listen.off) return fail(Code::limit, "strict needs listen");
    return {};
  });
}

struct StoreConfig {
  std::string path;
  ByteSize memory{mib(64)};
  Mode mode = Mode::slow;
  double share{0.5};
  std::string token;
  std::vector<std::string> routes{"/{app}/{stream}.flv"};
  std::map<std::string, std::string> headers;
  bool operator==(const StoreConfig&) const = default;
};
inline void describe(Fields<StoreConfig>& f) {
  f.add("path", &StoreConfig::path, "A folder | or nothing.");
  f.add("memory", &StoreConfig::memory, "A bound.");
  f.add("mode", &StoreConfig::mode, {{"slow", Mode::slow}, {"fast", Mode::fast}}, "How to go.");
  f.add("share", &StoreConfig::share, "A part.").range(0, 1);
  f.add("token", &StoreConfig::token, "A key.").secret();
  f.add("routes", &StoreConfig::routes, "Where to find it.");
  f.add("headers", &StoreConfig::headers, "What to add.");
}

inline ConfigSchema schema() {
  ConfigSchema s;
  s.section<InputConfig>("input", "Where it comes in.");
  s.section<StoreConfig>("store", "Where it is kept.");
  return s;
}

}  // namespace weir::app::sample
