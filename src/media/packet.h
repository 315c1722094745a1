// Weir live-streaming server. MIT licence, see LICENSE.

// Packet: one access unit or audio frame, immutable once published; shared by every core that has
// viewers. Times are on the stream's own timeline, which starts near zero. Payload is the canonical
// form of codecs/README.md: H.264 and H.265 with 4-byte lengths (parameter sets in Track::config),
// AV1 as OBUs with sizes and no temporal delimiter, AAC raw, others as they come.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/time.h"
#include "media/track.h"

namespace weir {

struct Packet {
  TrackId track{};
  Time dts{}, pts{};
  Time duration{};        // zero when unknown
  bool keyframe = false;  // decoding may start here; true for every audio frame
  Bytes payload;
};

using PacketPtr = std::shared_ptr<const Packet>;

}  // namespace weir
