// Weir live-streaming server. MIT licence, see LICENSE.

// Demuxer: bodies of RTMP audio, video and data messages (FLV tags) in, tracks and canonical
// packets out. Owned by one publisher's ingest, on its core. Nothing a peer sends makes it fail:
// what cannot be used is dropped and counted. Packet times are on the source's clock; unwrapping
// before and repairing behind it are the caller's work. Spec: Adobe FLV 10.1 Annex E.4; Enhanced
// RTMP v2.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "containers/flv/enhanced.h"
#include "containers/flv/tag.h"
#include "media/packet.h"

namespace weir::flv {

class Demuxer {
 public:
  struct Output {
    bool tracks_changed = false;  // ask tracks(); holds for the packets beside it too
    std::vector<Packet> packets;
  };
  // Why messages, or tracks inside messages, were dropped.
  struct Counts {
    uint64_t empty = 0;          // no bytes, or silence
    uint64_t malformed = 0;      // cut short, or not what its header says
    uint64_t unsupported = 0;    // codecs and packet types we do not carry
    uint64_t before_config = 0;  // frames before a sequence header of their codec
    uint64_t ignored = 0;  // markers without media: end of sequence, seek commands, colour info
    uint64_t too_many_tracks = 0;  // wire track numbers from 64 on
    uint64_t total() const {
      return empty + malformed + unsupported + before_config + ignored + too_many_tracks;
    }
  };
  // Wire track n of a kind is this plus n, whatever comes and goes beside it.
  static constexpr uint8_t kVideo = 0, kAudio = 64, kScript = 128;

  // timestamp_ms: unwrapped by the caller.
  Output read(TagType, int64_t timestamp_ms, Bytes body);
  // Ordered by id: video, audio, script.
  const std::vector<Track>& tracks() const { return tracks_; }
  const Counts& counts() const { return counts_; }

 private:
  struct Frame {
    Codec codec{};
    uint8_t wire_track = 0;
    Time dts{}, pts{};
    bool keyframe = false;
    Bytes payload;
    AudioParams told{};  // by a legacy tag's header
  };
  // Beside a Track, what only the wire knows.
  struct Wire {
    TrackId id{};
    Bytes record;         // as it came, to tell a repetition from a change
    int length_size = 4;  // of H.264 and H.265 units as they come
  };
  struct Announced {
    int width = 0, height = 0;
    double frame_rate = 0;
  };

  void video(Time at, const Bytes& body, Output&);
  void audio(Time at, const Bytes& body, Output&);
  void enhanced(Kind, Time at, const Bytes& body, Output&);
  void enhanced_video(uint8_t packet_type, Frame, Output&);
  void enhanced_audio(uint8_t packet_type, Frame, Output&);
  void script(Time at, const Bytes& body, Output&);
  void meta_data(const Bytes& values, Output&);

  void config(Codec, uint8_t wire_track, const Bytes& record, Output&);
  void frame(Frame, Output&);
  // The payload in canonical form; empty when it was counted and dropped.
  Bytes canonical(Frame&, TrackId);
  // For codecs that say in their frames what others say in a configuration.
  void describe_from(const Frame&, TrackId, Output&);
  void describe_audio(const Frame&, TrackId, Output&);
  void set_track(Track, Output&);
  void apply_announced(Track&) const;
  std::optional<TrackId> track_id(Kind, uint8_t wire_track);
  const Track* find(TrackId) const;
  Wire& wire(TrackId);

  std::vector<Track> tracks_;
  std::vector<Wire> wires_;
  Announced announced_;
  Counts counts_;
};

// The AMF0 bytes of a data message of RTMP type 15, which puts a zero byte in front of them.
Bytes data_from_amf3_message(Bytes body);

}  // namespace weir::flv
