// Weir live-streaming server. MIT licence, see LICENSE.

// Tracks and chunks out of any bytes, written and read back by the reader, which shares no code
// with the writer: what comes back is what was given.
#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "base/check.h"
#include "codecs/nal.h"
#include "containers/mp4/reader.h"
#include "containers/mp4/writer.h"

namespace {

using namespace weir;

struct Row {
  Codec codec;
  std::string_view entry;
  std::vector<std::string_view> configs;  // valid ones, in hexadecimal
  std::string_view frame;                 // a first payload
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {Codec::h264,
       "avc1",
       {"0164000cffe1001a6764000cacd941419f9f011000000300100000030320f142996001000668ebe0e4b22cfdf8"
        "f800",
        "01640015ffe1001667640015acd94141fb0110000003001000000303200001000668ebe3cb22c0fdf8f800"},
       "00000002 65b8"},
      {Codec::h265,
       "hvc1",
       {"0101600000009000000000003cf000fcfdf8f800000f03200001001840010c01ffff0160000003009000"
        "0003000003003c959809210001002b42010101600000030090000003000003003ca00a080b9f79656692"
        "4caf016808000003000800000300c84022000100074401c172b46240",
        "0102200000009000000000007bf000fcfdfafa00000f03200001001840010c01ffff0220000003009000"
        "0003000003007b959809210001002c42010102200000030090000003000003007ba003c08010e4d96566"
        "924caf016808000003000800000301904022000100074401c172b46240"},
       "00000003 2601af"},
      {Codec::av1,
       "av01",
       {"81040c00 0a0b000000043cfeccfbf90040", "81000c00", "812dfe1c"},
       "0a0100"},
      {Codec::vp9, "vp09", {"001f820202020000", "01000000023da20202020000"}, "88"},
      {Codec::aac, "mp4a", {"1190", "1210", "131056e598", "eb09880000", "1214"}, "de02"},
      {Codec::mp3, "mp4a", {""}, "fffb54c0"},
      {Codec::opus,
       "Opus",
       {"4f707573486561640101380180bb0000000000", "4f7075734865616401023801 44ac0000 00ff00"},
       "f8b4"},
      {Codec::flac,
       "fLaC",
       {"120012000000c20004ff0bb800f000002580bad7bf8f781a2330b6b7b8712dacb304"},
       "fff85a0800"},
      {Codec::ac3, "ac-3", {""}, "0b77b50b1e40ebf8"},
      {Codec::eac3, "ec-3", {""}, "0b7700bf3287c000"},
      {Codec::vp8, "", {""}, ""},
      {Codec::script, "", {""}, ""},
  };
  return all;
}

// Bytes of the input's own, or a valid record, or one with a byte changed.
Bytes any_of(ByteReader& in, std::string_view valid) {
  const uint8_t how = in.u8();
  if (how & 0x80) return Bytes::copy(in.bytes(std::min<size_t>(how & 0x7f, in.left())));
  const Bytes whole = from_hex(valid);
  if (!(how & 0x40) || whole.empty()) return whole;
  std::vector<uint8_t> changed(whole.begin(), whole.end());
  changed[in.u8() % changed.size()] ^= in.u8();
  return Bytes::take(std::move(changed));
}

Track make_track(const Row& row, ByteReader& in) {
  static constexpr int kRates[] = {48000, 44100, 8000, 96000, 192000, 0, -1, 24000};
  Track t{.codec = row.codec};
  t.config = any_of(in, row.configs[in.u8() % row.configs.size()]);
  if (t.kind() == Kind::video) t.params = VideoParams{in.u16(), in.u16(), 25};
  if (t.kind() == Kind::audio) {
    const int rate = kRates[in.u8() % std::size(kRates)];
    t.params = AudioParams{rate, in.u8()};
  }
  t.language = std::string(in.text(std::min<size_t>(in.u8() % 12, in.left())));
  return t;
}

struct Chunk {
  uint32_t sequence = 0;
  uint64_t decode_time = 0;
  std::vector<mp4::Sample> samples;
  bool styp = false;
  size_t begin = 0, end = 0;  // in the file
};

bool is_parameter_set(Codec codec, ByteSpan nal) {
  const int type = codec == Codec::h264 ? nal[0] & 0x1f : nal[0] >> 1 & 0x3f;
  return codec == Codec::h264 ? type == 7 || type == 8 || type == 13 : type >= 32 && type <= 34;
}

// A sample is its payload less some parameter sets, in order.
void check_payload(const Track& t, const Bytes& was, const Bytes& is) {
  codecs::NalReader all(was), kept(is);
  if (t.codec != Codec::h264 && t.codec != Codec::h265) CHECK(is == was, "payload as it was");
  CHECK(is.empty() == was.empty(), "a sample is not empty");
  if (is == was) return;
  auto next = kept.next();
  while (const auto nal = all.next()) {
    if (next && std::equal(nal->begin(), nal->end(), next->begin(), next->end()))
      next = kept.next();
    else
      CHECK(is_parameter_set(t.codec, *nal), "only parameter sets are left out");
  }
  CHECK(!next && kept.ok(), "nothing is added");
}

