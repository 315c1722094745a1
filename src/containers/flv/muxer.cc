// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/muxer.h"

#include <algorithm>

#include "base/check.h"
#include "containers/flv/amf0.h"
#include "containers/flv/config_record.h"
#include "containers/flv/enhanced.h"
#include "containers/flv/metadata.h"

namespace weir::flv {
namespace {

constexpr uint8_t kAvcSequenceHeader = 0, kAvcNalu = 1;
constexpr uint8_t kAacSequenceHeader = 0, kAacRaw = 1;
// E.4.2.1: AAC always says 44 kHz, 16 bits, stereo; the configuration tells the truth.
constexpr uint8_t kAacTag = 0xaf;

enum class Part { sequence_header, frame };

class HeaderWriter {
 public:
  explicit HeaderWriter(Message& m) : m_(m) {}
  void u8(uint8_t v) {
    CHECK(m_.header_size < m_.header.size(), "tag header fits");
    m_.header[m_.header_size++] = v;
  }
  void u24(uint32_t v) {
    u8(static_cast<uint8_t>(v >> 16));
    u8(static_cast<uint8_t>(v >> 8));
    u8(static_cast<uint8_t>(v));
  }
  void u32(uint32_t v) {
    u8(static_cast<uint8_t>(v >> 24));
    u24(v);
  }

 private:
  Message& m_;
};

bool is_legacy(Codec codec) {
  return codec == Codec::h264 || codec == Codec::aac || codec == Codec::mp3;
}

uint8_t mp3_tag(const AudioParams& params) {
  constexpr uint8_t kMp3 = 2 << 4, kMp3At8k = 14 << 4, k16Bits = 2;
  const uint8_t stereo = params.channels == 1 ? 0 : 1;
  const int rate = params.sample_rate;
  if (rate == 8000) return kMp3At8k | k16Bits | stereo;
  // The nearest that two bits can say; players go by the frame's own header.
  const int code = rate == 0 || rate > 24000 ? 3 : rate > 12000 ? 2 : 1;
  return static_cast<uint8_t>(kMp3 | code << 2 | k16Bits | stereo);
}

// What precedes the payload of one track's message. cts in milliseconds.
struct TagHead {
  const Track& track;
  uint8_t number;  // 0 is the kind's first
  Part part;
  bool keyframe;
  int32_t cts;

  void write(Message& m) const {
    m.type = track.kind() == Kind::video ? TagType::video : TagType::audio;
    HeaderWriter out(m);
    if (number == 0 && is_legacy(track.codec))
      legacy(out);
    else if (track.kind() == Kind::video)
      enhanced_video(out);
    else
      enhanced_audio(out);
  }

 private:
  FrameType frame_type() const { return keyframe ? FrameType::key : FrameType::inter; }
  uint32_t cts24() const { return static_cast<uint32_t>(cts) & 0xffffff; }

  void legacy(HeaderWriter& out) const {
    const bool frame = part == Part::frame;
    switch (track.codec) {
      case Codec::h264:
        out.u8(static_cast<uint8_t>(static_cast<uint8_t>(frame_type()) << 4 | 7));
        out.u8(frame ? kAvcNalu : kAvcSequenceHeader);
        out.u24(cts24());
        break;
      case Codec::aac:
        out.u8(kAacTag);
        out.u8(frame ? kAacRaw : kAacSequenceHeader);
        break;
      default: out.u8(mp3_tag(*track.audio())); break;
    }
  }

  void enhanced_video(HeaderWriter& out) const {
    const bool timed = track.codec == Codec::h264 || track.codec == Codec::h265;
    auto type = VideoPacketType::sequence_start;
    if (part == Part::frame)
      type = timed && cts == 0 ? VideoPacketType::coded_frames_x : VideoPacketType::coded_frames;
    const auto first = static_cast<uint8_t>(0x80 | static_cast<uint8_t>(frame_type()) << 4);
    numbered(out, first, static_cast<uint8_t>(VideoPacketType::multitrack),
             static_cast<uint8_t>(type));
    if (timed && type == VideoPacketType::coded_frames) out.u24(cts24());
  }

