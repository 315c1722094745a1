// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/low_latency.h"

#include <cstdio>
#include <vector>

#include "load/console.h"
#include "load/player.h"

namespace weir::bench {
namespace {

struct Viewer {
  Viewer(Loop& loop, Traffic& traffic, Lane& video, Lane& audio)
      : picture(loop, traffic, video), sound(loop, traffic, audio) {}
  bool settled() const { return picture.settled() && sound.settled(); }
  bool ended() const { return picture.ended() || sound.ended(); }

  Player picture, sound;
};

class Audience {
 public:
  Audience(const Address& server, const std::string& path, size_t count)
      : server_(server),
        video_(path, "v1", server.host, Lane::Kind::timed),
        audio_(path, "a1", server.host, Lane::Kind::untimed),
        count_(count) {}

  void connect(Loop& loop) {
    while (viewers_.size() < count_ && viewers_.size() - at_work() < kAtOnce) {
      const size_t i = viewers_.size();
      viewers_.push_back(std::make_unique<Viewer>(loop, traffic_, video_, audio_));
      viewers_[i]->picture.start(server_, source_of(2 * i));
      viewers_[i]->sound.start(server_, source_of(2 * i));
    }
  }
  bool complete() { return at_work() == count_; }

  // Rates are from one report to the next; so are the quantiles and who was behind.
  void report(const char* event) {
    const Time now = monotonic();
    uint64_t playlists = 0, parts = 0;
    size_t behind = 0, ended = 0;
    for (const auto& v : viewers_) {
      playlists += v->picture.playlists() + v->sound.playlists();
      parts += v->picture.parts() + v->sound.parts();
      // Both are asked: each forgets.
      const bool picture = v->picture.take_behind(now), sound = v->sound.take_behind(now);
      behind += picture || sound;
      ended += v->ended();
    }
    std::printf(R"({"event":"%s","at":%.6f,"bytes":%lu,"requests":%lu,"playlists":%lu,"parts":%lu,)"
                R"("born":%zu,"behind":%zu,"ended":%zu,"playlist_ms":%s,"part_ms":%s,"why":"%s"})"
                "\n",
                event, ms(now) / 1e3, traffic_.bytes, traffic_.answers, playlists, parts,
                video_.end() + audio_.end(), behind, ended,
                quantiles(video_.playlist_latency).c_str(), quantiles(video_.part_latency).c_str(),
                traffic_.why.c_str());
    std::fflush(stdout);
    video_.playlist_latency.clear();
    video_.part_latency.clear();
  }

 private:
  // Viewers that have had media, or never will.
  size_t at_work() {
    while (at_work_ < viewers_.size() &&
           (viewers_[at_work_]->settled() || viewers_[at_work_]->ended()))
      ++at_work_;
    return at_work_;
  }

  Address server_;
  Lane video_, audio_;
  size_t count_, at_work_ = 0;
  Traffic traffic_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
};

void report(const char* event, Waiters& waiters, Lane& lane, const Traffic& timekeeper) {
  RoundFigures& f = waiters.figures();
  const Traffic& t = waiters.traffic();
  std::printf(
      R"({"event":"%s","at":%.6f,"bytes":%lu,"requests":%lu,"rounds":%zu,"left_out":%zu,)"
      R"("ended":%zu,"p50":%.3f,"p99":%.3f,"last":%.3f,"worst":%.3f,"bystander_ms":%s,"why":"%s"})"
      "\n",
      event, ms(monotonic()) / 1e3, t.bytes, t.answers, f.last.count(), f.left_out,
      t.ended + timekeeper.ended, ms(f.p50.quantile(.5)), ms(f.p99.quantile(.5)),
      ms(f.last.quantile(.5)), ms(f.last.quantile(1)), quantiles(lane.playlist_latency).c_str(),
      (t.ended > 0 ? t.why : timekeeper.why).c_str());
  std::fflush(stdout);
  f = {};
  lane.playlist_latency.clear();
}

}  // namespace

int watch_low_latency(const Address& server, const std::string& path, size_t count) {
  Loop loop;
  Commands commands(loop);
  Audience audience(server, path, count);
  bool told = false;
  while (!commands.quit()) {
    audience.connect(loop);
    if (!told && audience.complete()) {
      told = true;
      audience.report("settled");
    }
    look(loop, told ? Looking::coarse : Looking::sleeping);
    if (commands.take_mark()) audience.report("mark");
  }
  return 0;
}

int wait_together(const Address& server, const std::string& path, size_t count, WaitFor what) {
  Loop loop;
  Commands commands(loop);
  Lane lane(path, "v1", server.host, Lane::Kind::timed);
  Traffic own;
  Player timekeeper(loop, own, lane);
  timekeeper.start(server, source_of(0));
  Waiters waiters(loop, server, lane, what, count);
  bool told = false;
  while (!commands.quit()) {
    waiters.go_on(timekeeper);
    const bool over = own.ended + waiters.traffic().ended > 0;
    if (!told && (over || (waiters.ready() && waiters.figures().last.count() > 0))) {
      told = true;
      report("settled", waiters, lane, own);
    }
    look(loop, Looking::coarse);
    if (commands.take_mark()) report("mark", waiters, lane, own);
  }
  return 0;
}

}  // namespace weir::bench
