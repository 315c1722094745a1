// Weir live-streaming server. MIT licence, see LICENSE.
#include <algorithm>

#include "base/check.h"
#include "containers/flv/demuxer.h"
#include "containers/flv/muxer.h"

// Input: messages, each with its type, a size of two bytes, and a time step. Whatever they are,
// every packet has a track, and our muxer can send it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  constexpr flv::TagType kTypes[] = {flv::TagType::audio, flv::TagType::video,
                                     flv::TagType::script};
  flv::Demuxer demuxer;
  flv::Muxer muxer({.multitrack = flv::Multitrack::carry});
  ByteReader in({data, size});
  int64_t ms = 0;
  while (!in.at_end()) {
    const auto type = kTypes[in.u8() % 3];
    const size_t want = in.u16();
    ms += in.u8();
    const Bytes body = Bytes::copy(in.bytes(std::min(want, in.left())));
    const auto out = demuxer.read(type, ms, body);
    const StreamInfo info{.tracks = demuxer.tracks()};
    CHECK(std::ranges::is_sorted(info.tracks, {}, &Track::id), "tracks are in order");
    if (out.tracks_changed) muxer.headers(info);
    for (const auto& p : out.packets) {
      CHECK(!p.payload.empty(), "a packet has bytes");
      const Track* track = info.find(p.track);
      CHECK(track != nullptr, "a packet has a track");
      CHECK(muxer.message(*track, p).has_value(), "what was read can be sent");
    }
  }
  return 0;
}
