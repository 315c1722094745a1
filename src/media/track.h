// Weir live-streaming server. MIT licence, see LICENSE.

// Track and StreamInfo: what a decoder or muxer must know before the first packet. Immutable behind
// shared_ptr<const>; a change of codec, resolution or track set is a new StreamInfo with a higher
// version, sent in band before the packets it describes. Shared, any core.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media/codec.h"

namespace weir {

// Small integer, unique within one StreamInfo; stable across versions while the track lives.
enum class TrackId : uint8_t {};

struct VideoParams {
  int width = 0, height = 0;  // of the picture after cropping; zero when not known yet
  double frame_rate = 0;      // frames per second as announced; zero when unknown
  bool operator==(const VideoParams&) const = default;
};

struct AudioParams {
  int sample_rate = 0;  // Hz, of the decoded sound
  int channels = 0;
  bool operator==(const AudioParams&) const = default;
};

struct DataParams {
  bool operator==(const DataParams&) const = default;
};

struct Track {
  TrackId id{};
  Codec codec{};
  // The decoder configuration: avcC / hvcC / av1C / vpcC record, AudioSpecificConfig, OpusHead,
  // FLAC STREAMINFO (34 bytes); empty where the codec needs none (mp3, ac3, eac3). For `script`:
  // the AMF0 values of the last onMetaData without its name.
  Bytes config;
  std::variant<VideoParams, AudioParams, DataParams> params;
  std::string language;  // BCP 47, empty when unknown

  Kind kind() const { return kind_of(codec); }
  const VideoParams* video() const { return std::get_if<VideoParams>(&params); }
  const AudioParams* audio() const { return std::get_if<AudioParams>(&params); }
  bool operator==(const Track&) const = default;
};

struct StreamInfo {
  uint32_t version = 0;      // grows with every change
  uint32_t incarnation = 0;  // grows when another publisher takes over: the media is discontinuous
  WallTime epoch{};          // the wall-clock instant of Time zero
  std::vector<Track> tracks;

  const Track* find(TrackId) const;
  // The track that joins, gaps and segments go by: the first video track; nullptr without video.
  const Track* main_video() const;
  const Track* first(Kind) const;
};

using StreamInfoPtr = std::shared_ptr<const StreamInfo>;

}  // namespace weir
