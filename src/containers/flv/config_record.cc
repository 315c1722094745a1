// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/config_record.h"

#include "codecs/aac.h"
#include "codecs/av1.h"
#include "codecs/flac.h"
#include "codecs/h264.h"
#include "codecs/h265.h"
#include "codecs/nal.h"
#include "codecs/opus.h"
#include "codecs/vp9.h"

namespace weir::flv {
namespace {

// lengthSizeMinusOne: the low two bits of this byte.
constexpr size_t kAvcLengthAt = 4, kHevcLengthAt = 21;

Bytes with_four_byte_lengths(const Bytes& record, size_t at) {
  if ((record[at] & 3) == 3) return record;
  std::vector<uint8_t> copy(record.begin(), record.end());
  copy[at] |= 3;
  return Bytes::take(std::move(copy));
}

// Some devices put start-coded parameter sets where the record belongs.
bool is_start_coded(const Bytes& b) {
  return b.size() > 4 && b[0] == 0 && b[1] == 0 && (b[2] == 1 || (b[2] == 0 && b[3] == 1));
}

Result<ConfigRecord> read_avc(const Bytes& wire) {
  if (is_start_coded(wire)) {
    TRY(const auto found, codecs::avc_config_in_band(codecs::from_annexb(wire)));
    return ConfigRecord{codecs::write_avcc(found)};
  }
  TRY(const auto config, codecs::parse_avcc(wire));
  return ConfigRecord{with_four_byte_lengths(wire, kAvcLengthAt), config.length_size};
}

Result<ConfigRecord> read_hevc(const Bytes& wire) {
  if (is_start_coded(wire)) {
    TRY(const auto found, codecs::hevc_config_in_band(codecs::from_annexb(wire)));
    return ConfigRecord{codecs::write_hvcc(found)};
  }
  TRY(const auto config, codecs::parse_hvcc(wire));
  return ConfigRecord{with_four_byte_lengths(wire, kHevcLengthAt), config.length_size};
}

// The record as the vpcC box of ISO BMFF holds it, version 1 and no flags in front: the
// specification leaves it open, and this is what FFmpeg sends and expects.
Bytes with_version(ByteSpan record) {
  ByteWriter out;
  out.u32(0x01000000);
  out.bytes(record);
  return out.take();
}

Result<ConfigRecord> read_opus(const Bytes& wire) {
  // An empty one means mono or stereo by default.
  if (wire.empty()) return ConfigRecord{codecs::write_opus_head({})};
  TRY(codecs::parse_opus_head(wire));
  return ConfigRecord{wire};
}

}  // namespace

bool needs_sequence_header(Codec codec) {
  switch (codec) {
    case Codec::mp3:
    case Codec::ac3:
    case Codec::eac3:
    case Codec::script: return false;
    default: return true;
  }
}

Result<ConfigRecord> read_config_record(Codec codec, const Bytes& wire) {
  switch (codec) {
    case Codec::h264: return read_avc(wire);
    case Codec::h265: return read_hevc(wire);
    case Codec::opus: return read_opus(wire);
    case Codec::av1: {
      TRY(codecs::parse_av1c(wire));
      return ConfigRecord{wire};
    }
    case Codec::vp9: {
      TRY(const auto config, codecs::parse_vpcc(wire));
      return ConfigRecord{codecs::write_vpcc(config)};
    }
    case Codec::aac: {
      TRY(codecs::parse_audio_specific_config(wire));
      return ConfigRecord{wire};
    }
    case Codec::flac: {
      TRY(const auto info, codecs::find_flac_stream_info(wire));
      return ConfigRecord{wire.slice(static_cast<size_t>(info.data() - wire.data()), info.size())};
    }
    default: return ConfigRecord{};
  }
}

Bytes write_config_record(const Track& track) {
  switch (track.codec) {
    case Codec::flac: return codecs::write_flac_header(track.config);
    // Our configuration of VP8 is empty; the wire wants a record.
    case Codec::vp8: return with_version(codecs::write_vpcc({}));
    case Codec::vp9: return with_version(track.config);
    default: return track.config;
  }
}

}  // namespace weir::flv
