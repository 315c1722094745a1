// Weir live-streaming server. MIT licence, see LICENSE.

// Sample entries: what a file says of a codec inside `stsd`: the entry with its configuration box
// (`avcC`, `esds` ...), and for pictures `colr` and `pasp`. Pure functions over a track; a row per
// codec. Leaves out the boxes around it (writer.h), encrypted entries, mastering display metadata.
// ISO/IEC 14496-12 12.1.3, 12.1.4.2, 12.1.5.2, 12.2.3 and the codecs' bindings: writer.h names
// them.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/colour.h"
#include "media/track.h"

namespace weir::mp4 {

struct Picture {
  uint16_t width = 0, height = 0;  // coded samples, after cropping
  uint16_t sar_width = 1, sar_height = 1;
  codecs::Colour colour;

  // Both in 16.16, as `tkhd` wants them.
  uint32_t display_width() const;
  uint32_t display_height() const { return uint32_t{height} << 16; }
};

// What the configuration says of the picture, and the track's parameters where it is silent (VP9,
// AV1 without a sequence header). Code::protocol when neither knows a size.
Result<Picture> describe_picture(const Track&);

// Whether there is a sample entry for the codec.
bool has_sample_entry(Codec);

// Appends the entry. `first`: the first payload, which AC-3 and E-AC-3 are described from.
// Code::unsupported without has_sample_entry().
Result<> write_sample_entry(const Track&, ByteSpan first, ByteWriter& out);

}  // namespace weir::mp4
