// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mp4/writer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "codecs/h264.h"
#include "codecs/h265.h"
#include "codecs/nal.h"
#include "containers/mp4/box_writer.h"
#include "containers/mp4/sample_entry.h"

namespace weir::mp4 {

namespace {

constexpr uint32_t kTrackId = 1;  // each track is alone in its files
constexpr uint32_t kVideoClock = 90000, kOpusClock = 48000;

// Boxes of the header.

// 14496-12 6.2.2: rows of the unity matrix.
void write_matrix(ByteWriter& out) {
  for (const uint32_t v : {0x10000u, 0u, 0u, 0u, 0x10000u, 0u, 0u, 0u, 0x40000000u}) out.u32(v);
}

// `iso6` for movie fragments whose data offsets start at the `moof`; `cmfc` for 23000-19. Not
// `cmf2`, which wants composition offsets that start each fragment at its decoding time, nor
// `dash` and `msix`, which promise a segment index.
void write_file_type(const Track& t, ByteWriter& out) {
  OpenBox box(out, "ftyp");
  out.text("iso6");
  out.u32(0);
  out.text("iso6cmfcmp41");
  if (t.codec == Codec::av1) out.text("av01");  // AV1 in ISOBMFF 2.1
}

// Durations are zero: what follows is in fragments (23000-19 7.5.1).
void write_movie_header(uint32_t timescale, ByteWriter& out) {
  OpenBox box(out, "mvhd", 0, 0);
  out.zeros(8);  // times of creation and change
  out.u32(timescale);
  out.u32(0);
  out.u32(0x10000);  // rate
  out.u16(0x100);    // volume
  out.zeros(10);
  write_matrix(out);
  out.zeros(24);
  out.u32(kTrackId + 1);
}

void write_track_header(const Picture* picture, ByteWriter& out) {
  OpenBox box(out, "tkhd", 0, 3);  // enabled, in the movie
  out.zeros(8);
  out.u32(kTrackId);
  out.zeros(4 + 4 + 8 + 4);  // reserved, duration, reserved, layer and group
  out.u16(picture ? 0 : 0x100);
  out.u16(0);
  write_matrix(out);
  out.u32(picture ? picture->display_width() : 0);
  out.u32(picture ? picture->display_height() : 0);
}

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

// Three letters of ISO 639-2/T as they are; a tag of any other form is "und" and told by `elng`.
bool is_packable(std::string_view language) {
  return language.size() == 3 && std::all_of(language.begin(), language.end(), is_letter);
}

bool is_tag(std::string_view language) {
  return !language.empty() && language.size() <= 64 &&
         std::all_of(language.begin(), language.end(), [](char c) {
           return is_letter(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
         });
}

void write_media_header(const Track& t, ByteWriter& out) {
  const std::string_view code = is_packable(t.language) ? t.language : std::string_view("und");
  {
    OpenBox box(out, "mdhd", 0, 0);
    out.zeros(8);
    out.u32(timescale_of(t));
    out.u32(0);
    uint16_t packed = 0;
    for (const char c : code) packed = static_cast<uint16_t>(packed << 5 | (c - 0x60));
    out.u16(packed);
    out.u16(0);
  }
  if (is_packable(t.language) || !is_tag(t.language)) return;
  OpenBox box(out, "elng", 0, 0);
  out.text(t.language);
  out.u8(0);
}

void write_handler(bool video, ByteWriter& out) {
  OpenBox box(out, "hdlr", 0, 0);
  out.u32(0);
  out.text(video ? "vide" : "soun");
  out.zeros(12);
  out.text(video ? "video" : "sound");
  out.u8(0);
}

// Tables of samples: there, and empty.
void write_empty_tables(ByteWriter& out) {
  for (const std::string_view type : {"stts", "stsc", "stco"}) {
    OpenBox box(out, type, 0, 0);
    out.u32(0);
  }
  OpenBox box(out, "stsz", 0, 0);
  out.zeros(8);
}

Result<> write_media_information(const Track& t, ByteSpan first, ByteWriter& out) {
  OpenBox minf(out, "minf");
  if (t.kind() == Kind::video) {
    OpenBox box(out, "vmhd", 0, 1);
    out.zeros(8);
  } else {
    OpenBox box(out, "smhd", 0, 0);
    out.zeros(4);
  }
  {
    OpenBox dinf(out, "dinf");
    OpenBox dref(out, "dref", 0, 0);
    out.u32(1);
    OpenBox url(out, "url ", 0, 1);  // in this file
  }
  OpenBox stbl(out, "stbl");
  {
    OpenBox stsd(out, "stsd", 0, 0);
    out.u32(1);
    TRY(write_sample_entry(t, first, out));
  }
  write_empty_tables(out);
  return {};
}

// No edit list, and no roll group for Opus or AAC: an edit would have to be known before the first
// sample, and viewers who join later have no priming to cut; `dOps` tells the pre-skip. Chromium
// and ffmpeg take the pre-roll from the codec. Composition offsets are never negative, so that
// nothing needs shifting either.
Result<> write_movie(const Track& t, ByteSpan first, ByteWriter& out) {
  Picture picture;
  const bool video = t.kind() == Kind::video;
  if (video) {
    TRY(picture, describe_picture(t));
  }
  OpenBox moov(out, "moov");
  write_movie_header(timescale_of(t), out);
  {
    OpenBox trak(out, "trak");
    write_track_header(video ? &picture : nullptr, out);
    OpenBox mdia(out, "mdia");
    write_media_header(t, out);
    write_handler(video, out);
    TRY(write_media_information(t, first, out));
  }
  OpenBox mvex(out, "mvex");
  OpenBox trex(out, "trex", 0, 0);
  out.u32(kTrackId);
  out.u32(1);     // the sample entry
  out.zeros(12);  // defaults stand in each fragment
  return {};
}

// Chunks.

// 14496-12 8.8.3.1: sample_depends_on, sample_is_depended_on, sample_is_non_sync_sample.
constexpr uint32_t kSync = 2u << 24, kNonSync = 1u << 24 | 1u << 16, kDisposable = 2u << 22;

// No other picture is decoded from this one: nal_ref_idc is 0 in all its slices (H.264 7.4.1). The
// other codecs would need their slice headers parsed, so theirs stay "unknown".
bool is_disposable(const Track& t, ByteSpan payload) {
  if (t.codec != Codec::h264) return false;
  bool slices = false;
  for (codecs::NalReader nals(payload); const auto nal = nals.next();) {
    const auto type = static_cast<int>(codecs::h264_nal_type(*nal));
    if (type < 1 || type > 5) continue;
    if (((*nal)[0] & 0x60) != 0) return false;
    slices = true;
  }
  return slices;
}

uint32_t flags_of(const Track& t, const Sample& s) {
  if (t.kind() != Kind::video || s.keyframe) return kSync;
  return kNonSync | (is_disposable(t, s.payload) ? kDisposable : 0);
}

template <class T>
bool all_same(const std::vector<T>& v, size_t from = 0) {
  return std::all_of(v.begin() + static_cast<ptrdiff_t>(std::min(from, v.size())), v.end(),
                     [&v](const T& x) { return x == v.back(); });
}

// 8.8.7.1 and 8.8.8.1.
constexpr uint32_t kDefaultBaseIsMoof = 0x20000;
constexpr uint32_t kDefaultDuration = 0x8, kDefaultSize = 0x10, kDefaultFlags = 0x20;
constexpr uint32_t kDataOffset = 0x1, kFirstFlags = 0x4;
constexpr uint32_t kDuration = 0x100, kSize = 0x200, kFlags = 0x400, kOffset = 0x800;

// What the samples of a run share, and so is said once.
struct Run {
  std::vector<uint32_t> flags;
  uint32_t in_header = kDefaultBaseIsMoof | kDefaultFlags, in_run = kDataOffset;
  uint64_t bytes = 0;
};

Run plan(const Track& t, std::span<const Sample> samples) {
  Run run;
  bool durations = true, sizes = true, offsets = false;
  run.flags.reserve(samples.size());
  for (const auto& s : samples) {
    run.flags.push_back(flags_of(t, s));
    run.bytes += s.payload.size();
    durations = durations && s.duration == samples[0].duration;
    sizes = sizes && s.payload.size() == samples[0].payload.size();
    offsets = offsets || s.composition_offset != 0;
  }
  durations ? run.in_header |= kDefaultDuration : run.in_run |= kDuration;
  sizes ? run.in_header |= kDefaultSize : run.in_run |= kSize;
  if (offsets) run.in_run |= kOffset;
  if (!all_same(run.flags)) run.in_run |= all_same(run.flags, 1) ? kFirstFlags : kFlags;
  return run;
}

void write_fragment_header(const Run& run, const Sample& like, ByteWriter& out) {
  OpenBox box(out, "tfhd", 0, run.in_header);
  out.u32(kTrackId);
  if (run.in_header & kDefaultDuration) out.u32(like.duration);
  if (run.in_header & kDefaultSize) out.u32(static_cast<uint32_t>(like.payload.size()));
  out.u32(run.flags.back());
}

// Returns where the data offset stands.
size_t write_run(const Run& run, std::span<const Sample> samples, ByteWriter& out) {
  OpenBox box(out, "trun", 1, run.in_run);
  out.u32(static_cast<uint32_t>(samples.size()));
  const size_t offset_at = out.size();
  out.u32(0);
  if (run.in_run & kFirstFlags) out.u32(run.flags.front());
  for (size_t i = 0; i < samples.size(); ++i) {
    const Sample& s = samples[i];
    if (run.in_run & kDuration) out.u32(s.duration);
    if (run.in_run & kSize) out.u32(static_cast<uint32_t>(s.payload.size()));
    if (run.in_run & kFlags) out.u32(run.flags[i]);
    if (run.in_run & kOffset) out.u32(static_cast<uint32_t>(s.composition_offset));
  }
  return offset_at;
}

// Grows by doubling: chunk after chunk may go to one writer.
void make_room(ByteWriter& out, size_t more) {
  const size_t wanted = out.size() + more, have = out.vector().capacity();
  if (wanted > have) out.reserve(std::max(wanted, 2 * have));
}

// Payloads of H.264 and H.265.

// The parameter sets a configuration holds.
std::vector<Bytes> known_sets(const Track& t) {
  std::vector<Bytes> sets;
  if (t.codec == Codec::h264) {
    if (const auto c = codecs::parse_avcc(t.config))
      for (const auto* v : {&c->sps, &c->sps_ext, &c->pps})
        sets.insert(sets.end(), v->begin(), v->end());
  } else if (const auto c = codecs::parse_hvcc(t.config)) {
    for (const auto& a : c->arrays) sets.insert(sets.end(), a.nals.begin(), a.nals.end());
  }
  return sets;
}

bool is_parameter_set(Codec codec, ByteSpan nal) {
  if (codec == Codec::h264) {
    const auto type = codecs::h264_nal_type(nal);
    return type == codecs::H264Nal::sps || type == codecs::H264Nal::pps ||
           type == codecs::H264Nal::sps_extension;
  }
  const auto type = codecs::h265_nal_type(nal);
  return type >= codecs::H265Nal::vps && type <= codecs::H265Nal::pps;
}

bool has_parameter_sets(const Track& t, ByteSpan payload) {
  for (codecs::NalReader nals(payload); const auto nal = nals.next();)
    if (is_parameter_set(t.codec, *nal)) return true;
  return false;
}

}  // namespace

Result<> carries(const Track& track) {
  if (!has_sample_entry(track.codec))
    return fail(Code::unsupported,
                "mp4: " + std::string(to_string(track.codec)) + " cannot be carried");
  // These are described by their frames, of which there is none yet.
  if (track.codec == Codec::ac3 || track.codec == Codec::eac3) {
    if (!track.audio() || track.audio()->sample_rate <= 0)
      return fail(Code::protocol, "mp4: the sample rate is unknown");
    return {};
  }
  ByteWriter discarded;
  return write_sample_entry(track, {}, discarded);
}

uint32_t timescale_of(const Track& track) {
  if (track.kind() == Kind::video) return kVideoClock;
  const auto* audio = track.audio();
  if (track.codec == Codec::opus || !audio || audio->sample_rate <= 0) return kOpusClock;
  return static_cast<uint32_t>(audio->sample_rate);
}

Result<Bytes> write_header(const Track& track, ByteSpan first) {
  ByteWriter out;
  out.reserve(1024);
  write_file_type(track, out);
  TRY(write_movie(track, first, out));
  return out.take();
}

Bytes sample_payload(const Track& track, const Bytes& payload) {
  if (track.codec != Codec::h264 && track.codec != Codec::h265) return payload;
  if (!has_parameter_sets(track, payload)) return payload;
  const auto known = known_sets(track);
  // Runs of what stays, each from a length field to the next one: one run is a slice, as when an
  // encoder repeats its sets in front of a keyframe.
  std::vector<Bytes> kept;
  size_t begin = 0, end = 0;
  codecs::NalReader nals(payload);
  while (const auto nal = nals.next()) {
    const auto at = static_cast<size_t>(nal->data() - payload.data());
    const bool drop = is_parameter_set(track.codec, *nal) &&
                      std::any_of(known.begin(), known.end(), [&nal](const Bytes& k) {
                        return std::equal(k.begin(), k.end(), nal->begin(), nal->end());
                      });
    if (drop) {
      if (end > begin) kept.push_back(payload.slice(begin, end - begin));
      begin = at + nal->size();
    }
    end = at + nal->size();
  }
  if (end > begin) kept.push_back(payload.slice(begin, end - begin));
  // Broken lengths are for the decoder to judge, and a sample is never empty.
  if (!nals.ok() || kept.empty()) return payload;
  if (kept.size() == 1) return kept[0];
  ByteWriter out;
  out.reserve(payload.size());
  for (const auto& run : kept) out.bytes(run);
  return out.take();
}

void write_chunk(const Track& track, uint32_t sequence, uint64_t decode_time,
                 std::span<const Sample> samples, ByteWriter& out) {
  CHECK(!samples.empty(), "a chunk has a sample");
  const Run run = plan(track, samples);
  CHECK(run.bytes < 1u << 31, "a chunk's data fits in 31 bits");
  make_room(out, 128 + 16 * samples.size() + run.bytes);
  const size_t start = out.size();
  size_t offset_at = 0;
  {
    OpenBox moof(out, "moof");
    {
      OpenBox mfhd(out, "mfhd", 0, 0);
      out.u32(sequence);
    }
    OpenBox traf(out, "traf");
    write_fragment_header(run, samples.back(), out);
    {
      OpenBox tfdt(out, "tfdt", 1, 0);
      out.u64(decode_time);
    }
    offset_at = write_run(run, samples, out);
  }
  constexpr size_t kBoxHeader = 8;
  out.patch_u32(offset_at, static_cast<uint32_t>(out.size() - start + kBoxHeader));
  OpenBox mdat(out, "mdat");
  for (const auto& s : samples) out.bytes(s.payload);
}

// 23000-19 7.3.3: `cmfl` is a chunk, and so what begins a segment as well.
void write_segment_type(ByteWriter& out) {
  OpenBox box(out, "styp");
  out.text("msdh");
  out.u32(0);
  out.text("msdhcmfccmfl");
}

}  // namespace weir::mp4
