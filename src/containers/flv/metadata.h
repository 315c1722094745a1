// Weir live-streaming server. MIT licence, see LICENSE.

// The onMetaData message that players get before the media: what we know of the tracks, and of the
// publisher's own metadata what does not contradict it. Pure, any core. Spec: Adobe FLV 10.1 E.5;
// Enhanced RTMP v2, "Enhancing onMetaData".
#pragma once

#include <vector>

#include "containers/flv/amf.h"
#include "media/track.h"

namespace weir::flv {

// One track as a message will number it: 0 is the kind's first.
struct NumberedTrack {
  const Track* track = nullptr;
  uint8_t number = 0;
};

// publisher: AMF0 values that followed its onMetaData; may be empty.
EcmaArray make_meta_data(const std::vector<NumberedTrack>& tracks, ByteSpan publisher);

}  // namespace weir::flv
