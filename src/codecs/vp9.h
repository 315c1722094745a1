// Weir live-streaming server. MIT licence, see LICENSE.

// VP9: the codec configuration record (VP Codec ISO Media File Format Binding 1.0) and the
// uncompressed frame header (VP9 Bitstream & Decoding Process Specification 6.2, Annex B for
// superframes). The canonical payload is one frame or superframe as it comes; the canonical
// configuration is the record without the box's version and flags. Pure, any core. Leaves out
// everything behind the frame size.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "media/track.h"

namespace weir::codecs {

struct VpConfig {
  uint8_t profile = 0;
  uint8_t level = 10;  // ten times the level number
  uint8_t bit_depth = 8;
  uint8_t chroma_subsampling = 1;  // 0: 4:2:0 vertical, 1: 4:2:0 colocated, 2: 4:2:2, 3: 4:4:4
  bool full_range = false;
  uint8_t color_primaries = 2, transfer = 2, matrix = 2;  // 2: unspecified
  bool operator==(const VpConfig&) const = default;
};

// With or without the four bytes of version and flags in front.
Result<VpConfig> parse_vpcc(ByteSpan record);
// The record alone: a file format puts version 1 and flags 0 in front.
Bytes write_vpcc(const VpConfig&);

struct Vp9Frame {
  uint8_t profile = 0;
  bool keyframe = false;
  bool shown = false;
  bool show_existing = false;  // repeats a decoded frame; nothing below is set
  int width = 0, height = 0;   // keyframes only
  uint8_t bit_depth = 8;
  uint8_t chroma_subsampling = 1;  // as in VpConfig; keyframes only
};

// The first frame of the payload.
Result<Vp9Frame> parse_vp9_frame(ByteSpan payload);
// A configuration that says what a keyframe's header says, with the lowest level that fits its
// size.
Result<VpConfig> vp9_config_from_keyframe(ByteSpan payload);

bool vp9_is_keyframe(ByteSpan payload);

}  // namespace weir::codecs