  void enhanced_audio(HeaderWriter& out) const {
    const auto type =
        part == Part::frame ? AudioPacketType::coded_frames : AudioPacketType::sequence_start;
    numbered(out, 9 << 4, static_cast<uint8_t>(AudioPacketType::multitrack),
             static_cast<uint8_t>(type));
  }

  void numbered(HeaderWriter& out, uint8_t first, uint8_t multitrack, uint8_t type) const {
    out.u8(static_cast<uint8_t>(first | (number == 0 ? type : multitrack)));
    // OneTrack is zero: the upper half of this byte.
    if (number > 0) out.u8(type);
    out.u32(fourcc_of(track.codec));
    if (number > 0) out.u8(number);
  }
};

int32_t composition_time(const Packet& p) {
  // SI24
  constexpr int64_t kMost = (1 << 23) - 1;
  return static_cast<int32_t>(
      std::clamp(to_ticks(p.pts, 1000) - to_ticks(p.dts, 1000), -kMost, kMost));
}

Message meta_data_message(const std::vector<NumberedTrack>& tracks, const Track* script, Time at) {
  Message m{.type = TagType::script, .dts = at};
  ByteWriter out;
  write_amf0(out, "onMetaData");
  write_amf0(out, make_meta_data(tracks, script ? script->config.span() : ByteSpan{}));
  m.payload = out.take();
  return m;
}

}  // namespace

std::vector<Message> Muxer::headers(const StreamInfo& info, Time at) {
  wire_tracks_.fill(kNotCarried);
  std::vector<NumberedTrack> carried;
  const Track* script = nullptr;
  uint8_t videos = 0, audios = 0;
  for (const auto& track : info.tracks) {
    if (track.kind() == Kind::data) {
      if (!script) script = &track;
      wire_tracks_[static_cast<uint8_t>(track.id)] = 0;
      continue;
    }
    auto& count = track.kind() == Kind::video ? videos : audios;
    if (count == kNotCarried || (count > 0 && options_.multitrack == Multitrack::leave_out))
      continue;
    wire_tracks_[static_cast<uint8_t>(track.id)] = count;
    carried.push_back({&track, count++});
  }

  std::vector<Message> all;
  // At zero whenever it is sent: FFmpeg takes a later onMetaData for a subtitle track.
  all.push_back(meta_data_message(carried, script, Time{}));
  for (const auto& [track, number] : carried) {
    if (!needs_sequence_header(track->codec)) continue;
    Message m{.dts = at, .payload = write_config_record(*track)};
    TagHead{*track, number, Part::sequence_header, true, 0}.write(m);
    all.push_back(std::move(m));
  }
  return all;
}

uint8_t Muxer::wire_track(TrackId id) const { return wire_tracks_[static_cast<uint8_t>(id)]; }

bool Muxer::carries(TrackId id) const { return wire_track(id) != kNotCarried; }

Result<Message> Muxer::message(const Track& track, const Packet& packet) const {
  const uint8_t number = wire_track(track.id);
  if (number == kNotCarried) return fail(Code::unsupported, "flv: track is not carried");
  Message m{.dts = packet.dts, .payload = packet.payload};
  if (track.kind() == Kind::data)
    m.type = TagType::script;
  else
    TagHead{track, number, Part::frame, packet.keyframe, composition_time(packet)}.write(m);
  if (m.size() > kMaxBodySize) return fail(Code::limit, "flv: packet too large for a tag");
  return m;
}

void write_tag(ByteWriter& out, const Message& m, uint32_t ms) {
  out.bytes(make_tag_header(m.type, m.size(), ms));
  out.bytes(m.head());
  out.bytes(m.payload);
  out.bytes(make_tag_trailer(m.size()));
}

}  // namespace weir::flv
