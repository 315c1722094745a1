// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/demuxer.h"

#include <algorithm>

#include "codecs/aac.h"
#include "codecs/av1.h"
#include "codecs/nal.h"
#include "codecs/registry.h"
#include "containers/flv/amf0.h"
#include "containers/flv/config_record.h"

namespace weir::flv {
namespace {

// E.4.3.1, and the number that HEVC was given before Enhanced RTMP.
constexpr uint8_t kAvc = 7, kHevcBeforeEnhanced = 12;
enum class AvcPacketType : uint8_t { sequence_header = 0, nalu = 1, end_of_sequence = 2 };
// E.4.2.1
enum class SoundFormat : uint8_t { mp3 = 2, enhanced = 9, aac = 10, mp3_8k = 14 };

constexpr uint8_t kMaxTracksOfKind = 64;
constexpr TrackId kScriptTrack{Demuxer::kScript};

bool is_key(FrameType type) { return type == FrameType::key || type == FrameType::generated_key; }

Time composition_time(ByteReader& in) {
  const auto ms = static_cast<int32_t>(in.u24() << 8) >> 8;
  return std::chrono::milliseconds(ms);
}

AudioParams told_by_tag(uint8_t first) {
  constexpr int kRates[] = {5512, 11025, 22050, 44100};
  const bool low = static_cast<SoundFormat>(first >> 4) == SoundFormat::mp3_8k;
  return {.sample_rate = low ? 8000 : kRates[first >> 2 & 3], .channels = first & 1 ? 2 : 1};
}

codecs::Params unknown_params(Kind kind) {
  switch (kind) {
    case Kind::video: return VideoParams{};
    case Kind::audio: return AudioParams{};
    case Kind::data: break;
  }
  return DataParams{};
}

}  // namespace

Demuxer::Output Demuxer::read(TagType type, int64_t timestamp_ms, Bytes body) {
  Output out;
  if (body.empty()) {
    ++counts_.empty;
    return out;
  }
  // A peer may wrap its clock without end; 139 years of it are told apart, so that nothing
  // overflows.
  constexpr int64_t kSpan = int64_t{1} << 42;
  const Time at = from_ticks(timestamp_ms % kSpan, 1000);
  switch (type) {
    case TagType::video: video(at, body, out); break;
    case TagType::audio: audio(at, body, out); break;
    case TagType::script: script(at, body, out); break;
    default: ++counts_.unsupported; break;
  }
  return out;
}

void Demuxer::video(Time at, const Bytes& body, Output& out) {
  if (body[0] & 0x80) return enhanced(Kind::video, at, body, out);
  const auto frame_type = static_cast<FrameType>(body[0] >> 4);
  const uint8_t codec_id = body[0] & 15;
  if (frame_type == FrameType::command) {
    ++counts_.ignored;
    return;
  }
  if (codec_id != kAvc && codec_id != kHevcBeforeEnhanced) {
    ++counts_.unsupported;
    return;
  }
  ByteReader in(body);
  in.skip(1);
  const auto packet_type = static_cast<AvcPacketType>(in.u8());
  const Time offset = composition_time(in);
  if (!in.ok()) {
    ++counts_.malformed;
    return;
  }
  const Codec codec = codec_id == kAvc ? Codec::h264 : Codec::h265;
  Bytes rest = body.slice(in.position());
  switch (packet_type) {
    case AvcPacketType::sequence_header: return config(codec, 0, rest, out);
    case AvcPacketType::nalu:
      return frame({.codec = codec,
                    .dts = at,
                    .pts = at + offset,
                    .keyframe = is_key(frame_type),
                    .payload = std::move(rest)},
                   out);
    case AvcPacketType::end_of_sequence: ++counts_.ignored; return;
  }
  ++counts_.malformed;
}

void Demuxer::audio(Time at, const Bytes& body, Output& out) {
  switch (static_cast<SoundFormat>(body[0] >> 4)) {
    case SoundFormat::enhanced: return enhanced(Kind::audio, at, body, out);
    case SoundFormat::mp3:
    case SoundFormat::mp3_8k:
      return frame({.codec = Codec::mp3,
                    .dts = at,
                    .pts = at,
                    .payload = body.slice(1),
                    .told = told_by_tag(body[0])},
                   out);
    case SoundFormat::aac: break;
    default: ++counts_.unsupported; return;
  }
  if (body.size() < 2) {
    ++counts_.empty;  // how some encoders say that there is no sound
  } else if (body[1] == 0) {
    config(Codec::aac, 0, body.slice(2), out);
  } else if (body[1] == 1) {
    frame({.codec = Codec::aac, .dts = at, .pts = at, .payload = body.slice(2)}, out);
  } else {
    ++counts_.malformed;
  }
}

void Demuxer::enhanced(Kind kind, Time at, const Bytes& body, Output& out) {
  auto reader = EnhancedReader::open(kind, body);
  if (!reader) {
    ++counts_.malformed;
    return;
  }
  if (reader->is_command()) ++counts_.ignored;
  while (auto part = reader->next()) {
    const auto codec = codec_of(part->fourcc);
    if (!codec || kind_of(*codec) != kind) {
      ++counts_.unsupported;
      continue;
    }
    const Time dts = at + reader->timestamp_offset();
    Frame f{.codec = *codec,
            .wire_track = part->track,
            .dts = dts,
            .pts = dts,
            .keyframe = is_key(reader->frame_type()),
            .payload = std::move(part->body)};
    if (kind == Kind::video)
      enhanced_video(reader->packet_type(), std::move(f), out);
    else
      enhanced_audio(reader->packet_type(), std::move(f), out);
  }
  if (!reader->ok()) ++counts_.malformed;
}

void Demuxer::enhanced_video(uint8_t packet_type, Frame f, Output& out) {
  switch (static_cast<VideoPacketType>(packet_type)) {
    case VideoPacketType::sequence_start: return config(f.codec, f.wire_track, f.payload, out);
    case VideoPacketType::coded_frames:
      if (f.codec == Codec::h264 || f.codec == Codec::h265) {
        ByteReader in(f.payload);
        f.pts += composition_time(in);
        f.payload = f.payload.slice(in.position());
      }
      return frame(std::move(f), out);
    case VideoPacketType::coded_frames_x: return frame(std::move(f), out);
    case VideoPacketType::sequence_end:
    case VideoPacketType::metadata: ++counts_.ignored; return;
    default: ++counts_.unsupported; return;
  }
}

void Demuxer::enhanced_audio(uint8_t packet_type, Frame f, Output& out) {
  switch (static_cast<AudioPacketType>(packet_type)) {
    case AudioPacketType::sequence_start: return config(f.codec, f.wire_track, f.payload, out);
    case AudioPacketType::coded_frames: return frame(std::move(f), out);
    case AudioPacketType::sequence_end:
    case AudioPacketType::multichannel_config: ++counts_.ignored; return;
    default: ++counts_.unsupported; return;
  }
}

void Demuxer::config(Codec codec, uint8_t wire_track, const Bytes& record, Output& out) {
  const auto id = track_id(kind_of(codec), wire_track);
  if (!id) return;
  if (!needs_sequence_header(codec)) {
    ++counts_.ignored;
    return;
  }
  auto read = read_config_record(codec, record);
  if (!read) {
    ++counts_.malformed;
    return;
  }
  const Track* before = find(*id);
  Wire& w = wire(*id);
  if (before && before->codec == codec && w.record == record) return;
  w.record = record;
  w.length_size = read->length_size;

  const auto params = codecs::describe(codec, read->canonical);
  Track track{.id = *id,
              .codec = codec,
              .config = std::move(read->canonical),
              .params = params ? *params : unknown_params(kind_of(codec)),
              .language = before ? before->language : std::string()};
  apply_announced(track);
  set_track(std::move(track), out);
}

void Demuxer::frame(Frame f, Output& out) {
  if (f.payload.empty()) {
    ++counts_.empty;
    return;
  }
  const auto id = track_id(kind_of(f.codec), f.wire_track);
  if (!id) return;
  const Track* track = find(*id);
  if (needs_sequence_header(f.codec) && (!track || track->codec != f.codec)) {
    ++counts_.before_config;
    return;
  }
  Bytes payload = canonical(f, *id);
  if (payload.empty()) return;
  f.payload = std::move(payload);
  // The sender's word, but some mark only the first one.
  f.keyframe = f.keyframe || codecs::is_keyframe(f.codec, f.payload);

  describe_from(f, *id, out);
  track = find(*id);
  if (!track || track->codec != f.codec) {
    ++counts_.malformed;
    return;
  }
  const Time duration = codecs::frame_duration(*track, f.payload);
  out.packets.push_back({.track = *id,
                         .dts = f.dts,
                         .pts = f.pts,
                         .duration = duration,
                         .keyframe = f.keyframe,
                         .payload = std::move(f.payload)});
}

Bytes Demuxer::canonical(Frame& f, TrackId id) {
  switch (f.codec) {
    case Codec::h264:
    case Codec::h265: {
      if (auto units = codecs::to_canonical(f.payload, wire(id).length_size)) return *units;
      // Start codes where lengths belong: against the format, but some devices do it.
      Bytes units = codecs::from_annexb(f.payload);
      if (units.empty()) ++counts_.malformed;
      return units;
    }
    case Codec::av1: {
      if (auto unit = codecs::av1_to_canonical(f.payload)) return *unit;
      ++counts_.malformed;
      return {};
    }
    case Codec::aac: {
      // 0xff cannot begin an access unit; some devices leave their ADTS header on.
      if (f.payload[0] != 0xff) return f.payload;
      const auto adts = codecs::parse_adts(f.payload);
      if (adts && adts->frame_size == f.payload.size() && adts->header_size < f.payload.size())
        return f.payload.slice(adts->header_size);
      ++counts_.malformed;
      return {};
    }
    default: return f.payload;
  }
}

void Demuxer::describe_from(const Frame& f, TrackId id, Output& out) {
  if (!needs_sequence_header(f.codec)) return describe_audio(f, id, out);
  if (!f.keyframe || kind_of(f.codec) != Kind::video) return;
  const Track* now = find(id);
  if (f.codec == Codec::vp8 || f.codec == Codec::vp9) {
    const auto params = codecs::describe_frame(f.codec, f.payload);
    if (!params) return;
    Track track = *now;
    track.params = *params;
    apply_announced(track);
    set_track(std::move(track), out);
  } else if (f.codec == Codec::av1 && now->video() && now->video()->width == 0) {
    // An av1C may come without the sequence header; the first keyframe has it.
    const auto found = codecs::av1_config_in_band(f.payload);
    if (!found) return;
    Track track = *now;
    track.config = codecs::write_av1c(*found);
    if (auto params = codecs::describe(f.codec, track.config)) track.params = *params;
    apply_announced(track);
    set_track(std::move(track), out);
  }
}

void Demuxer::describe_audio(const Frame& f, TrackId id, Output& out) {
  const Track* before = find(id);
  Track track{.id = id, .codec = f.codec, .params = f.told};
  if (before && before->codec == f.codec) track = *before;
  if (auto params = codecs::describe_frame(f.codec, f.payload))
    track.params = *params;
  else if (track.audio()->sample_rate == 0)
    return;
  set_track(std::move(track), out);
}

void Demuxer::script(Time at, const Bytes& body, Output& out) {
  ByteReader in(body);
  auto name = read_amf0(in);
  size_t start = 0;
  if (name && name->as_string() == "@setDataFrame") {
    start = in.position();
    name = read_amf0(in);
  }
  if (!name || !name->get<std::string>()) {
    ++counts_.malformed;
    return;
  }
  const std::string_view what = name->as_string();
  // Some senders let more bytes follow than values: the values count.
  const size_t values = in.position();
  size_t end = values;
  while (!in.at_end() && read_amf0(in)) end = in.position();
  if (what == "onMetaData") return meta_data(body.slice(values, end - values), out);
  // What servers tell players; it arrives here from streams we pull.
  if (what == "|RtmpSampleAccess" || what == "onStatus" || what == "@clearDataFrame") {
    ++counts_.ignored;
    return;
  }
  if (!find(kScriptTrack))
    set_track({.id = kScriptTrack, .codec = Codec::script, .params = DataParams{}}, out);
  out.packets.push_back({.track = kScriptTrack,
                         .dts = at,
                         .pts = at,
                         .keyframe = true,
                         .payload = body.slice(start, end - start)});
}

void Demuxer::meta_data(const Bytes& values, Output& out) {
  ByteReader in(values);
  const auto value = read_amf0(in);
  if (!value || !value->members()) {
    ++counts_.malformed;
    return;
  }
  const auto number = [&](std::string_view key) {
    const Value* v = value->find(key);
    return v ? v->as_number() : 0;
  };
  const auto size = [&](std::string_view key) {
    const double n = number(key);
    return n > 0 && n <= 65536 ? static_cast<int>(n) : 0;
  };
  double rate = number("framerate");
  if (!(rate > 0)) rate = number("videoframerate");
  announced_ = {.width = size("width"),
                .height = size("height"),
                .frame_rate = rate > 0 && rate <= 1000 ? rate : 0};
  if (const Track* main = find(TrackId{kVideo})) {
    Track track = *main;
    apply_announced(track);
    set_track(std::move(track), out);
  }
  set_track({.id = kScriptTrack, .codec = Codec::script, .config = values, .params = DataParams{}},
            out);
}

// Metadata speaks of the first video track. The size is the bitstream's to tell; the rate often
// only the sender knows.
void Demuxer::apply_announced(Track& track) const {
  auto* params = std::get_if<VideoParams>(&track.params);
  if (track.id != TrackId{kVideo} || !params) return;
  if (params->width == 0 || params->height == 0) {
    params->width = announced_.width;
    params->height = announced_.height;
  }
  if (announced_.frame_rate > 0) params->frame_rate = announced_.frame_rate;
}

void Demuxer::set_track(Track track, Output& out) {
  const auto at = std::ranges::lower_bound(tracks_, track.id, {}, &Track::id);
  if (at != tracks_.end() && at->id == track.id) {
    if (*at == track) return;
    *at = std::move(track);
  } else {
    tracks_.insert(at, std::move(track));
  }
  out.tracks_changed = true;
}

std::optional<TrackId> Demuxer::track_id(Kind kind, uint8_t wire_track) {
  if (wire_track >= kMaxTracksOfKind) {
    ++counts_.too_many_tracks;
    return std::nullopt;
  }
  return TrackId(static_cast<uint8_t>((kind == Kind::video ? kVideo : kAudio) + wire_track));
}

const Track* Demuxer::find(TrackId id) const {
  const auto at = std::ranges::find(tracks_, id, &Track::id);
  return at == tracks_.end() ? nullptr : &*at;
}

Demuxer::Wire& Demuxer::wire(TrackId id) {
  const auto at = std::ranges::find(wires_, id, &Wire::id);
  return at == wires_.end() ? wires_.emplace_back(Wire{.id = id}) : *at;
}

Bytes data_from_amf3_message(Bytes body) {
  return !body.empty() && body[0] == 0 ? body.slice(1) : body;
}

}  // namespace weir::flv
