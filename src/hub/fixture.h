// Weir live-streaming server. MIT licence, see LICENSE.

// What hub tests share: cores on a manual clock, packets in one word, and a reader that collects
// events as text: "I1" for an info version, "K0@0" a keyframe of track 0 at 0 ms, "p0@40",
// "a64@21", "G5" a gap, "E".
#pragma once

#include <string>
#include <vector>

#include "hub/hub.h"
#include "net/task_group.h"

namespace weir::hub::testing {

inline constexpr TrackId kVideo{0}, kAudio{64};

inline std::vector<Track> video_and_audio() {
  Track v{kVideo, Codec::h264, Bytes::copy("avcC"), VideoParams{640, 360, 25}, {}};
  Track a{kAudio, Codec::aac, Bytes::copy("asc"), AudioParams{48000, 2}, {}};
  return {v, a};
}

inline std::vector<Track> audio_only() { return {video_and_audio()[1]}; }

inline Packet video(int ms, bool key, size_t size = 100) {
  Packet p;
  p.track = kVideo;
  p.dts = p.pts = std::chrono::milliseconds(ms);
  p.keyframe = key;
  p.payload = Bytes::take(std::vector<uint8_t>(size, static_cast<uint8_t>(ms)));
  return p;
}

inline Packet audio(int ms, size_t size = 10) {
  Packet p = video(ms, true, size);
  p.track = kAudio;
  return p;
}

inline PeerPtr peer(std::string protocol = "test") {
  auto p = std::make_shared<Peer>();
  p->protocol = std::move(protocol);
  p->id = next_peer_id();
  p->core = &net::Core::here();
  return p;
}

inline std::string text(const Event& e) {
  if (auto* i = std::get_if<StreamInfoPtr>(&e)) return "I" + std::to_string((*i)->version & 0xffff);
  if (auto* g = std::get_if<Gap>(&e)) return "G" + std::to_string(g->packets);
  if (std::holds_alternative<End>(e)) return "E";
  const Packet& p = *std::get<PacketPtr>(e);
  const char kind = p.track == kAudio ? 'a' : p.keyframe ? 'K' : 'p';
  return kind + std::to_string(p.dts / 1ms);
}

inline std::string drain(Subscription& s) {
  std::string out;
  while (auto e = s.try_next()) {
    out += (out.empty() ? "" : " ") + text(*e);
    if (std::holds_alternative<End>(*e)) break;
  }
  return out;
}

// Cores, a hub, and synchronous forms of its tasks.
struct World {
  explicit World(int count = 1, HubConfig config = {}) : cores(count, clock), hub(cores, config) {}

  template <class T>
  T wait(net::Task<T> task, int core = 0) {
    std::optional<T> out;
    net::TaskGroup group(cores[core]);
    cores[core].post([&] { group.spawn(keep(std::move(task), out)); });
    cores.run_until_idle();
    CHECK(out.has_value(), "the task finishes without time passing");
    return std::move(*out);
  }
  Publication publish(std::string name = "s", PeerPtr who = peer()) {
    return *wait(hub.publish(*make_stream_key("live", name), std::move(who)));
  }
  Subscription subscribe(std::string name = "s", SubscribeOptions o = {}) {
    return *wait(hub.subscribe(*make_stream_key("live", name), peer(), o));
  }

  ManualClock clock;
  net::Cores cores;
  Hub hub;

 private:
  template <class T>
  static net::Task<> keep(net::Task<T> task, std::optional<T>& out) {
    out.emplace(co_await task);
  }
};

}  // namespace weir::hub::testing
