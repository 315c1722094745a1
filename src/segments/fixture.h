// Weir live-streaming server. MIT licence, see LICENSE.

// Studio, for tests only: a hub and a library on cores with a manual clock, and a publisher of 25
// pictures a second with sound and a keyframe each second. Streams live on core 1 where there are
// two (who asks first is at home there), requests come to core 0. Used by the tests of every room
// that reads the library.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "containers/mpegts/fixture.h"
#include "hub/fixture.h"
#include "segments/library.h"

namespace weir::segments::testing {

using mpegts::fixture::aac_track;
using mpegts::fixture::h264_track;

inline std::vector<Track> picture_and_sound() { return {h264_track(), aac_track()}; }

struct Studio : hub::testing::World {
  explicit Studio(SegmentsConfig config = {}, hub::HubConfig hub_config = {}, int count = 2)
      : World(count, hub_config),
        library(hub, disk, std::make_shared<const SegmentsConfig>(std::move(config))),
        group(cores[0]),
        home(count - 1) {
    hub.observe(library);
  }
  ~Studio() {
    on(0, [this] {
      library.release_waiting();
      group.spawn(library.stop());
    });
    // Rewind files are removed by another thread: its last job may still be on the way.
    CHECK(eventually([this] { return group.running() == 0; }), "the library stops");
  }

  void on(int core, std::function<void()> f) {
    cores[core].post([f = std::move(f)] { f(); });
    cores.run_until_idle();
  }
  // For work that other threads do; what is on the cores needs no real time.
  bool eventually(const std::function<bool()>& what) {
    for (int i = 0; i < 500 && !what(); ++i) {
      std::this_thread::sleep_for(10ms);
      cores.run_until_idle();
    }
    return what();
  }
  hub::Publication publish(std::string name = "s", std::string rendition = {}) {
    auto who = std::make_shared<hub::Peer>();
    who->core = &cores[home];
    auto p = wait(hub.publish({"live", std::move(name), std::move(rendition)}, who), home);
    CHECK(p.has_value(), "the name is free");
    return *std::move(p);
  }
  // On the publisher's own timeline.
  void feed(hub::Publication& p, Time from, Time to, Time gop = 1s) {
    for (Time t = from; t < to; t += 40ms) {
      on(home, [&] {
        p.push(*mpegts::fixture::video(t, t, t % gop == 0ns));
        p.push(*mpegts::fixture::audio(t));
        p.flush();
      });
      cores.advance(40ms);
    }
  }
  void end(hub::Publication& p, hub::Ending how = hub::Ending::clean) {
    on(home, [&] { p.end(how); });
  }
  // As core 0 sees it.
  ViewPtr view(std::string name = "s") {
    ViewPtr found;
    on(0, [&] { found = library.directory().find({"live", std::move(name), {}}); });
    return found;
  }
  void demand(Demand what = Demand::cmaf, std::string name = "s") {
    on(0, [&] { library.demand({"live", std::move(name), {}}, what); });
  }

  net::BlockingPool disk{1};
  Library library;
  net::TaskGroup group;  // of requests, on core 0
  int home;
};

}  // namespace weir::segments::testing
