// Weir live-streaming server. MIT licence, see LICENSE.

// Multivariant playlist text: the lanes of a family of streams as variants and audio renditions.
// Pure; any core. RFC 8216bis 4.4.6. Video lanes are variants, each with every group of sound of
// its own stream (lanes of one codec are a group); a rendition without sound plays the source's. A
// stream without picture is a variant itself. The source comes first: players that cannot measure
// yet start with the first one.
#pragma once

#include <string>
#include <string_view>

#include "protocols/hls/config.h"
#include "protocols/hls/family.h"

namespace weir::hls {

// `at`: the stream whose playlist this is. `query`: handed on to the media playlists. Members that
// have nothing to play yet are left out, and lanes of a live stream that have stopped; empty when
// all are.
std::string multivariant_playlist(const StreamKey& at, const std::vector<Member>& members, Format,
                                  std::string_view query);

// What BANDWIDTH says of a lane (4.4.6.2: no later segment may need more): the peak so far with
// head-room, more while less than three segments are known.
uint64_t announced_rate(const segments::Window&);

}  // namespace weir::hls
