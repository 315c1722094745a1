// Weir live-streaming server. MIT licence, see LICENSE.

// Media playlist text from a window of segments. Pure; made at most once per version of the window
// and core, when somebody asks (playlists.h). RFC 8216bis 4.4 (tags), 6.2.1 and 6.2.2 (what a
// server must keep to), appendix B.1 (low latency). Leaves out dateranges and encryption.
//
// Times are printed in microseconds and as differences of rounded instants: sums of EXTINF never
// drift from the media, and the parts of a segment add up to it to the last digit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocols/hls/config.h"
#include "protocols/hls/reload.h"

namespace weir::hls {

inline constexpr std::string_view kPlaylistType = "application/vnd.apple.mpegurl";

// How another media playlist of the same presentation stands (EXT-X-RENDITION-REPORT).
struct Report {
  std::string uri;
  Newest newest;
};

struct PlaylistOptions {
  std::string token;  // of the stream's names
  PlaylistType type = PlaylistType::live;
  Time longest_part{};  // of all lanes that are played together
  std::vector<Report> reports;
};

enum class Extent { full, delta };

// Of a CMAF lane; segments by their bare names, which are relative to the playlist's own URL. A
// delta of a list from which nothing can be skipped is the full list. Needs a target duration and
// something inside.
std::string media_playlist(const segments::Window&, const PlaylistOptions&, Extent);

// Of the ts lane: a plain list of version 3. Needs a segment.
std::string ts_playlist(const segments::Window&, PlaylistType);

// Segments of the list that a delta leaves out: older than six target durations.
size_t skippable(const segments::Window&);

// Gaps in front of a list that has just begun, so that it is three target durations long (RFC
// 8216bis 6.2.2) and players start after the first part. They bear the numbers before the first
// segment's, and go one by one as the list grows; a segment keeps its number. A pure function of
// the window, the same on every core. An event's list must not lose entries, so it has none.
size_t padding(const segments::Window&, PlaylistType);

// Whether EXT-X-PLAYLIST-TYPE:EVENT may be said: nothing has left the list since the lane began.
bool is_whole(const segments::Window&);

}  // namespace weir::hls
