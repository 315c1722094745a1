// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/ingest.h"

#include <algorithm>
#include <cstdlib>

#include "containers/flv/amf0.h"

namespace weir::rtmp {
namespace {

// How long the first packets wait for a track that was promised, or might come.
constexpr Time kMostHeld = 1s;
constexpr size_t kMostHeldPackets = 300, kMostHeldBytes = 4 << 20;
// Metadata is kept with every version of the tracks, by each reader's core: it has to be small.
constexpr size_t kMostData = 256 * 1024;
// Data whose time is further from the media's than this goes with the newest media.
constexpr Time kMostDataApart = 2s;

// Which kinds the publisher's onMetaData names.
struct Promise {
  bool known = false, audio = false, video = false;
};

Promise promise_of(const std::vector<Track>& tracks) {
  Promise p;
  for (const Track& t : tracks) {
    if (t.kind() != Kind::data || t.config.empty()) continue;
    const auto values = flv::read_all_amf0(t.config);
    if (!values || values->empty()) continue;
    p.audio = values->front().find("audiocodecid") != nullptr;
    p.video = values->front().find("videocodecid") != nullptr;
    p.known = p.audio || p.video;
  }
  return p;
}

}  // namespace

bool Ingest::tracks_complete() const {
  bool audio = false, video = false;
  for (const Track& t : demuxer_.tracks()) {
    audio |= t.kind() == Kind::audio;
    video |= t.kind() == Kind::video;
  }
  if (audio && video) return true;
  if (const Promise p = promise_of(demuxer_.tracks()); p.known)
    return (audio || !p.audio) && (video || !p.video);
  return false;
}

void Ingest::read(const Message& m) {
  const auto type = m.type == MessageType::audio   ? flv::TagType::audio
                    : m.type == MessageType::video ? flv::TagType::video
                                                   : flv::TagType::script;
  if (type == flv::TagType::script && m.payload.size() > kMostData) {
    ++oversized_;
    return;
  }
  Bytes body =
      m.type == MessageType::data_amf3 ? flv::data_from_amf3_message(m.payload) : m.payload;
  auto out = demuxer_.read(type, unwrapped(type, m.timestamp), std::move(body));
  if (out.tracks_changed) tracks_changed();
  for (Packet& p : out.packets) place(std::move(p));
  if (!announced_ && !held_.empty() && (held_enough() || tracks_complete())) release();
}

// Only media moves the clock on: many encoders stamp data with zero whatever the media's time is.
int64_t Ingest::unwrapped(flv::TagType type, uint32_t timestamp) {
  if (type != flv::TagType::script) {
    media_ms_ = clock_(timestamp);
    return *media_ms_;
  }
  if (!media_ms_) return timestamp;
  const int64_t apart = static_cast<int32_t>(timestamp - static_cast<uint32_t>(*media_ms_));
  return std::abs(apart) > kMostDataApart / 1ms ? *media_ms_ : *media_ms_ + apart;
}

void Ingest::tracks_changed() {
  if (announced_) {
    publication_.announce(demuxer_.tracks());
    return;
  }
  // Packets that are held go out under the configuration they came with.
  const bool outdated = std::ranges::any_of(held_, [this](const Packet& p) {
    const auto same = [&](const Track& t) { return t.id == p.track; };
    const auto now = std::ranges::find_if(demuxer_.tracks(), same);
    const auto before = std::ranges::find_if(tracks_, same);
    return now->codec != before->codec || now->config != before->config;
  });
  if (outdated) release();
  tracks_ = demuxer_.tracks();
  if (announced_) publication_.announce(tracks_);
}

void Ingest::place(Packet p) {
  timeline_.place(p);
  if (announced_) {
    publication_.push(std::move(p));
  } else {
    held_bytes_ += p.payload.size();
    held_.push_back(std::move(p));
  }
}

bool Ingest::held_enough() const {
  return held_.size() >= kMostHeldPackets || held_bytes_ >= kMostHeldBytes ||
         held_.back().dts - held_.front().dts >= kMostHeld;
}

void Ingest::release() {
  announced_ = true;
  publication_.announce(std::exchange(tracks_, {}));
  for (Packet& p : std::exchange(held_, {})) publication_.push(std::move(p));
}

void Ingest::end(hub::Ending how) {
  if (!announced_ && !held_.empty()) release();
  publication_.end(how);
}

}  // namespace weir::rtmp
