// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/ingest.h"

#include "containers/flv/amf0.h"

namespace weir::rtmp {
namespace {

// How long the first packets wait for a track that was promised, or might come.
constexpr Time kMostHeld = 1s;
constexpr size_t kMostHeldPackets = 300;

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
  Bytes body = m.type == MessageType::data_amf3 ? flv::data_from_amf3_message(m.payload) : m.payload;
  auto out = demuxer_.read(type, clock_(m.timestamp), std::move(body));
  if (out.tracks_changed && announced_) publication_.announce(demuxer_.tracks());
  for (Packet& p : out.packets) {
    timeline_.place(p);
    if (announced_) {
      publication_.push(std::move(p));
    } else {
      held_.push_back(std::move(p));
    }
  }
  if (!announced_ && !held_.empty()) {
    const bool long_enough = held_.size() >= kMostHeldPackets ||
                             held_.back().dts - held_.front().dts >= kMostHeld;
    if (long_enough || tracks_complete()) release();
  }
}

void Ingest::release() {
  announced_ = true;
  publication_.announce(demuxer_.tracks());
  for (Packet& p : std::exchange(held_, {})) publication_.push(std::move(p));
}

void Ingest::end(hub::Ending how) {
  if (!announced_ && !held_.empty()) release();
  publication_.end(how);
}

}  // namespace weir::rtmp
