// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/elementary.h"

#include "codecs/h264.h"
#include "codecs/h265.h"
#include "codecs/nal.h"
#include "codecs/registry.h"
#include "containers/mpegts/pes.h"

namespace weir::mpegts {
namespace {

// Access unit delimiters that allow every slice type: H.264 7.4.2.4 (primary_pic_type 7),
// H.265 7.4.3.5 (pic_type 2).
constexpr uint8_t kH264Aud[] = {9, 0xf0};
constexpr uint8_t kH265Aud[] = {35 << 1, 1, 0x50};

}  // namespace

Result<Elementary> Elementary::make(const Track& track) {
  Elementary e;
  e.track_ = track;
  switch (track.codec) {
    case Codec::h264: {
      e.type_ = StreamType::h264;
      TRY(const auto config, codecs::parse_avcc(track.config));
      e.parameter_sets_ = codecs::annexb_parameter_sets(config);
      return e;
    }
    case Codec::h265: {
      e.type_ = StreamType::h265;
      e.registration_ = four_cc("HEVC");
      TRY(const auto config, codecs::parse_hvcc(track.config));
      e.parameter_sets_ = codecs::annexb_parameter_sets(config);
      return e;
    }
    case Codec::aac: {
      e.type_ = StreamType::aac_adts;
      TRY(e.aac_, codecs::parse_audio_specific_config(track.config));
      TRY(codecs::write_adts(e.aac_, 0));
      return e;
    }
    case Codec::mp3: {
      // 13818-3 is the half-rate extension: 24 kHz and below.
      const auto* audio = track.audio();
      const bool half = audio && audio->sample_rate != 0 && audio->sample_rate < 32000;
      e.type_ = half ? StreamType::mpeg2_audio : StreamType::mpeg1_audio;
      return e;
    }
    case Codec::ac3:
      e.type_ = StreamType::ac3;
      e.registration_ = four_cc("AC-3");
      return e;
    case Codec::eac3:
      e.type_ = StreamType::eac3;
      e.registration_ = four_cc("EAC3");
      return e;
    default: break;
  }
  return fail(Code::unsupported,
              "MPEG-TS cannot carry " + std::string(to_string(track.codec)) + " here");
}

uint8_t Elementary::stream_id() const {
  if (kind() == Kind::video) return kVideoStreamId;
  // A/52 A3.2: AC-3 rides in private_stream_1.
  const bool dolby = type_ == StreamType::ac3 || type_ == StreamType::eac3;
  return dolby ? kPrivateStreamId : kAudioStreamId;
}

Result<> Elementary::append(const Packet& p, std::vector<uint8_t>& out) const {
  switch (track_.codec) {
    case Codec::h264: append_h264(p, out); break;
    case Codec::h265: append_h265(p, out); break;
    case Codec::aac: {
      TRY(const auto header, codecs::write_adts(aac_, p.payload.size()));
      out.insert(out.end(), header.begin(), header.end());
      out.insert(out.end(), p.payload.begin(), p.payload.end());
      break;
    }
    default: out.insert(out.end(), p.payload.begin(), p.payload.end());
  }
  return {};
}

void Elementary::append_h264(const Packet& p, std::vector<uint8_t>& out) const {
  codecs::append_annexb_nal(out, kH264Aud);
  bool own_sets = false;
  for (codecs::NalReader nals(p.payload); const auto nal = nals.next();)
    own_sets = own_sets || codecs::h264_nal_type(*nal) == codecs::H264Nal::sps;
  if (p.keyframe && !own_sets)
    out.insert(out.end(), parameter_sets_.begin(), parameter_sets_.end());
  for (codecs::NalReader nals(p.payload); const auto nal = nals.next();)
    if (codecs::h264_nal_type(*nal) != codecs::H264Nal::aud) codecs::append_annexb_nal(out, *nal);
}

void Elementary::append_h265(const Packet& p, std::vector<uint8_t>& out) const {
  codecs::append_annexb_nal(out, kH265Aud);
  bool own_sets = false;
  for (codecs::NalReader nals(p.payload); const auto nal = nals.next();)
    own_sets = own_sets || codecs::h265_nal_type(*nal) == codecs::H265Nal::vps;
  if (p.keyframe && !own_sets)
    out.insert(out.end(), parameter_sets_.begin(), parameter_sets_.end());
  for (codecs::NalReader nals(p.payload); const auto nal = nals.next();)
    if (codecs::h265_nal_type(*nal) != codecs::H265Nal::aud) codecs::append_annexb_nal(out, *nal);
}

Time Elementary::duration(const Packet& p) const {
  if (track_.codec == Codec::aac) return aac_.frame_duration();
  return p.duration > 0ns ? p.duration : codecs::frame_duration(track_, p.payload);
}

}  // namespace weir::mpegts
