// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/enhanced.h"

#include <algorithm>
#include <array>

namespace weir::flv {
namespace {

struct Row {
  uint32_t fourcc;
  Codec codec;
};
constexpr std::array kCodes{
    Row{fourcc("avc1"), Codec::h264}, Row{fourcc("hvc1"), Codec::h265},
    Row{fourcc("av01"), Codec::av1},  Row{fourcc("vp08"), Codec::vp8},
    Row{fourcc("vp09"), Codec::vp9},  Row{fourcc("mp4a"), Codec::aac},
    Row{fourcc("Opus"), Codec::opus}, Row{fourcc("fLaC"), Codec::flac},
    Row{fourcc(".mp3"), Codec::mp3},  Row{fourcc("ac-3"), Codec::ac3},
    Row{fourcc("ec-3"), Codec::eac3},
};

constexpr uint8_t kModEx = 7;  // of video and audio alike
constexpr uint8_t kTimestampOffsetNano = 0;
constexpr uint32_t kNanosPerMilli = 1'000'000;

}  // namespace

std::optional<Codec> codec_of(uint32_t code) {
  const auto row = std::ranges::find(kCodes, code, &Row::fourcc);
  return row == kCodes.end() ? std::nullopt : std::optional(row->codec);
}

uint32_t fourcc_of(Codec codec) {
  const auto row = std::ranges::find(kCodes, codec, &Row::codec);
  return row == kCodes.end() ? 0 : row->fourcc;
}

Result<EnhancedReader> EnhancedReader::open(Kind kind, Bytes body) {
  EnhancedReader reader(kind, std::move(body));
  TRY(reader.header());
  return reader;
}

Result<> EnhancedReader::header() {
  const uint8_t first = in_.u8();
  packet_type_ = first & 15;
  if (kind_ == Kind::video) frame_type_ = static_cast<FrameType>(first >> 4 & 7);
  while (packet_type_ == kModEx && in_.ok()) mod_ex();

  const bool video = kind_ == Kind::video;
  if (video && frame_type_ == FrameType::command &&
      packet_type_ != static_cast<uint8_t>(VideoPacketType::metadata)) {
    command_ = done_ = true;
    return {};
  }
  const auto multitrack = video ? static_cast<uint8_t>(VideoPacketType::multitrack)
                                : static_cast<uint8_t>(AudioPacketType::multitrack);
  multitrack_ = packet_type_ == multitrack;
  if (multitrack_) {
    const uint8_t both = in_.u8();
    multitrack_type_ = static_cast<MultitrackType>(both >> 4);
    packet_type_ = both & 15;
    if (multitrack_type_ > MultitrackType::many_tracks_many_codecs || packet_type_ == multitrack)
      return fail(Code::protocol, "flv: multitrack type");
  }
  if (!multitrack_ || multitrack_type_ != MultitrackType::many_tracks_many_codecs)
    fourcc_ = in_.u32();
  if (!in_.ok()) return fail(Code::protocol, "flv: enhanced header past end");
  return {};
}

void EnhancedReader::mod_ex() {
  size_t size = in_.u8() + size_t{1};
  if (size == 256) size = in_.u16() + size_t{1};
  const ByteSpan data = in_.bytes(size);
  const uint8_t both = in_.u8();
  packet_type_ = both & 15;
  if (both >> 4 != kTimestampOffsetNano || data.size() < 3) return;
  const uint32_t nanos = ByteReader(data).u24();
  if (nanos < kNanosPerMilli) timestamp_offset_ = Time(nanos);
}

std::optional<EnhancedReader::Part> EnhancedReader::next() {
  if (done_) return std::nullopt;
  Part part;
  if (multitrack_ && multitrack_type_ == MultitrackType::many_tracks_many_codecs)
    fourcc_ = in_.u32();
  part.fourcc = fourcc_;
  if (multitrack_) part.track = in_.u8();
  size_t size = in_.left();
  if (multitrack_ && multitrack_type_ != MultitrackType::one_track) size = in_.u24();
  part.body = body_.slice(in_.position(), size);
  in_.skip(size);
  done_ = in_.at_end();
  if (in_.ok()) return part;
  ok_ = false;
  return std::nullopt;
}

}  // namespace weir::flv
