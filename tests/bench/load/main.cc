// Weir live-streaming server. MIT licence, see LICENSE.

// weir-load: the load of `./dev bench`.
//   weir-load publish CLIP HOST:PORT /app/name
//   weir-load flv|rtmp|http COUNT HOST:PORT PATH
//       COUNT viewers at once; `idle` behind it: no media is expected. Writes a line when all have
//       settled, and one for each "mark" it reads; "quit" or the end of its input ends it
//   weir-load join flv|rtmp COUNT HOST:PORT PATH
//       COUNT viewers, one after the other, each up to a keyframe
//   weir-load ll COUNT HOST:PORT /app/name
//       COUNT low-latency HLS viewers, each of every playlist and part of v1 and a1; told and
//       telling as above
//   weir-load wait COUNT HOST:PORT /app/name [bytes]
//       COUNT requests at a time that all wait for the next part of v1: for the playlist that names
//       it, or for its bytes; told and telling as above
// All that it writes are JSON objects, one on a line.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "load/clip.h"
#include "load/console.h"
#include "load/loop.h"
#include "load/low_latency.h"
#include "load/publisher.h"
#include "load/viewer.h"

namespace weir::bench {
namespace {

constexpr Time kJoinPause = 20ms;

using Viewers = std::vector<std::unique_ptr<Viewer>>;

// The fewest bytes that a viewer got since the last report shows whether all were served.
class Report {
 public:
  void write(const char* event, const Viewers& viewers, Totals& t) {
    before_.resize(viewers.size());
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < viewers.size(); ++i) {
      least = std::min(least, viewers[i]->bytes() - before_[i]);
      before_[i] = viewers[i]->bytes();
    }
    std::printf(
        R"({"event":"%s","at":%.6f,"bytes":%lu,"messages":%lu,"settled":%zu,"ended":%zu,"least":%lu,)"
        R"("latency_ms":%s,"join_ms":%s,"why":"%s"})"
        "\n",
        event, ms(monotonic()) / 1e3, t.bytes, t.messages, t.settled, t.ended,
        viewers.empty() ? 0 : least, quantiles(t.latency).c_str(), quantiles(t.join).c_str(),
        t.why.c_str());
    std::fflush(stdout);
    t.latency.clear();
  }

 private:
  std::vector<uint64_t> before_;
};

int watch(const Target& target, size_t count, Looking how) {
  Loop loop;
  Commands commands(loop);
  Totals totals;
  Report report;
  Viewers viewers;
  bool told = false;
  while (!commands.quit()) {
    while (viewers.size() < count && viewers.size() - totals.settled - totals.ended < kAtOnce) {
      viewers.push_back(std::make_unique<Viewer>(loop, target, totals));
      viewers.back()->start(source_of(viewers.size() - 1));
    }
    if (!told && totals.settled + totals.ended >= count) {
      told = true;
      report.write("settled", viewers, totals);
    }
    look(loop, told ? how : Looking::sleeping);
    if (commands.take_mark()) report.write("mark", viewers, totals);
  }
  return 0;
}

int join(const Target& target, size_t count) {
  Loop loop;
  Totals totals;
  Report report;
  Viewers viewers;
  for (size_t i = 0; i < count; ++i) {
    viewers.push_back(std::make_unique<Viewer>(loop, target, totals));
    Viewer& v = *viewers.back();
    v.start(source_of(i));
    const Time patience = monotonic() + 10s;
    while (!v.joined() && !v.ended() && monotonic() < patience) loop.turn(100ms);
    v.close();
    // Primes against the frame rate: joins fall anywhere between two frames.
    for (const Time until = monotonic() + kJoinPause + Time{i % 7 * 1'300'000};
         monotonic() < until;)
      loop.turn(until - monotonic());
  }
  report.write("joined", viewers, totals);
  return 0;
}

int publish_clip(char** argument) {
  const auto clip = read_clip(argument[0]);
  const auto server = split_address(argument[1]);
  if (!clip || !server) {
    std::fprintf(stderr, "%s\n", (clip ? server.error() : clip.error()).what.c_str());
    return 2;
  }
  const Error e = publish(*server, argument[2], *clip, [] {
    std::puts(R"({"event":"publishing"})");
    std::fflush(stdout);
  });
  std::fprintf(stderr, "publish: %s\n", e.what.c_str());
  return 1;
}

int low_latency(int argc, char** argv) {
  const auto server = split_address(argv[3]);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().what.c_str());
    return 2;
  }
  const auto count = static_cast<size_t>(std::atol(argv[2]));
  if (std::string_view(argv[1]) == "ll") return watch_low_latency(*server, argv[4], count);
  const bool bytes = argc > 5 && std::string_view(argv[5]) == "bytes";
  return wait_together(*server, argv[4], count, bytes ? WaitFor::bytes : WaitFor::playlist);
}

std::optional<Target::Kind> kind_of(std::string_view name) {
  if (name == "flv") return Target::Kind::flv;
  if (name == "rtmp") return Target::Kind::rtmp;
  if (name == "http") return Target::Kind::http;
  return std::nullopt;
}

int main(int argc, char** argv) {
  raise_file_limit();
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "publish" && argc == 5) return publish_clip(argv + 2);
  if ((verb == "ll" || verb == "wait") && argc >= 5) return low_latency(argc, argv);
  const int first = verb == "join" ? 2 : 1;
  const auto kind = argc > first ? kind_of(argv[first]) : std::nullopt;
  if (!kind || argc < first + 4) {
    std::fputs("usage: see the top of tests/bench/load/main.cc\n", stderr);
    return 2;
  }
  const auto server = split_address(argv[first + 2]);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().what.c_str());
    return 2;
  }
  const std::string_view how = argc > first + 4 ? argv[first + 4] : "";
  const Target target{*kind, *server, argv[first + 3], how != "idle"};
  const auto count = static_cast<size_t>(std::atol(argv[first + 1]));
  return verb == "join"
             ? join(target, count)
             : watch(target, count, how == "coarse" ? Looking::coarse : Looking::sleeping);
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) { return weir::bench::main(argc, argv); }
