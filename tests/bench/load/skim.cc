// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/skim.h"

#include <algorithm>
#include <cstring>

namespace weir::bench {
namespace {

constexpr uint8_t kSetChunkSize = 1;
constexpr size_t kTagHeaderSize = 11, kTagTrailerSize = 4;
constexpr uint32_t kExtended = 0xffffff;

uint32_t u24(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) << 16 | static_cast<uint32_t>(p[1]) << 8 | p[2];
}

ByteSpan take(ByteSpan& in, size_t most) {
  const ByteSpan taken = in.first(std::min(in.size(), most));
  in = in.subspan(taken.size());
  return taken;
}

// Moves bytes into the header until it has `need`; false when the input ended first.
template <size_t N>
bool fill(std::array<uint8_t, N>& header, size_t& size, size_t need, ByteSpan& in) {
  const ByteSpan got = take(in, need - size);
  std::copy(got.begin(), got.end(), header.begin() + static_cast<ptrdiff_t>(size));
  size += got.size();
  return size == need;
}

}  // namespace

void Head::add(ByteSpan in) {
  const size_t n = std::min(in.size(), kHeadSize - size_);
  if (n == 0) return;
  std::memcpy(bytes_.data() + size_, in.data(), n);
  size_ += n;
}

std::optional<Skimmed> FlvSkim::next(ByteSpan& in) {
  while (ok_ && !in.empty()) {
    if (left_ == 0) {
      if (!fill(header_, header_size_, header_need_, in)) return std::nullopt;
      header_size_ = 0;
      if (!begin_tag()) continue;
    }
    const size_t of_body = left_ - std::min(left_, kTagTrailerSize);
    const ByteSpan taken = take(in, left_);
    head_.add(taken.first(std::min(taken.size(), of_body)));
    left_ -= taken.size();
    if (left_ == 0) return Skimmed{type_, length_, head_.span()};
  }
  return std::nullopt;
}

bool FlvSkim::begin_tag() {
  if (file_header_) {
    file_header_ = false;
    header_need_ = kTagHeaderSize;
    ok_ = std::memcmp(header_.data(), "FLV", 3) == 0;
    return false;
  }
  type_ = header_[0] & 0x1f;
  ok_ = type_ == 8 || type_ == 9 || type_ == 18;
  length_ = u24(&header_[1]);
  left_ = length_ + kTagTrailerSize;
  head_.clear();
  return ok_;
}

uint32_t RtmpSkim::id() const {
  const uint32_t low = header_[0] & 0x3f;
  if (low == 0) return 64 + header_[1];
  if (low == 1) return 64 + header_[1] + 256u * header_[2];
  return low;
}

// How long the header is, as far as its bytes so far tell.
size_t RtmpSkim::need() {
  if (header_size_ == 0) return 1;
  const uint32_t low = header_[0] & 0x3f;
  const size_t basic = low < 2 ? 2 + low : 1;
  if (header_size_ < basic) return basic;
  static constexpr std::array<size_t, 4> kMessageHeader = {11, 7, 3, 0};
  const size_t format = header_[0] >> 6;
  const size_t plain = basic + kMessageHeader[format];
  if (header_size_ < plain) return plain;
  const bool extended = format == 3 ? stream(id()).extended : u24(&header_[basic]) == kExtended;
  return plain + (extended ? 4 : 0);
}

void RtmpSkim::begin_chunk() {
  const size_t format = header_[0] >> 6;
  const uint32_t low = header_[0] & 0x3f;
  const uint8_t* message = &header_[low < 2 ? 2 + low : 1];
  ChunkStream& s = stream(id());
  current_ = static_cast<size_t>(&s - streams_.data());
  if (format < 3) s.extended = u24(message) == kExtended;
  if (format < 2) {
    s.length = u24(message + 3);
    s.type = message[6];
  }
  if (s.done == 0) s.head.clear();
  left_ = std::min(s.length - s.done, chunk_size_);
  header_size_ = 0;
}

RtmpSkim::ChunkStream& RtmpSkim::stream(uint32_t id) {
  for (ChunkStream& s : streams_)
    if (s.id == id) return s;
  streams_.emplace_back().id = id;
  return streams_.back();
}

std::optional<Skimmed> RtmpSkim::next(ByteSpan& in) {
  while (ok_ && !in.empty()) {
    if (left_ == 0) {
      size_t n = need();
      while (header_size_ < n) {
        if (!fill(header_, header_size_, n, in)) return std::nullopt;
        n = need();
      }
      begin_chunk();
    }
    ChunkStream& s = streams_[current_];
    const ByteSpan body = take(in, left_);
    s.head.add(body);
    s.done += static_cast<uint32_t>(body.size());
    left_ -= body.size();
    if (left_ > 0 || s.done < s.length) continue;
    s.done = 0;
    if (s.type == kSetChunkSize && s.length >= 4) {
      chunk_size_ = ByteReader(s.head.span()).u32();
      ok_ = chunk_size_ > 0;
    }
    return Skimmed{s.type, s.length, s.head.span()};
  }
  return std::nullopt;
}

}  // namespace weir::bench
