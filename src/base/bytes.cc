// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/bytes.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir {

Bytes Bytes::copy(ByteSpan in) { return take(std::vector<uint8_t>(in.begin(), in.end())); }

Bytes Bytes::copy(std::string_view in) { return copy(as_bytes(in)); }

Bytes Bytes::take(std::vector<uint8_t>&& in) {
  auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(in));
  return view(owner, *owner);
}

Bytes Bytes::take(std::string&& in) {
  auto owner = std::make_shared<const std::string>(std::move(in));
  return view(owner, as_bytes(*owner));
}

Bytes Bytes::view(std::shared_ptr<const void> owner, ByteSpan in) {
  Bytes b;
  b.owner_ = std::move(owner);
  b.data_ = in.data();
  b.size_ = in.size();
  return b;
}

Bytes Bytes::slice(size_t offset, size_t count) const {
  Bytes b = *this;
  offset = std::min(offset, size_);
  b.data_ += offset;
  b.size_ = std::min(count, size_ - offset);
  return b;
}

bool Bytes::operator==(const Bytes& other) const {
  return std::equal(begin(), end(), other.begin(), other.end());
}

uint32_t ByteReader::u32_le() { return __builtin_bswap32(u32()); }

double ByteReader::f64() { return std::bit_cast<double>(u64()); }

ByteSpan ByteReader::bytes(size_t n) {
  if (left() < n) {
    ok_ = false;
    at_ = in_.size();
    return {};
  }
  auto s = in_.subspan(at_, n);
  at_ += n;
  return s;
}

std::string_view ByteReader::text(size_t n) {
  auto s = bytes(n);
  return {reinterpret_cast<const char*>(s.data()), s.size()};
}

void ByteWriter::u32_le(uint32_t v) { u32(__builtin_bswap32(v)); }

void ByteWriter::f64(double v) { u64(std::bit_cast<uint64_t>(v)); }

void ByteWriter::patch_u32(size_t at, uint32_t v) {
  for (size_t i = 0; i < 4; ++i) out_.at(at + i) = static_cast<uint8_t>(v >> (24 - 8 * i));
}

void ByteWriter::patch_u24(size_t at, uint32_t v) {
  for (size_t i = 0; i < 3; ++i) out_.at(at + i) = static_cast<uint8_t>(v >> (16 - 8 * i));
}

Bytes ByteWriter::take() {
  auto b = Bytes::take(std::move(out_));
  out_.clear();
  return b;
}

std::string to_hex(ByteSpan in) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string s;
  s.reserve(in.size() * 2);
  for (uint8_t b : in) {
    s += kDigits[b >> 4];
    s += kDigits[b & 15];
  }
  return s;
}

Bytes from_hex(std::string_view in) {
  auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::vector<uint8_t> out;
  int high = -1;
  for (char c : in) {
    if (c == ' ' || c == '\n') continue;
    const int d = digit(c);
    if (d < 0) break;
    if (high < 0) {
      high = d;
    } else {
      out.push_back(static_cast<uint8_t>(high << 4 | d));
      high = -1;
    }
  }
  return Bytes::take(std::move(out));
}

}  // namespace weir
