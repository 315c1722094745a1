// Weir live-streaming server. MIT licence, see LICENSE.

// BitReader and BitWriter: most significant bit first, as every MPEG and AOM header wants them.
// BitReader has ByteReader's rule: a read past the end gives zeros and makes ok() false for good.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace weir {

class BitReader {
 public:
  explicit BitReader(ByteSpan in) : in_(in) {}
  bool ok() const { return ok_; }
  size_t bits_left() const { return in_.size() * 8 - at_; }
  size_t position() const { return at_; }

  // n in 0..32
  uint32_t bits(unsigned n) {
    if (bits_left() < n) {
      ok_ = false;
      at_ = in_.size() * 8;
      return 0;
    }
    uint64_t v = 0;
    for (unsigned i = 0; i < n; ++i, ++at_) v = v << 1 | (in_[at_ >> 3] >> (7 - (at_ & 7)) & 1);
    return static_cast<uint32_t>(v);
  }
  bool flag() { return bits(1) != 0; }
  void skip(size_t n) {
    if (bits_left() < n) {
      ok_ = false;
      n = bits_left();
    }
    at_ += n;
  }
  // Exp-Golomb, ITU-T H.264 9.1: ue(v) and se(v).
  uint32_t ue();
  int32_t se();

 private:
  ByteSpan in_;
  size_t at_ = 0;
  bool ok_ = true;
};

class BitWriter {
 public:
  void bits(uint32_t value, unsigned n) {
    for (unsigned i = n; i-- > 0;) {
      if (used_ == 0) out_.push_back(0);
      out_.back() = static_cast<uint8_t>(out_.back() | (value >> i & 1) << (7 - used_));
      used_ = (used_ + 1) & 7;
    }
  }
  void flag(bool v) { bits(v, 1); }
  void ue(uint32_t);
  // Zero bits up to the next byte.
  void align() { used_ = 0; }
  ByteSpan span() const { return out_; }
  Bytes take();

 private:
  std::vector<uint8_t> out_;
  unsigned used_ = 0;
};

}  // namespace weir
