// Weir live-streaming server. MIT licence, see LICENSE.

// ByteLog: the muxed form of a stream, appended once per core and sent to many viewers straight
// from memory. Positions are absolute byte offsets; a viewer is one such number. Bytes sit in large
// shared slabs, so that what a viewer has to be sent is one or two contiguous pieces. An entry (one
// muxed packet) never straddles slabs. Owned by a FanOut, on its core.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace weir::hub {

class ByteLog {
 public:
  // Adds one entry. `join`: a viewer may start here; `dts`: for the span rule.
  void append(ByteSpan bytes, Time dts, bool join);
  // Drops entries from the front while more than `bytes` are held, or while they are older than
  // `span` and not part of the newest group.
  void trim(Time span, size_t bytes);

  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }
  std::optional<uint64_t> newest_join() const;
  // Up to out.size() pieces from `at` (begin() <= at < end()) to the end; returns how many.
  size_t pieces(uint64_t at, std::span<iovec> out) const;
  // The end of the entry that holds the byte before `at`: where a viewer that stopped at `at` may
  // be interrupted. Equals `at` on a boundary.
  uint64_t boundary(uint64_t at) const;
  // Bytes [from, to) as a shared slice; both within one entry.
  Bytes share(uint64_t from, uint64_t to) const;
  size_t entries_after(uint64_t at) const;

 private:
  struct Slab {
    uint64_t begin;
    size_t used = 0;
    std::shared_ptr<std::vector<uint8_t>> memory;
  };
  struct Entry {
    uint64_t end;
    Time dts;
    bool join;
  };
  std::deque<Slab>::const_iterator slab_of(uint64_t at) const;

  uint64_t begin_ = 0, end_ = 0;
  std::deque<Slab> slabs_;
  std::deque<Entry> entries_;
  std::deque<uint64_t> joins_;
};

}  // namespace weir::hub
