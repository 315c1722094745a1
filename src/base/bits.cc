// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/bits.h"

#include <bit>

namespace weir {

uint32_t BitReader::ue() {
  unsigned zeros = 0;
  while (ok_ && !flag()) {
    if (++zeros > 31) {
      ok_ = false;
      return 0;
    }
  }
  return ok_ ? (1u << zeros) - 1 + bits(zeros) : 0;
}

int32_t BitReader::se() {
  const uint32_t k = ue();
  const auto half = static_cast<int32_t>((static_cast<uint64_t>(k) + 1) / 2);
  return k & 1 ? half : -half;
}

void BitWriter::ue(uint32_t value) {
  const uint64_t v = static_cast<uint64_t>(value) + 1;
  const auto width = static_cast<unsigned>(std::bit_width(v));
  bits(0, width - 1);
  for (unsigned i = width; i-- > 0;) bits(static_cast<uint32_t>(v >> i & 1), 1);
}

Bytes BitWriter::take() {
  used_ = 0;
  auto b = Bytes::take(std::move(out_));
  out_.clear();
  return b;
}

}  // namespace weir
