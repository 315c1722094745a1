// Weir live-streaming server. MIT licence, see LICENSE.

// DiskPlaylist: the playlists that lie beside segments on disk, in the form nginx-rtmp gives them,
// and read back so that a stream goes on after a restart. What is read may have been written by
// anybody: it is bounded, and what is not in our own form is refused. Pure; any thread. Leaves out
// playlists made for requests (playlist.h). RFC 8216 4.3.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "protocols/hls/family.h"

namespace weir::hls {

struct DiskEntry {
  uint64_t id = 0;  // 17 of "foo-17.ts"
  Time duration{};
  std::optional<WallTime> wall;
  bool discontinuity = false;
  std::optional<uint64_t> key;  // 17 of "foo-17.key"; also the initialization vector

  bool operator==(const DiskEntry&) const = default;
};

struct DiskPlaylist {
  static constexpr size_t kMostEntries = 100'000;

  uint64_t sequence = 0;                // of the first entry
  uint64_t discontinuity_sequence = 0;  // of the first entry
  Time target{};                        // what is written is never below the longest entry
  bool event = false, ended = false;
  std::deque<DiskEntry> entries;

  uint64_t next_sequence() const { return sequence + entries.size(); }
  Time duration() const;
  // The first entry goes; it is the caller's.
  DiskEntry pop();
  bool operator==(const DiskPlaylist&) const = default;
};

// What stands before "17.ts" and "17.key".
struct DiskUrls {
  std::string segment, key;
};

std::string write_disk_playlist(const DiskPlaylist&, const DiskUrls&);
// `name`: what stands before the number in the last part of each URL ("foo-", ""); the parts before
// it may have changed since. limit or protocol when it cannot be ours.
Result<DiskPlaylist> parse_disk_playlist(std::string_view text, std::string_view name);

struct MasterEntry {
  std::string url;
  std::vector<Attribute> attributes;  // as configured
  uint64_t bandwidth = 0;             // said when they do not
};
std::string write_master(std::span<const MasterEntry>);

}  // namespace weir::hls
