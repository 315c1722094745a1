// Weir live-streaming server. MIT licence, see LICENSE.

// Bytes: an immutable, reference-counted slice of memory. Copying and slicing are O(1) and share
// the memory; any core may hold one. The last holder frees it. ByteReader and ByteWriter are the
// only ways wire formats touch memory: every read is bounds-checked, so parsers cannot run past the
// end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

using ByteSpan = std::span<const uint8_t>;

class Bytes {
 public:
  Bytes() = default;
  // Copies the input once.
  static Bytes copy(ByteSpan);
  static Bytes copy(std::string_view);
  // Takes the vector or string over without copying.
  static Bytes take(std::vector<uint8_t>&&);
  static Bytes take(std::string&&);
  // A view into memory that `owner` keeps alive.
  static Bytes view(std::shared_ptr<const void> owner, ByteSpan);

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  uint8_t operator[](size_t i) const { return data_[i]; }
  const uint8_t* begin() const { return data_; }
  const uint8_t* end() const { return data_ + size_; }
  ByteSpan span() const { return {data_, size_}; }
  operator ByteSpan() const { return span(); }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

  // The part [offset, offset + count), clamped to what is there; shares the memory.
  Bytes slice(size_t offset, size_t count = SIZE_MAX) const;
  // Equality of content.
  bool operator==(const Bytes& other) const;

 private:
  std::shared_ptr<const void> owner_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Reads big-endian fields (little-endian where named) from a span. A read past the end returns
// zeros, consumes nothing more and makes ok() false for good: parse a whole structure, then ask
// ok() once.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan in) : in_(in) {}
  bool ok() const { return ok_; }
  size_t left() const { return in_.size() - at_; }
  size_t position() const { return at_; }
  bool at_end() const { return at_ == in_.size(); }

  uint8_t u8() { return static_cast<uint8_t>(be(1)); }
  uint16_t u16() { return static_cast<uint16_t>(be(2)); }
  uint32_t u24() { return static_cast<uint32_t>(be(3)); }
  uint32_t u32() { return static_cast<uint32_t>(be(4)); }
  uint64_t u64() { return be(8); }
  uint32_t u32_le();
  double f64();  // IEEE 754, big-endian
  uint8_t peek_u8() const { return at_ < in_.size() ? in_[at_] : 0; }
  // Empty and !ok() when fewer than n are left.
  ByteSpan bytes(size_t n);
  std::string_view text(size_t n);
  ByteSpan rest() { return bytes(left()); }
  void skip(size_t n) { bytes(n); }

 private:
  uint64_t be(size_t n) {
    if (left() < n) {
      ok_ = false;
      at_ = in_.size();
      return 0;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < n; ++i) v = v << 8 | in_[at_ + i];
    at_ += n;
    return v;
  }
  ByteSpan in_;
  size_t at_ = 0;
  bool ok_ = true;
};

// Appends big-endian fields to a vector.
class ByteWriter {
 public:
  void u8(uint8_t v) { out_.push_back(v); }
  void u16(uint16_t v) { be(v, 2); }
  void u24(uint32_t v) { be(v, 3); }
  void u32(uint32_t v) { be(v, 4); }
  void u64(uint64_t v) { be(v, 8); }
  void u32_le(uint32_t v);
  void f64(double);
  void bytes(ByteSpan b) { out_.insert(out_.end(), b.begin(), b.end()); }
  void text(std::string_view s) { out_.insert(out_.end(), s.begin(), s.end()); }
  void zeros(size_t n) { out_.insert(out_.end(), n, 0); }
  // Overwrites 4 (or 3) bytes written before, for lengths known only later.
  void patch_u32(size_t at, uint32_t v);
  void patch_u24(size_t at, uint32_t v);

  size_t size() const { return out_.size(); }
  void reserve(size_t n) { out_.reserve(n); }
  void clear() { out_.clear(); }
  ByteSpan span() const { return out_; }
  std::vector<uint8_t>& vector() { return out_; }
  // Hands the content over and starts empty.
  Bytes take();

 private:
  void be(uint64_t v, size_t n) {
    for (size_t i = n; i-- > 0;) out_.push_back(static_cast<uint8_t>(v >> (8 * i)));
  }
  std::vector<uint8_t> out_;
};

// "0a1bff" for tests and digests.
std::string to_hex(ByteSpan);
// Ignores spaces; stops at the first character that is not hexadecimal.
Bytes from_hex(std::string_view);
inline ByteSpan as_bytes(std::string_view s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}

}  // namespace weir
