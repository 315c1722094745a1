// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/vp8.h"

namespace weir::codecs {

Result<Vp8Frame> parse_vp8_frame(ByteSpan payload) {
  ByteReader r(payload);
  // RFC 6386 9.1: 24 bits, the least significant first.
  uint32_t tag = r.u8();
  tag |= uint32_t{r.u8()} << 8;
  tag |= uint32_t{r.u8()} << 16;
  Vp8Frame f;
  f.keyframe = (tag & 1) == 0;
  f.version = tag >> 1 & 7;
  f.shown = (tag >> 4 & 1) != 0;
  f.first_partition_size = tag >> 5;
  if (f.keyframe) {
    const uint32_t start = r.u24();
    if (r.ok() && start != 0x9d012a) return fail(Code::protocol, "vp8: no start code");
    // 14 bits of size, 2 of scaling that only concerns display.
    const uint16_t w = r.u16(), h = r.u16();
    f.width = (w >> 8 | w << 8) & 0x3fff;
    f.height = (h >> 8 | h << 8) & 0x3fff;
  }
  if (!r.ok()) return fail(Code::protocol, "vp8: frame too short");
  return f;
}

bool vp8_is_keyframe(ByteSpan payload) {
  const auto f = parse_vp8_frame(payload);
  return f && f->keyframe;
}

}  // namespace weir::codecs
