// Weir live-streaming server. MIT licence, see LICENSE.

// Elementary: how one track looks inside a transport stream: its stream type and the bytes of a
// packet in the form the standard wants: H.264 and H.265 as Annex B with access unit delimiter and,
// before a keyframe, parameter sets; AAC as ADTS; MPEG audio, AC-3 and E-AC-3 as they are. Pure;
// owned by a Writer. ISO/IEC 13818-1 2.14 (AVC), 2.17 (HEVC); ISO/IEC 14496-3 1.A.2; ATSC A/52
// Annex A and G.
#pragma once

#include <vector>

#include "base/result.h"
#include "codecs/aac.h"
#include "containers/mpegts/psi.h"
#include "media/packet.h"

namespace weir::mpegts {

class Elementary {
 public:
  // Code::unsupported, with the reason in words, for what a transport stream cannot carry.
  static Result<Elementary> make(const Track&);

  Kind kind() const { return kind_of(track_.codec); }
  const Track& track() const { return track_; }
  StreamType type() const { return type_; }
  uint32_t registration() const { return registration_; }
  uint8_t stream_id() const;

  // Appends one access unit or frame. A frame ADTS has no room for fails and appends nothing.
  Result<> append(const Packet&, std::vector<uint8_t>& out) const;
  // Playing time of an audio frame.
  Time duration(const Packet&) const;

 private:
  void append_h264(const Packet&, std::vector<uint8_t>& out) const;
  void append_h265(const Packet&, std::vector<uint8_t>& out) const;

  Track track_;
  StreamType type_{};
  uint32_t registration_ = 0;
  std::vector<uint8_t> parameter_sets_;  // with start codes
  codecs::AudioSpecificConfig aac_;
};

}  // namespace weir::mpegts
