// Weir live-streaming server. MIT licence, see LICENSE.

// Decoder configurations between the forms that sequence headers carry and the canonical ones of
// codecs/README.md. Pure, any core. Spec: Enhanced RTMP v2, the SequenceStart branches of "Enhanced
// Audio" and "Enhanced Video"; Adobe FLV 10.1 E.4.2.2, E.4.3.2.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "media/track.h"

namespace weir::flv {

struct ConfigRecord {
  Bytes canonical;
  int length_size = 4;  // of the H.264 and H.265 units that follow on the wire
};

// Whether frames of the codec mean anything before a sequence header.
bool needs_sequence_header(Codec);
// Shares the memory where the forms are the same.
Result<ConfigRecord> read_config_record(Codec, const Bytes& wire);
// What a sequence start message carries behind its header.
Bytes write_config_record(const Track&);

}  // namespace weir::flv
