// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mp4/sample_entry.h"

#include <iterator>
#include <numeric>
#include <string>

#include "codecs/ac3.h"
#include "codecs/av1.h"
#include "codecs/flac.h"
#include "codecs/h264.h"
#include "codecs/h265.h"
#include "codecs/opus.h"
#include "codecs/vp9.h"
#include "containers/mp4/box_writer.h"

namespace weir::mp4 {

namespace {

constexpr int kMaxSize = 0xffff;

// Pictures.

Result<> set_size(Picture& p, int width, int height) {
  if (width <= 0 || height <= 0) return fail(Code::protocol, "mp4: the picture's size is unknown");
  if (width > kMaxSize || height > kMaxSize)
    return fail(Code::limit, "mp4: the picture is too big");
  p.width = static_cast<uint16_t>(width);
  p.height = static_cast<uint16_t>(height);
  return {};
}

// The size a track's parameters tell, for configurations that do not.
Result<> set_size(Picture& p, const Track& t) {
  const auto* v = t.video();
  return set_size(p, v ? v->width : 0, v ? v->height : 0);
}

template <class Sps>
Result<Picture> picture_of_sps(const Sps& sps) {
  Picture p;
  TRY(set_size(p, sps.width, sps.height));
  p.colour = sps.colour;
  p.sar_width = static_cast<uint16_t>(sps.sar_width);
  p.sar_height = static_cast<uint16_t>(sps.sar_height);
  // Past what `tkhd` has room for no display can follow: an encoder's mistake.
  if (uint64_t{p.width} * p.sar_width / p.sar_height > kMaxSize) p.sar_width = p.sar_height = 1;
  return p;
}

Result<Picture> picture_h264(const Track& t) {
  TRY(auto config, codecs::parse_avcc(t.config));
  TRY(auto sps, codecs::parse_h264_sps(config.sps[0]));
  return picture_of_sps(sps);
}

Result<Picture> picture_h265(const Track& t) {
  TRY(auto config, codecs::parse_hvcc(t.config));
  TRY(auto sps, codecs::parse_h265_sps(config.first(codecs::H265Nal::sps)));
  return picture_of_sps(sps);
}

Result<Picture> picture_av1(const Track& t) {
  TRY(auto config, codecs::parse_av1c(t.config));
  Picture p;
  for (codecs::ObuReader obus(config.obus); const auto obu = obus.next();) {
    if (obu->type != codecs::ObuType::sequence_header) continue;
    TRY(auto s, codecs::parse_av1_sequence(obu->payload));
    TRY(set_size(p, s.width, s.height));
    p.colour = {s.color_primaries, s.transfer, s.matrix, s.full_range};
    return p;
  }
  TRY(set_size(p, t));
  return p;
}

Result<Picture> picture_vp9(const Track& t) {
  TRY(auto c, codecs::parse_vpcc(t.config));
  Picture p;
  TRY(set_size(p, t));
  p.colour = {c.color_primaries, c.transfer, c.matrix, c.full_range};
  return p;
}

Result<Picture> no_picture(const Track&) {
  return fail(Code::unsupported, "mp4: not a codec of pictures that a file can carry");
}

// Configuration boxes, one function each: the box and nothing around it.

// ISO/IEC 14496-15 5.4.2.1. The payloads have 4-byte lengths, whatever the record came with.
Result<> write_avcc(const Track& t, ByteSpan, ByteWriter& out) {
  TRY(auto config, codecs::parse_avcc(t.config));
  config.length_size = 4;
  OpenBox box(out, "avcC");
  out.bytes(codecs::write_avcc(config));
  return {};
}

// ISO/IEC 14496-15 8.4.1.1: in `hvc1` the arrays of parameter sets are complete.
Result<> write_hvcc(const Track& t, ByteSpan, ByteWriter& out) {
  TRY(auto config, codecs::parse_hvcc(t.config));
  config.length_size = 4;
  for (auto& array : config.arrays)
    if (array.type >= codecs::H265Nal::vps && array.type <= codecs::H265Nal::pps)
      array.complete = true;
  OpenBox box(out, "hvcC");
  out.bytes(codecs::write_hvcc(config));
  return {};
}

Result<> write_av1c(const Track& t, ByteSpan, ByteWriter& out) {
  TRY(auto config, codecs::parse_av1c(t.config));
  OpenBox box(out, "av1C");
  out.bytes(codecs::write_av1c(config));
  return {};
}

Result<> write_vpcc(const Track& t, ByteSpan, ByteWriter& out) {
  TRY(auto config, codecs::parse_vpcc(t.config));
  OpenBox box(out, "vpcC", 1, 0);
  out.bytes(codecs::write_vpcc(config));
  return {};
}

// ISO/IEC 14496-1 8.3.3: a length in groups of seven bits; two of them are enough for what an
// AudioSpecificConfig may be.
constexpr size_t kMaxDescriptor = (1 << 14) - 1;

void write_descriptor(ByteWriter& out, uint8_t tag, ByteSpan body) {
  out.u8(tag);
  if (body.size() > 0x7f) out.u8(static_cast<uint8_t>(0x80 | body.size() >> 7));
  out.u8(body.size() & 0x7f);
  out.bytes(body);
}

// ISO/IEC 14496-14 5.6, 14496-1 7.2.6.5, 7.2.6.6.
Result<> write_esds(uint8_t object_type, ByteSpan specific, ByteWriter& out) {
  ByteWriter decoder, stream;
  decoder.u8(object_type);
  decoder.u8(0x05 << 2 | 1);  // audio stream; the low bit is reserved
  decoder.zeros(3 + 4 + 4);   // buffer size and bit rates: unknown
  if (!specific.empty()) write_descriptor(decoder, 5, specific);
  stream.u16(0);  // ES_ID: the track says it
  stream.u8(0);
  write_descriptor(stream, 4, decoder.span());
  stream.bytes(from_hex("060102"));  // SLConfigDescriptor, predefined for MP4
  if (stream.size() > kMaxDescriptor) return fail(Code::limit, "mp4: configuration too long");
  OpenBox box(out, "esds", 0, 0);
  write_descriptor(out, 3, stream.span());
  return {};
}

Result<> write_aac(const Track& t, ByteSpan, ByteWriter& out) {
  if (t.config.empty()) return fail(Code::protocol, "mp4: AAC without a configuration");
  return write_esds(0x40, t.config, out);
}

// 14496-1 table 5: 0x6b is MPEG-1 audio; MPEG-2 (and, for lack of another, 2.5) added the low
// rates.
Result<> write_mp3(const Track& t, ByteSpan, ByteWriter& out) {
  return write_esds(t.audio()->sample_rate < 32000 ? 0x69 : 0x6b, {}, out);
}

// Opus in ISOBMFF 4.3.2: OpusHead in big-endian order with a version of its own.
Result<> write_dops(const Track& t, ByteSpan, ByteWriter& out) {
  TRY(auto head, codecs::parse_opus_head(t.config));
  OpenBox box(out, "dOps");
  out.u8(0);
  out.u8(head.channels);
  out.u16(head.pre_skip);
  out.u32(head.input_rate);
  out.u16(static_cast<uint16_t>(head.gain));
  out.u8(head.mapping_family);
  if (head.mapping_family == 0) return {};
  out.u8(head.streams);
  out.u8(head.coupled);
  out.bytes(head.mapping);
  return {};
}

// FLAC in ISOBMFF 3.3.2: metadata blocks, STREAMINFO first and here also last.
Result<> write_dfla(const Track& t, ByteSpan, ByteWriter& out) {
  TRY(auto info, codecs::find_flac_stream_info(t.config));
  OpenBox box(out, "dfLa", 0, 0);
  out.u8(0x80);
  out.u24(static_cast<uint32_t>(info.size()));
  out.bytes(info);
  return {};
}

Result<> write_dac3(const Track&, ByteSpan first, ByteWriter& out) {
  TRY(auto body, codecs::write_dac3(first));
  OpenBox box(out, "dac3");
  out.bytes(body);
  return {};
}

Result<> write_dec3(const Track&, ByteSpan first, ByteWriter& out) {
  TRY(auto body, codecs::write_dec3(first));
  OpenBox box(out, "dec3");
  out.bytes(body);
  return {};
}

struct Row {
  Codec codec;
  std::string_view entry;
  Result<Picture> (*picture)(const Track&);
  Result<> (*configuration)(const Track&, ByteSpan first, ByteWriter&);
};

constexpr Row kRows[] = {
    {Codec::h264, "avc1", picture_h264, write_avcc},
    {Codec::h265, "hvc1", picture_h265, write_hvcc},
    {Codec::av1, "av01", picture_av1, write_av1c},
    {Codec::vp9, "vp09", picture_vp9, write_vpcc},
    {Codec::aac, "mp4a", no_picture, write_aac},
    {Codec::mp3, "mp4a", no_picture, write_mp3},
    {Codec::opus, "Opus", no_picture, write_dops},
    {Codec::flac, "fLaC", no_picture, write_dfla},
    {Codec::ac3, "ac-3", no_picture, write_dac3},
    {Codec::eac3, "ec-3", no_picture, write_dec3},
};

const Row* row_of(Codec codec) {
  for (const Row& row : kRows)
    if (row.codec == codec) return &row;
  return nullptr;
}

// SampleEntry: reserved, and the one data reference there is.
void write_entry_start(ByteWriter& out) {
  out.zeros(6);
  out.u16(1);
}

// 14496-12 12.1.3.2.
void write_visual_fields(const Picture& p, ByteWriter& out) {
  write_entry_start(out);
  out.zeros(16);
  out.u16(p.width);
  out.u16(p.height);
  out.u32(72 << 16);  // dots per inch, both ways
  out.u32(72 << 16);
  out.u32(0);
  out.u16(1);     // frames per sample
  out.zeros(32);  // compressor's name
  out.u16(24);    // depth
  out.u16(0xffff);
}

// 12.1.5 and 12.1.4.
void write_picture_boxes(const Picture& p, ByteWriter& out) {
  if (p.colour != codecs::Colour{}) {
    OpenBox box(out, "colr");
    out.text("nclx");
    out.u16(p.colour.primaries);
    out.u16(p.colour.transfer);
    out.u16(p.colour.matrix);
    out.u8(p.colour.full_range ? 0x80 : 0);
  }
  if (p.sar_width != p.sar_height) {
    const uint32_t common = std::gcd(p.sar_width, p.sar_height);
    OpenBox box(out, "pasp");
    out.u32(p.sar_width / common);
    out.u32(p.sar_height / common);
  }
}

// FLAC in ISOBMFF 3.3.1, and a good rule for all: rates that 16 bits cannot hold stand as a regular
// division; players take the real one from the configuration.
uint16_t expressible(int rate) {
  while (rate > kMaxSize && rate % 2 == 0) rate /= 2;
  return static_cast<uint16_t>(rate > kMaxSize ? kMaxSize : rate);
}

// 12.2.3.2.
Result<> write_audio_fields(const Track& t, ByteWriter& out) {
  uint16_t bits = 16;
  int rate = t.audio()->sample_rate;
  if (t.codec == Codec::flac) {
    TRY(auto info, codecs::parse_flac_stream_info(t.config));
    bits = static_cast<uint16_t>(info.bits_per_sample);
    rate = info.sample_rate;
  }
  if (t.codec == Codec::opus) rate = 48000;
  const int channels = t.audio()->channels;
  write_entry_start(out);
  out.zeros(8);
  out.u16(static_cast<uint16_t>(channels > 0 && channels <= kMaxSize ? channels : 2));
  out.u16(bits);
  out.u32(0);
  out.u32(uint32_t{expressible(rate)} << 16);
  return {};
}

}  // namespace

uint32_t Picture::display_width() const {
  const uint64_t wide = (uint64_t{width} << 16) * sar_width;
  return static_cast<uint32_t>((wide + sar_height / 2) / sar_height);
}

Result<Picture> describe_picture(const Track& track) {
  const Row* row = row_of(track.codec);
  return row ? row->picture(track) : no_picture(track);
}

bool has_sample_entry(Codec codec) { return row_of(codec) != nullptr; }

Result<> write_sample_entry(const Track& track, ByteSpan first, ByteWriter& out) {
  const Row* row = row_of(track.codec);
  if (!row)
    return fail(Code::unsupported,
                "mp4: " + std::string(to_string(track.codec)) + " cannot be carried");
  Picture picture;
  const bool visual = track.kind() == Kind::video;
  if (visual) {
    TRY(picture, describe_picture(track));
  } else if (!track.audio() || track.audio()->sample_rate <= 0) {
    return fail(Code::protocol, "mp4: the sample rate is unknown");
  }
  OpenBox box(out, row->entry);
  if (visual) {
    write_visual_fields(picture, out);
  } else {
    TRY(write_audio_fields(track, out));
  }
  TRY(row->configuration(track, first, out));
  if (visual) write_picture_boxes(picture, out);
  return {};
}

}  // namespace weir::mp4
