// Weir live-streaming server. MIT licence, see LICENSE.

// Muxer: tracks and canonical packets in, bodies of RTMP messages and FLV tags out; a payload is
// never copied. H.264, AAC and MP3 go as legacy tags, which every player reads, all others as
// Enhanced RTMP. Owned by whoever muxes for a group of players, on one core. Leaves out waiting for
// keyframes, pacing and chunks. Spec: Adobe FLV 10.1 Annex E.4; Enhanced RTMP v2.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "containers/flv/tag.h"
#include "media/packet.h"
#include "media/track.h"

namespace weir::flv {

// A message body is header, then payload.
struct Message {
  TagType type{};
  Time dts{};
  std::array<uint8_t, 16> header{};
  uint8_t header_size = 0;
  Bytes payload;

  ByteSpan head() const { return ByteSpan(header).first(header_size); }
  size_t size() const { return header_size + payload.size(); }
};

// Whether tracks of a kind beyond the first are sent, as Enhanced RTMP multitrack messages. Players
// that did not announce it take such messages for parts of the first track.
enum class Multitrack : uint8_t { leave_out, carry };

struct MuxOptions {
  Multitrack multitrack = Multitrack::leave_out;
};

class Muxer {
 public:
  explicit Muxer(MuxOptions options = {}) : options_(options) {}

  // What goes before the first packet, and again on every change: onMetaData, then the sequence
  // headers; the dts of these is `at`, of the metadata zero. From here on message() speaks of these
  // tracks.
  std::vector<Message> headers(const StreamInfo&, Time at = {});
  // Whether packets of the track are sent.
  bool carries(TrackId) const;
  // Fails for a track that is not carried, and for a payload that 24 bits of size cannot tell.
  Result<Message> message(const Track&, const Packet&) const;

 private:
  static constexpr uint8_t kNotCarried = 0xff;
  uint8_t wire_track(TrackId) const;

  MuxOptions options_;
  std::array<uint8_t, 256> wire_tracks_ = [] {
    std::array<uint8_t, 256> all{};
    all.fill(kNotCarried);
    return all;
  }();
};

// The message as an FLV tag, with the size that follows it.
void write_tag(ByteWriter&, const Message&, uint32_t ms);

}  // namespace weir::flv
