// Weir live-streaming server. MIT licence, see LICENSE.

// What a player asks for in a playlist's query: the delivery directives (RFC 8216bis 6.2.5) and the
// form of the list. Pure; any core. Directives and arguments that we do not know are ignored, as
// the reserved prefix wants it. Leaves out whether the answer is there (reload.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "protocols/hls/config.h"

namespace weir::hls {

struct Query {
  std::optional<uint64_t> msn;   // _HLS_msn
  std::optional<uint64_t> part;  // _HLS_part; never without msn
  bool skip = false;             // _HLS_skip=YES or v2
  std::optional<PlaylistType> type;

  bool operator==(const Query&) const = default;
};

// `query` as sent, without '?'. Code::protocol says what deserves a 400.
Result<Query> parse_query(std::string_view query);

// "?type=event", or "" when nothing was asked: what playlists that this one names are to be given.
std::string_view handed_on(const Query&);

}  // namespace weir::hls
