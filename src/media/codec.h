// Weir live-streaming server. MIT licence, see LICENSE.

// The codecs Weir can name. What a codec's headers look like is the codecs room's work; which wire
// identifiers it has is each container's. `script` is not a codec but rides like one: AMF0 data
// messages (onMetaData, onTextData ...) on a data track.
#pragma once

#include <string_view>

namespace weir {

enum class Codec { h264, h265, av1, vp8, vp9, aac, opus, flac, mp3, ac3, eac3, script };

enum class Kind { video, audio, data };

constexpr Kind kind_of(Codec c) {
  switch (c) {
    case Codec::h264:
    case Codec::h265:
    case Codec::av1:
    case Codec::vp8:
    case Codec::vp9: return Kind::video;
    case Codec::script: return Kind::data;
    default: return Kind::audio;
  }
}

// "h264", "aac" ... for logs, statistics and the API.
std::string_view to_string(Codec);

}  // namespace weir
