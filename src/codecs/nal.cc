// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/nal.h"

#include <algorithm>
#include <array>

namespace weir::codecs {

namespace {

constexpr std::array<uint8_t, 4> kStartCode{0, 0, 0, 1};

// Index of the next 00 00 01 at or behind `from`, or the size. Looks at every third byte while it
// can.
size_t find_start_code(ByteSpan in, size_t from) {
  for (size_t i = from; i + 2 < in.size();) {
    if (in[i + 2] > 1) {
      i += 3;
    } else if (in[i + 2] == 1) {
      if (in[i] == 0 && in[i + 1] == 0) return i;
      i += 3;
    } else {
      ++i;
    }
  }
  return in.size();
}

size_t behind_start_code(ByteSpan in, size_t from) {
  const size_t at = find_start_code(in, from);
  return at == in.size() ? at : at + 3;
}

}  // namespace

NalReader::NalReader(ByteSpan payload, int length_size)
    : in_(payload), length_size_(static_cast<size_t>(length_size)) {
  // ISO/IEC 14496-15 5.3.3.1.2: lengthSizeMinusOne is 0, 1 or 3.
  if (length_size != 1 && length_size != 2 && length_size != 4) {
    ok_ = false;
    in_ = {};
  }
}

std::optional<ByteSpan> NalReader::next() {
  while (ok_ && at_ < in_.size()) {
    size_t length = 0;
    if (in_.size() - at_ < length_size_) {
      ok_ = false;
      break;
    }
    for (size_t i = 0; i < length_size_; ++i) length = length << 8 | in_[at_++];
    if (in_.size() - at_ < length) {
      ok_ = false;
      break;
    }
    const auto nal = in_.subspan(at_, length);
    at_ += length;
    if (!nal.empty()) return nal;
  }
  return std::nullopt;
}

AnnexbReader::AnnexbReader(ByteSpan stream) : in_(stream), at_(behind_start_code(stream, 0)) {}

std::optional<ByteSpan> AnnexbReader::next() {
  while (at_ < in_.size()) {
    size_t end = find_start_code(in_, at_);
    const size_t begin = at_;
    at_ = end == in_.size() ? end : end + 3;
    // zero_byte and trailing_zero_8bits: a unit itself never ends in a zero (H.264 B.1).
    while (end > begin && in_[end - 1] == 0) --end;
    if (end > begin) return in_.subspan(begin, end - begin);
  }
  return std::nullopt;
}

Result<Bytes> to_canonical(Bytes payload, int length_size) {
  NalReader check(payload, length_size);
  size_t total = 0;
  while (auto nal = check.next()) total += 4 + nal->size();
  if (!check.ok()) return fail(Code::protocol, "nal: lengths do not add up");
  if (length_size == 4) return payload;
  std::vector<uint8_t> out;
  out.reserve(total);
  NalReader reader(payload, length_size);
  while (auto nal = reader.next()) append_nal(out, *nal);
  return Bytes::take(std::move(out));
}

Bytes from_annexb(ByteSpan stream) {
  std::vector<uint8_t> out;
  // Short start codes grow by a byte per unit: room for a typical access unit's worth.
  out.reserve(stream.size() + 16);
  AnnexbReader reader(stream);
  while (auto nal = reader.next()) append_nal(out, *nal);
  return Bytes::take(std::move(out));
}

void append_annexb_nal(std::vector<uint8_t>& out, ByteSpan nal) {
  out.insert(out.end(), kStartCode.begin(), kStartCode.end());
  out.insert(out.end(), nal.begin(), nal.end());
}

void append_annexb(std::vector<uint8_t>& out, ByteSpan payload) {
  NalReader reader(payload);
  while (auto nal = reader.next()) append_annexb_nal(out, *nal);
}

void append_nal(std::vector<uint8_t>& out, ByteSpan nal) {
  const auto n = static_cast<uint32_t>(nal.size());
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(n >> shift));
  out.insert(out.end(), nal.begin(), nal.end());
}

std::vector<uint8_t> unescape_nal(ByteSpan nal, size_t limit) {
  std::vector<uint8_t> out;
  out.reserve(std::min(nal.size(), limit));
  unsigned zeros = 0;
  for (const uint8_t b : nal) {
    if (out.size() >= limit) break;
    if (zeros >= 2 && b == 3) {
      zeros = 0;
      continue;
    }
    zeros = b == 0 ? zeros + 1 : 0;
    out.push_back(b);
  }
  return out;
}

}  // namespace weir::codecs
