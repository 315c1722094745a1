// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/registry.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <utility>

#include "codecs/aac.h"
#include "codecs/ac3.h"
#include "codecs/av1.h"
#include "codecs/flac.h"
#include "codecs/h264.h"
#include "codecs/h265.h"
#include "codecs/mp3.h"
#include "codecs/opus.h"
#include "codecs/vp8.h"
#include "codecs/vp9.h"

namespace weir::codecs {

namespace {

// Lifts a describe function of one kind to the variant.
template <auto F>
Result<Params> params_of(ByteSpan in) {
  TRY(auto p, F(in));
  return Params(p);
}

template <class P>
Result<Params> no_config(ByteSpan) {
  return Params(P{});
}

Result<Params> not_in_frames(ByteSpan) {
  return fail(Code::unsupported, "codec does not describe itself in its frames");
}

Result<VideoParams> describe_vpcc(ByteSpan config) {
  if (auto c = parse_vpcc(config); !c) return fail(std::move(c).error());
  return VideoParams{};  // the record tells no size
}

Result<VideoParams> describe_vp8_frame(ByteSpan payload) {
  TRY(auto f, parse_vp8_frame(payload));
  if (!f.keyframe) return fail(Code::unsupported, "vp8: not a keyframe");
  return VideoParams{f.width, f.height, 0};
}

Result<VideoParams> describe_vp9_frame(ByteSpan payload) {
  TRY(auto f, parse_vp9_frame(payload));
  if (!f.keyframe) return fail(Code::unsupported, "vp9: not a keyframe");
  return VideoParams{f.width, f.height, 0};
}

Result<AudioParams> describe_mp3_frame(ByteSpan payload) {
  TRY(auto h, parse_mp3(payload));
  return AudioParams{h.sample_rate, h.channels};
}

Result<AudioParams> describe_ac3_frame(ByteSpan payload) {
  TRY(auto h, parse_ac3(payload));
  return AudioParams{h.sample_rate, h.channels};
}

// Names: an empty string for a configuration that does not parse.

std::string name_h264(ByteSpan config) {
  const auto c = parse_avcc(config);
  if (!c) return {};
  return fmt::format("avc1.{:02x}{:02x}{:02x}", c->profile, c->compatibility, c->level);
}

// ISO/IEC 14496-15 E.3.
std::string name_h265(ByteSpan config) {
  const auto c = parse_hvcc(config);
  if (!c) return {};
  const auto& p = c->general;
  uint32_t reversed = 0;
  for (int j = 0; j < 32; ++j) reversed |= (p.compatibility >> (31 - j) & 1) << j;
  const std::string_view space = std::array{"", "A", "B", "C"}[p.space & 3];
  auto s = fmt::format("hvc1.{}{}.{:X}.{}{}", space, p.profile, reversed, p.high_tier ? 'H' : 'L',
                       p.level);
  size_t last = p.constraints.size();
  while (last > 0 && p.constraints[last - 1] == 0) --last;
  for (size_t i = 0; i < last; ++i) s += fmt::format(".{:X}", p.constraints[i]);
  return s;
}

// AV1 in ISOBMFF 5.
std::string name_av1(ByteSpan config) {
  const auto c = parse_av1c(config);
  if (!c) return {};
  return fmt::format("av01.{}.{:02}{}.{:02}", c->profile, c->level, c->high_tier ? 'H' : 'M',
                     c->bit_depth());
}

std::string name_vp9(ByteSpan config) {
  const auto c = parse_vpcc(config);
  if (!c) return {};
  return fmt::format("vp09.{:02}.{:02}.{:02}", c->profile, c->level, c->bit_depth);
}

// RFC 6381 3.3: the object type that decodes it all: 5 with SBR, 29 with PS on top.
std::string name_aac(ByteSpan config) {
  const auto c = parse_audio_specific_config(config);
  if (!c) return {};
  return fmt::format("mp4a.40.{}", c->ps ? 29 : c->sbr ? 5 : c->object_type);
}

std::string name_plain(ByteSpan) { return {}; }

bool always(ByteSpan) { return true; }

// Durations: config and payload.

Time no_duration(ByteSpan, ByteSpan) { return {}; }

Time aac_duration(ByteSpan config, ByteSpan) {
  const auto c = parse_audio_specific_config(config);
  return c ? c->frame_duration() : Time{};
}

Time opus_duration(ByteSpan, ByteSpan payload) { return opus_packet_duration(payload); }

Time flac_duration(ByteSpan config, ByteSpan payload) {
  const auto s = parse_flac_stream_info(config);
  return s ? from_ticks(flac_frame_samples(payload), s->sample_rate) : Time{};
}

Time mp3_duration(ByteSpan, ByteSpan payload) { return mp3_payload_duration(payload); }

Time ac3_duration(ByteSpan, ByteSpan payload) { return ac3_payload_duration(payload); }

struct Row {
  Codec codec;
  std::string_view name;  // of RFC 6381, where the configuration adds nothing or does not parse
  std::string (*full_name)(ByteSpan config);
  Result<Params> (*describe)(ByteSpan config);
  Result<Params> (*describe_frame)(ByteSpan payload);
  bool (*is_keyframe)(ByteSpan payload);
  Time (*duration)(ByteSpan config, ByteSpan payload);
};

// In the order of Codec. MP3 is "mp4a.40.34" (layer III as an MPEG-4 object type) because that is
// what players of HLS know; lower-case opus and flac because Chromium plays these and not the
// others.
// clang-format off
constexpr Row kRows[] = {
    {Codec::h264, "avc1", name_h264,
     params_of<describe_avcc>, not_in_frames, h264_is_keyframe, no_duration},
    {Codec::h265, "hvc1", name_h265,
     params_of<describe_hvcc>, not_in_frames, h265_is_keyframe, no_duration},
    {Codec::av1, "av01", name_av1,
     params_of<describe_av1c>, not_in_frames, av1_is_keyframe, no_duration},
    {Codec::vp8, "vp8", name_plain,
     no_config<VideoParams>, params_of<describe_vp8_frame>, vp8_is_keyframe, no_duration},
    {Codec::vp9, "vp09", name_vp9,
     params_of<describe_vpcc>, params_of<describe_vp9_frame>, vp9_is_keyframe, no_duration},
    {Codec::aac, "mp4a.40.2", name_aac,
     params_of<describe_aac>, not_in_frames, always, aac_duration},
    {Codec::opus, "opus", name_plain,
     params_of<describe_opus>, not_in_frames, always, opus_duration},
    {Codec::flac, "flac", name_plain,
     params_of<describe_flac>, not_in_frames, always, flac_duration},
    {Codec::mp3, "mp4a.40.34", name_plain,
     no_config<AudioParams>, params_of<describe_mp3_frame>, always, mp3_duration},
    {Codec::ac3, "ac-3", name_plain,
     no_config<AudioParams>, params_of<describe_ac3_frame>, always, ac3_duration},
    {Codec::eac3, "ec-3", name_plain,
     no_config<AudioParams>, params_of<describe_ac3_frame>, always, ac3_duration},
    {Codec::script, "", name_plain,
     no_config<DataParams>, not_in_frames, always, no_duration},
};
// clang-format on

constexpr bool in_order() {
  for (size_t i = 0; i < std::size(kRows); ++i)
    if (static_cast<size_t>(kRows[i].codec) != i) return false;
  return true;
}
static_assert(in_order(), "rows stand in the order of Codec");
static_assert(std::size(kRows) == static_cast<size_t>(Codec::script) + 1, "one row per codec");

const Row& row_of(Codec codec) { return kRows[static_cast<size_t>(codec)]; }

}  // namespace

Result<Params> describe(Codec codec, ByteSpan config) { return row_of(codec).describe(config); }

Result<Params> describe_frame(Codec codec, ByteSpan payload) {
  return row_of(codec).describe_frame(payload);
}

std::string rfc6381(const Track& track) {
  const auto& row = row_of(track.codec);
  auto full = row.full_name(track.config);
  return full.empty() ? std::string(row.name) : full;
}

bool is_keyframe(Codec codec, ByteSpan payload) { return row_of(codec).is_keyframe(payload); }

Time frame_duration(const Track& track, ByteSpan payload) {
  return row_of(track.codec).duration(track.config, payload);
}

}  // namespace weir::codecs
