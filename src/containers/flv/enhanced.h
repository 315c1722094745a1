// Weir live-streaming server. MIT licence, see LICENSE.

// Enhanced RTMP: FourCCs, packet types and the walk through a body that may hold several tracks
// behind modifiers. Pure, any core. Leaves out what a track's bytes mean: demuxer.h. Spec: Enhanced
// RTMP v2, sections "Enhanced Audio" and "Enhanced Video" (which contain v1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "media/codec.h"

namespace weir::flv {

constexpr uint32_t fourcc(std::string_view s) {
  uint32_t v = 0;
  for (const char c : s) v = v << 8 | static_cast<uint8_t>(c);
  return v;
}
// nullopt for codes we do not know.
std::optional<Codec> codec_of(uint32_t fourcc);
// Zero for codecs without one (script).
uint32_t fourcc_of(Codec);

enum class VideoPacketType : uint8_t {
  sequence_start = 0,
  coded_frames = 1,
  sequence_end = 2,
  coded_frames_x = 3,  // composition time is zero and left out
  metadata = 4,
  mpeg2ts_sequence_start = 5,
  multitrack = 6,
  mod_ex = 7,
};

enum class AudioPacketType : uint8_t {
  sequence_start = 0,
  coded_frames = 1,
  sequence_end = 2,
  multichannel_config = 4,
  multitrack = 5,
  mod_ex = 7,
};

enum class MultitrackType : uint8_t { one_track = 0, many_tracks = 1, many_tracks_many_codecs = 2 };

enum class FrameType : uint8_t {
  key = 1,
  inter = 2,
  disposable = 3,
  generated_key = 4,
  command = 5
};

// A body whose first byte says that it is enhanced: video with the top bit set, audio of format 9.
class EnhancedReader {
 public:
  struct Part {
    uint32_t fourcc = 0;
    uint8_t track = 0;  // as numbered on the wire; 0 without multitrack
    Bytes body;         // behind all headers; a composition time is still in it
  };

  // kind: video or audio. The body is shared, not copied.
  static Result<EnhancedReader> open(Kind kind, Bytes body);

  // VideoPacketType or AudioPacketType, behind modifiers and multitrack.
  uint8_t packet_type() const { return packet_type_; }
  FrameType frame_type() const { return frame_type_; }         // video only
  bool is_command() const { return command_; }                 // a seek marker: no parts follow
  Time timestamp_offset() const { return timestamp_offset_; }  // below a millisecond

  // while (auto part = reader.next()) ... Stops at the first malformed one and makes ok() false.
  std::optional<Part> next();
  bool ok() const { return ok_; }

 private:
  EnhancedReader(Kind kind, Bytes body) : kind_(kind), body_(std::move(body)), in_(body_.span()) {}
  Result<> header();
  void mod_ex();

  Kind kind_;
  Bytes body_;
  ByteReader in_;
  uint8_t packet_type_ = 0;
  FrameType frame_type_{};
  bool command_ = false, multitrack_ = false, done_ = false, ok_ = true;
  MultitrackType multitrack_type_{};
  uint32_t fourcc_ = 0;
  Time timestamp_offset_{};
};

}  // namespace weir::flv
