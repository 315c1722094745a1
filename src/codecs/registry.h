// Weir live-streaming server. MIT licence, see LICENSE.

// The table of codecs: one row each, so that rooms to the right ask questions by Codec instead of
// switching over it. A new codec is its own header and one row in registry.cc. Pure, any core.
// Leaves out wire identifiers, which belong to each container.
#pragma once

#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "media/codec.h"
#include "media/track.h"

namespace weir::codecs {

using Params = std::variant<VideoParams, AudioParams, DataParams>;

// What Track::params should say for a configuration. An empty configuration is right for codecs
// that have none (vp8, mp3, ac3, eac3, script): the params then hold zeros until describe_frame
// fills them.
Result<Params> describe(Codec, ByteSpan config);
// The same from a frame, for codecs that say it there: mp3, ac3, eac3, and keyframes of vp8 and
// vp9. Code::unsupported for the others.
Result<Params> describe_frame(Codec, ByteSpan payload);

// The codecs parameter of RFC 6381 and its registrations: "avc1.64001f", "mp4a.40.2". A
// configuration that does not parse gives the bare four-character name; script gives an empty
// string.
std::string rfc6381(const Track&);

// Decoding may start here. True for every payload of an audio or data codec.
bool is_keyframe(Codec, ByteSpan payload);

// Playing time of an audio payload; zero for other kinds and when it cannot be told.
Time frame_duration(const Track&, ByteSpan payload);

}  // namespace weir::codecs
