// Weir live-streaming server. MIT licence, see LICENSE.

// NAL units, shared by H.264 and H.265: walking length-prefixed payloads (ISO/IEC 14496-15 5.3.3)
// and byte streams (ITU-T H.264 and H.265 Annex B) without copying, turning one into the other, and
// taking out emulation prevention. The canonical payload has 4-byte lengths. Pure, any core. Leaves
// out what the units mean: h264.h and h265.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::codecs {

// while (auto nal = reader.next()) ...: the units of a length-prefixed payload. Empty units are
// passed over; a length that runs past the end stops the walk and makes ok() false.
class NalReader {
 public:
  // length_size: 1, 2 or 4; anything else walks nothing and is not ok().
  explicit NalReader(ByteSpan payload, int length_size = 4);
  std::optional<ByteSpan> next();
  bool ok() const { return ok_; }

 private:
  ByteSpan in_;
  size_t length_size_;
  size_t at_ = 0;
  bool ok_ = true;
};

// The units of an Annex B byte stream, without start codes and trailing zeros. Bytes before the
// first start code are passed over.
class AnnexbReader {
 public:
  explicit AnnexbReader(ByteSpan stream);
  std::optional<ByteSpan> next();

 private:
  ByteSpan in_;
  size_t at_;  // just behind a start code, or at the end
};

// The payload with 4-byte lengths. Shares the memory when it has them already; fails when the
// lengths do not add up.
Result<Bytes> to_canonical(Bytes payload, int length_size);
// Units of an Annex B stream with 4-byte lengths in front; empty when there are none.
Bytes from_annexb(ByteSpan stream);

// Appends one unit with a 4-byte start code.
void append_annexb_nal(std::vector<uint8_t>& out, ByteSpan nal);
// Appends every unit of a canonical payload with start codes; stops at a length past the end.
void append_annexb(std::vector<uint8_t>& out, ByteSpan payload);
// Appends one unit with a 4-byte length.
void append_nal(std::vector<uint8_t>& out, ByteSpan nal);

// Takes out emulation_prevention_three_byte (H.264 7.4.1, H.265 7.4.2). limit bounds the output,
// for callers who need only the start of a unit.
std::vector<uint8_t> unescape_nal(ByteSpan nal, size_t limit = SIZE_MAX);

}  // namespace weir::codecs
