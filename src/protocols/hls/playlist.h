// Weir live-streaming server. MIT licence, see LICENSE.

// Playlist text from a window of segments: the media playlist of the TS segments and the
// multivariant playlist that names it. Pure; made once per version of the window, on the stream's
// home core. RFC 8216 4.3 (tags), 6.2.1 (what a server must keep to).
#pragma once

#include <string>
#include <string_view>

#include "segments/store.h"

namespace weir::hls {

inline constexpr std::string_view kPlaylistType = "application/vnd.apple.mpegurl";
inline constexpr std::string_view kSegmentType = "video/mp2t";

// Segments by their bare names, which are relative to the playlist's own URL. Needs a segment.
std::string media_playlist(const segments::Window&);

// BANDWIDTH and AVERAGE-BANDWIDTH as measured; CODECS of the newest segment, RESOLUTION and
// FRAME-RATE where there is a picture. `media`: the URI of the media playlist. Needs a segment.
std::string multivariant_playlist(const segments::Window&, std::string_view media);

}  // namespace weir::hls
