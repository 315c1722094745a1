// Weir live-streaming server. MIT licence, see LICENSE.
#include "hub/byte_log.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace weir::hub {
namespace {

constexpr size_t kSlab = 256 * 1024;

}  // namespace

void ByteLog::append(ByteSpan bytes, Time dts, bool join) {
  if (bytes.empty()) return;
  if (slabs_.empty() || slabs_.back().memory->size() - slabs_.back().used < bytes.size()) {
    auto memory = std::make_shared<std::vector<uint8_t>>(std::max(kSlab, bytes.size()));
    slabs_.push_back({end_, 0, std::move(memory)});
  }
  Slab& slab = slabs_.back();
  std::memcpy(slab.memory->data() + slab.used, bytes.data(), bytes.size());
  slab.used += bytes.size();
  if (join) joins_.push_back(end_);
  end_ += bytes.size();
  entries_.push_back({end_, dts, join});
}

void ByteLog::trim(Time span, size_t bytes) {
  const uint64_t newest = joins_.empty() ? end_ : joins_.back();
  while (entries_.size() > 1) {
    const Entry& e = entries_.front();
    const bool old = entries_.back().dts - e.dts > span;
    if (end_ - begin_ <= bytes && !(old && e.end <= newest)) break;
    begin_ = e.end;
    entries_.pop_front();
  }
  while (!joins_.empty() && joins_.front() < begin_) joins_.pop_front();
  while (slabs_.size() > 1 && slabs_.front().begin + slabs_.front().used <= begin_)
    slabs_.pop_front();
}

std::optional<uint64_t> ByteLog::newest_join() const {
  if (joins_.empty()) return std::nullopt;
  return joins_.back();
}

std::deque<ByteLog::Slab>::const_iterator ByteLog::slab_of(uint64_t at) const {
  // Viewers are nearly always in the newest slab.
  auto it = slabs_.end();
  while (it != slabs_.begin()) {
    --it;
    if (it->begin <= at) return it;
  }
  CHECK(false, "a viewer reads only what the log holds");
  return it;
}

size_t ByteLog::pieces(uint64_t at, std::span<iovec> out) const {
  if (at >= end_) return 0;
  size_t n = 0;
  for (auto it = slab_of(at); it != slabs_.end() && n < out.size(); ++it) {
    const size_t skip = at > it->begin ? at - it->begin : 0;
    if (skip >= it->used) continue;
    out[n++] = {it->memory->data() + skip, it->used - skip};
  }
  return n;
}

uint64_t ByteLog::boundary(uint64_t at) const {
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), at,
                                   [](const Entry& e, uint64_t v) { return e.end < v; });
  return it == entries_.end() || at <= begin_ ? at : it->end;
}

Bytes ByteLog::share(uint64_t from, uint64_t to) const {
  if (from >= to) return {};
  const auto it = slab_of(from);
  return Bytes::view(it->memory, ByteSpan(*it->memory).subspan(from - it->begin, to - from));
}

size_t ByteLog::entries_after(uint64_t at) const {
  const auto it = std::upper_bound(entries_.begin(), entries_.end(), at,
                                   [](uint64_t v, const Entry& e) { return v < e.end; });
  return static_cast<size_t>(entries_.end() - it);
}

}  // namespace weir::hub
