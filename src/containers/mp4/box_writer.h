// Weir live-streaming server. MIT licence, see LICENSE.

// OpenBox: a box under construction (ISO/IEC 14496-12 4.2): header now, length when the scope ends,
// so that the nesting of scopes is the nesting of boxes. For this folder's writers; lives on the
// stack. Leaves out 64-bit lengths: the only box that could want one is `mdat`, and a chunk's is
// bounded by whoever cuts chunks.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace weir::mp4 {

class OpenBox {
 public:
  OpenBox(ByteWriter& out, std::string_view type) : out_(out), at_(out.size()) {
    out_.u32(0);
    out_.text(type);
  }
  // A full box: version and 24 bits of flags follow the header.
  OpenBox(ByteWriter& out, std::string_view type, uint8_t version, uint32_t flags)
      : OpenBox(out, type) {
    out_.u8(version);
    out_.u24(flags);
  }
  ~OpenBox() { out_.patch_u32(at_, static_cast<uint32_t>(out_.size() - at_)); }
  OpenBox(const OpenBox&) = delete;
  OpenBox& operator=(const OpenBox&) = delete;

 private:
  ByteWriter& out_;
  size_t at_;
};

}  // namespace weir::mp4