// Eight bits choose what the samples of a chunk have in common.
Chunk make_chunk(const Track& t, ByteReader& in) {
  const uint8_t how = in.u8();
  Chunk c;
  c.styp = how & 1;
  c.sequence = in.u32();
  c.decode_time = in.u64() >> 8;  // so that no sum of durations passes the end of time
  const size_t count = 1 + in.u8() % 32;
  const uint32_t duration = in.u32();
  const uint8_t size = in.u8();
  for (size_t i = 0; i < count; ++i) {
    mp4::Sample s;
    s.duration = how & 2 ? in.u32() : duration;
    s.composition_offset = how & 4 ? static_cast<int32_t>(in.u32()) : 0;
    s.keyframe = how & 8 ? in.u8() & 1 : i == 0;
    std::vector<uint8_t> payload(how & 16 ? in.u8() : size, static_cast<uint8_t>(i));
    if (how & 32) {
      const auto front = in.bytes(std::min<size_t>(payload.size(), in.left()));
      std::copy(front.begin(), front.end(), payload.begin());
    }
    const Bytes given = Bytes::take(std::move(payload));
    s.payload = mp4::sample_payload(t, given);
    check_payload(t, given, s.payload);
    c.samples.push_back(std::move(s));
  }
  return c;
}

void check_header(const Track& t, const Row& row, const mp4::Header& h) {
  CHECK(h.tracks.size() == 1, "a file has one track");
  const auto& track = h.tracks[0];
  CHECK(track.timescale == mp4::timescale_of(t), "timescale");
  CHECK(track.handler == (t.kind() == Kind::video ? "vide" : "soun"), "handler");
  CHECK(track.entry == row.entry, "name of the sample entry");
  CHECK(!track.extensions.empty() && !track.configuration.empty(), "a configuration");
}

void check_samples(const Track& t, const Chunk& c, const mp4::ReadChunk& read) {
  CHECK(read.sequence == c.sequence, "sequence");
  CHECK(read.samples.size() == c.samples.size(), "as many samples");
  uint64_t time = c.decode_time;
  for (size_t i = 0; i < c.samples.size(); ++i) {
    const auto& was = c.samples[i];
    const auto& is = read.samples[i];
    CHECK(is.decode_time == time, "decoding time");
    CHECK(is.duration == was.duration, "duration");
    CHECK(is.composition_offset == was.composition_offset, "composition offset");
    CHECK(is.sync() == (t.kind() == Kind::audio || was.keyframe), "sync flag");
    CHECK(Bytes::copy(is.payload) == was.payload, "payload");
    time += was.duration;
  }
}

void check_chunk_alone(const Track& t, const Chunk& c, const mp4::Header& h, ByteSpan file) {
  const ByteSpan part = file.subspan(c.begin, c.end - c.begin);
  const auto chunks = mp4::read_chunks(h, part);
  CHECK(chunks && chunks->size() == 1, "a chunk reads on its own");
  check_samples(t, c, chunks->front());
  size_t at = 0;
  if (c.styp) CHECK(mp4::next_box(part, at)->type == "styp", "styp first");
  CHECK(mp4::next_box(part, at)->type == "moof", "then moof");
  const auto mdat = mp4::next_box(part, at);
  CHECK(mdat && mdat->type == "mdat" && at == part.size(), "then mdat, and nothing more");
  size_t bytes = 0;
  for (const auto& s : c.samples) bytes += s.payload.size();
  CHECK(mdat->body.size() == bytes, "nothing but payload in it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader in(ByteSpan(data, size));
  const Row& row = rows()[in.u8() % rows().size()];
  const Track t = make_track(row, in);
  const Bytes first = any_of(in, row.frame);
  const bool carried = mp4::carries(t).has_value();
  CHECK(!carried || !row.entry.empty(), "codecs without a binding are refused");
  if (!carried) return 0;
  const auto header = mp4::write_header(t, first);
  const bool by_frame = t.codec == Codec::ac3 || t.codec == Codec::eac3 || t.codec == Codec::mp3;
  CHECK(header || by_frame, "what carries() allows can be written");
  if (!header) return 0;

  ByteWriter out;
  out.bytes(*header);
  std::vector<Chunk> chunks(1 + in.u8() % 4);
  for (auto& c : chunks) {
    c = make_chunk(t, in);
    c.begin = out.size();
    if (c.styp) mp4::write_segment_type(out);
    mp4::write_chunk(t, c.sequence, c.decode_time, c.samples, out);
    c.end = out.size();
  }
  const auto read = mp4::read_header(out.span());
  CHECK(read, "the header reads");
  check_header(t, row, *read);
  const auto all = mp4::read_chunks(*read, out.span().subspan(header->size()));
  CHECK(all && all->size() == chunks.size(), "as many chunks");
  for (size_t i = 0; i < chunks.size(); ++i) {
    CHECK((*all)[i].track_id == read->tracks[0].track_id, "the one track");
    check_samples(t, chunks[i], (*all)[i]);
    check_chunk_alone(t, chunks[i], *read, out.span());
  }
  return 0;
}
