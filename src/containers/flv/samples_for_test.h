// Weir live-streaming server. MIT licence, see LICENSE.

// One believable track and keyframe per codec, for the tests of this folder. The configurations of
// H.264, H.265 and AV1 are those that x264, x265 and libaom made for a 64-pixel picture.
#pragma once

#include <vector>

#include "codecs/flac.h"
#include "codecs/opus.h"
#include "codecs/vp9.h"
#include "media/packet.h"

namespace weir::flv {

inline constexpr const char* kAvcRecord =
    "0164000affe1001867 64000aacd9447b0110000003001000000301 40f1225960 01000568ef839cb0fdf8f800";
inline constexpr const char* kHevcRecord =
    "0101600000009000000000001ef000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003"
    "001e959809a10001002942010101600000030090000003000003001ea02083165959ae4caf01680800000300080000"
    "03005040a2000100064401c173d089";
inline constexpr const char* kAv1Record = "81000c000a0a00000002afff9b5f2008";

struct Sample {
  Track track;
  Bytes keyframe;
};

inline Sample sample(Codec codec, TrackId id) {
  const VideoParams video{.width = 64, .height = 48, .frame_rate = 10};
  const auto make = [&](Bytes config, std::variant<VideoParams, AudioParams, DataParams> params,
                        const char* frame) {
    return Sample{{.id = id, .codec = codec, .config = std::move(config), .params = params},
                  from_hex(frame)};
  };
  switch (codec) {
    case Codec::h264: return make(from_hex(kAvcRecord), video, "00000003658880 0000000206f0");
    case Codec::h265: return make(from_hex(kHevcRecord), video, "00000004 2601ac10");
    case Codec::av1:
      return make(from_hex(kAv1Record), VideoParams{64, 64, 0},
                  "0a0a00000002afff9b5f2008 3204 10002000");
    case Codec::vp8: return make({}, VideoParams{64, 48, 0}, "100200 9d012a 40003000 00");
    case Codec::vp9:
      return make(codecs::write_vpcc({}), VideoParams{64, 48, 0}, "824983420003f002f0");
    case Codec::aac: return make(from_hex("121056e500"), AudioParams{44100, 2}, "21100400");
    case Codec::opus:
      return make(codecs::write_opus_head({.channels = 2, .pre_skip = 312}), AudioParams{48000, 2},
                  "fc fffe");
    case Codec::flac:
      return make(from_hex("100010000000000000000bb802f00000000000000000000000000000000000000000"),
                  AudioParams{48000, 2}, "fff8c9080000");
    case Codec::mp3: return make({}, AudioParams{44100, 2}, "fffb9064 00000000");
    case Codec::ac3: return make({}, AudioParams{48000, 2}, "0b770000 14 40 40 00 0000");
    case Codec::eac3: return make({}, AudioParams{48000, 2}, "0b77 00ff 34 80 0000 0000");
    case Codec::script: break;
  }
  return make({}, DataParams{}, "02 0006 6f6e54657874 05");
}

inline constexpr Codec kMediaCodecs[] = {Codec::h264, Codec::h265, Codec::av1,  Codec::vp8,
                                         Codec::vp9,  Codec::aac,  Codec::opus, Codec::flac,
                                         Codec::mp3,  Codec::ac3,  Codec::eac3};

}  // namespace weir::flv
