// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mp4/reader.h"

#include <algorithm>
#include <bit>
#include <initializer_list>

namespace weir::mp4 {
namespace {

constexpr size_t kTracks = 64;  // more than any file we made; keeps look-ups cheap

std::unexpected<Error> wrong(std::string_view what) {
  return fail(Code::protocol, "mp4: " + std::string(what));
}

// Payload that lies behind the input: a file cut short when its last box is cut too, else wrong.
std::unexpected<Error> past_end() { return fail(Code::closed, "mp4: a sample lies past the end"); }

// ISO/IEC 14496-12 4.2: size, type, and a 64-bit size for size 1; size 0 reaches to the end.
enum class Next { box, end, cut, wrong };

Next step(ByteSpan in, size_t& at, Box& box) {
  if (at >= in.size()) return Next::end;
  const ByteSpan rest = in.subspan(at);
  ByteReader r(rest);
  uint64_t size = r.u32();
  box.type = r.text(4);
  if (size == 1)
    size = r.u64();
  else if (size == 0)
    size = rest.size();
  if (box.type == "uuid") r.skip(16);
  if (!r.ok()) return Next::cut;
  if (size < r.position()) return Next::wrong;
  if (size > rest.size()) return Next::cut;
  box.offset = at;
  box.body = rest.subspan(r.position(), static_cast<size_t>(size) - r.position());
  at += static_cast<size_t>(size);
  return Next::box;
}

// True when the boxes from `at` on do not end where the input does, or their last one may have been
// longer: the input is the front of a longer file.
bool cut_short(ByteSpan in, size_t at) {
  if (at == in.size()) return true;
  Box box;
  for (Next next;;) {
    next = step(in, at, box);
    if (next == Next::cut) return true;
    if (next != Next::box) return false;
    if (ByteReader(in.subspan(box.offset)).u32() == 0) return true;
  }
}

// The boxes of one level; all have to fit.
Result<std::vector<Box>> children(ByteSpan in) {
  std::vector<Box> out;
  Box box;
  for (size_t at = 0;;) switch (step(in, at, box)) {
      case Next::box: out.push_back(box); break;
      case Next::end: return out;
      default: return wrong("a box does not fit the box around it");
    }
}

const Box* find(const std::vector<Box>& boxes, std::string_view type) {
  const auto it = std::find_if(boxes.begin(), boxes.end(), [&](auto& b) { return b.type == type; });
  return it == boxes.end() ? nullptr : &*it;
}

// The body of the first box at the end of a path of types.
Result<ByteSpan> descend(ByteSpan in, std::initializer_list<std::string_view> path) {
  for (const auto type : path) {
    TRY(const auto boxes, children(in));
    const Box* box = find(boxes, type);
    if (!box) return wrong("no " + std::string(type));
    in = box->body;
  }
  return in;
}

struct FullBox {
  uint8_t version = 0;
  uint32_t flags = 0;
};

// 4.2: version and flags. `newest` is the last version whose layout we know.
Result<FullBox> full_box(ByteReader& r, uint8_t newest) {
  const FullBox b{r.u8(), r.u24()};
  if (!r.ok()) return wrong("a box without a version");
  if (b.version > newest) return fail(Code::unsupported, "mp4: a box of a later version");
  return b;
}

// 8.3.2
Result<uint32_t> read_track_id(ByteSpan tkhd) {
  ByteReader r(tkhd);
  TRY(const auto box, full_box(r, 1));
  r.skip(box.version == 1 ? 16 : 8);
  const uint32_t id = r.u32();
  if (!r.ok() || id == 0) return wrong("tkhd without a track");
  return id;
}

// 8.4.2
Result<uint32_t> read_timescale(ByteSpan mdhd) {
  ByteReader r(mdhd);
  TRY(const auto box, full_box(r, 1));
  r.skip(box.version == 1 ? 16 : 8);
  const uint32_t scale = r.u32();
  if (!r.ok() || scale == 0) return wrong("mdhd without a timescale");
  return scale;
}

// 8.4.3
Result<std::string> read_handler(ByteSpan hdlr) {
  ByteReader r(hdlr);
  TRY(full_box(r, 0));
  r.skip(4);
  const auto type = r.text(4);
  if (!r.ok()) return wrong("hdlr too short");
  return std::string(type);
}

// 12.1.3, 12.2.3: what stands between the common fields and the boxes of an entry.
Result<> read_entry(const Box& entry, TrackHeader& t) {
  t.entry = entry.type;
  ByteReader r(entry.body);
  r.skip(8);  // reserved, data reference
  if (t.handler == "vide") {
    r.skip(16);
    t.width = r.u16();
    t.height = r.u16();
    r.skip(50);
  } else if (t.handler == "soun") {
    r.skip(8);
    t.channels = r.u16();
    r.skip(6);
    t.sample_rate = r.u32() >> 16;
  }
  if (!r.ok()) return wrong("sample entry too short");
  if (t.handler != "vide" && t.handler != "soun") return {};
  TRY(const auto boxes, children(r.rest()));
  for (const Box& b : boxes) t.extensions.emplace_back(b.type);
  if (!boxes.empty()) t.configuration = boxes[0].body;
  return {};
}

// 8.5.2: the first entry stands for the track.
Result<> read_description(ByteSpan stsd, TrackHeader& t) {
  ByteReader r(stsd);
  TRY(full_box(r, 1));
  const uint32_t count = r.u32();
  const ByteSpan rest = r.rest();
  TRY(const auto entries, children(rest));
  if (count == 0 || count != entries.size()) return wrong("stsd: not the entries it says");
  return read_entry(entries[0], t);
}

Result<TrackHeader> read_track(ByteSpan trak) {
  TrackHeader t;
  TRY(const auto tkhd, descend(trak, {"tkhd"}));
  TRY(t.track_id, read_track_id(tkhd));
  TRY(const auto mdia, descend(trak, {"mdia"}));
  TRY(const auto mdhd, descend(mdia, {"mdhd"}));
  TRY(t.timescale, read_timescale(mdhd));
  TRY(const auto hdlr, descend(mdia, {"hdlr"}));
  TRY(t.handler, read_handler(hdlr));
  TRY(const auto stsd, descend(mdia, {"minf", "stbl", "stsd"}));
  TRY(read_description(stsd, t));
  return t;
}

// 8.8.3
Result<> read_defaults(ByteSpan trex, Header& h) {
  ByteReader r(trex);
  TRY(full_box(r, 0));
  const uint32_t id = r.u32();
  r.skip(4);
  const uint32_t duration = r.u32(), size = r.u32(), flags = r.u32();
  if (!r.ok()) return wrong("trex too short");
  for (auto& t : h.tracks) {
    if (t.track_id != id) continue;
    t.default_duration = duration;
    t.default_size = size;
    t.default_flags = flags;
  }
  return {};
}

Result<> read_movie(ByteSpan moov, Header& h) {
  TRY(const auto boxes, children(moov));
  for (const Box& b : boxes) {
    if (b.type != "trak") continue;
    if (h.tracks.size() == kTracks) return fail(Code::limit, "mp4: too many tracks");
    TRY(auto t, read_track(b.body));
    for (const auto& other : h.tracks)
      if (other.track_id == t.track_id) return wrong("two tracks of one number");
    h.tracks.push_back(std::move(t));
  }
  for (const Box& b : boxes) {
    if (b.type != "mvex") continue;
    TRY(const auto extends, children(b.body));
    for (const Box& e : extends)
      if (e.type == "trex") TRY(read_defaults(e.body, h));
  }
  return {};
}

// 4.3
Result<> read_brands(ByteSpan ftyp, Header& h) {
  ByteReader r(ftyp);
  h.major_brand = r.text(4);
  r.skip(4);
  if (!r.ok() || r.left() % 4 != 0) return wrong("ftyp of an odd size");
  h.brands.clear();
  while (!r.at_end()) h.brands.emplace_back(r.text(4));
  return {};
}

// tfhd (8.8.7) over trex, and where the next sample is in time and in the input.
struct Fragment {
  uint32_t duration = 0, size = 0, flags = 0;
  uint64_t base = 0;
  uint64_t time = 0;
  uint64_t data = 0;
  bool empty = false;  // duration-is-empty
};

class ChunkReader {
 public:
  ChunkReader(const Header& header, ByteSpan in)
      : header_(header), in_(in), budget_(in.size()), next_time_(header.tracks.size()) {}
  // Appends the chunks of one moof.
  Result<> read(const Box& moof);
  std::vector<ReadChunk>& chunks() { return chunks_; }

 private:
  Result<> read_track_fragment(ByteSpan traf, uint64_t moof_at, uint64_t& implied_base,
                               uint32_t sequence);
  Result<uint32_t> read_fragment_header(ByteSpan tfhd, uint64_t moof_at, uint64_t implied_base,
                                        Fragment&);
  Result<> read_run(ByteSpan trun, Fragment&, std::vector<ReadSample>&);

  const Header& header_;
  ByteSpan in_;
  // Samples that may still come. One costs a byte of input or more, wherever its payload lies, or
  // runs that name the same bytes again and again would fill the memory.
  size_t budget_;
  std::vector<uint64_t> next_time_;  // of each track, for fragments without tfdt
  std::vector<ReadChunk> chunks_;
};

Result<> ChunkReader::read(const Box& moof) {
  TRY(const auto boxes, children(moof.body));
  const Box* mfhd = find(boxes, "mfhd");
  if (!mfhd) return wrong("no mfhd");
  ByteReader r(mfhd->body);  // 8.8.5
  TRY(full_box(r, 0));
  const uint32_t sequence = r.u32();
  if (!r.ok()) return wrong("mfhd too short");
  uint64_t implied_base = moof.offset;
  for (const Box& b : boxes)
    if (b.type == "traf") TRY(read_track_fragment(b.body, moof.offset, implied_base, sequence));
  return {};
}

// 8.8.7. Gives the index of the track.
Result<uint32_t> ChunkReader::read_fragment_header(ByteSpan tfhd, uint64_t moof_at,
                                                   uint64_t implied_base, Fragment& f) {
  ByteReader r(tfhd);
  TRY(const auto box, full_box(r, 0));
  const uint32_t id = r.u32();
  uint32_t index = 0;
  while (index < header_.tracks.size() && header_.tracks[index].track_id != id) ++index;
  if (!r.ok() || index == header_.tracks.size()) return wrong("tfhd of no track");
  const TrackHeader& t = header_.tracks[index];
  f.base = box.flags & 0x20000 ? moof_at : implied_base;
  if (box.flags & 0x1) f.base = r.u64();
  if (box.flags & 0x2) r.skip(4);
  f.duration = box.flags & 0x8 ? r.u32() : t.default_duration;
  f.size = box.flags & 0x10 ? r.u32() : t.default_size;
  f.flags = box.flags & 0x20 ? r.u32() : t.default_flags;
  f.empty = box.flags & 0x10000;
  if (!r.ok()) return wrong("tfhd too short");
  return index;
}

// 8.8.12
Result<uint64_t> read_decode_time(ByteSpan tfdt) {
  ByteReader r(tfdt);
  TRY(const auto box, full_box(r, 1));
  const uint64_t time = box.version == 1 ? r.u64() : r.u32();
  if (!r.ok()) return wrong("tfdt too short");
  return time;
}

Result<> ChunkReader::read_track_fragment(ByteSpan traf, uint64_t moof_at, uint64_t& implied_base,
                                          uint32_t sequence) {
  TRY(const auto boxes, children(traf));
  const Box* tfhd = find(boxes, "tfhd");
  if (!tfhd) return wrong("no tfhd");
  Fragment f;
  TRY(const auto index, read_fragment_header(tfhd->body, moof_at, implied_base, f));
  f.data = f.base;
  f.time = next_time_[index];
  if (const Box* tfdt = find(boxes, "tfdt")) {
    TRY(f.time, read_decode_time(tfdt->body));
  }
  ReadChunk chunk{sequence, header_.tracks[index].track_id, {}};
  for (const Box& b : boxes) {
    if (b.type != "trun") continue;
    if (f.empty) return wrong("samples in an empty duration");
    TRY(read_run(b.body, f, chunk.samples));
  }
  implied_base = f.data;
  next_time_[index] = f.empty ? f.time + f.duration : f.time;
  chunks_.push_back(std::move(chunk));
  return {};
}

constexpr uint32_t kDataOffset = 0x1, kFirstFlags = 0x4, kDuration = 0x100, kSize = 0x200,
                   kFlags = 0x400, kOffset = 0x800;

// 8.8.8
Result<> ChunkReader::read_run(ByteSpan trun, Fragment& f, std::vector<ReadSample>& out) {
  ByteReader r(trun);
  TRY(const auto box, full_box(r, 1));
  const auto has = [&](uint32_t flag) { return (box.flags & flag) != 0; };
  const uint32_t count = r.u32();
  if (has(kDataOffset)) f.data = f.base + static_cast<uint64_t>(int64_t{int32_t(r.u32())});
  const uint32_t first_flags = has(kFirstFlags) ? r.u32() : f.flags;
  if (!r.ok()) return wrong("trun too short");
  if (has(kFirstFlags) && has(kFlags)) return wrong("trun: two kinds of flags");
  const uint64_t entry = 4 * std::popcount(box.flags & (kDuration | kSize | kFlags | kOffset));
  if (count * entry != r.left()) return wrong("trun: not the samples it counts");
  if (count == 0) return {};
  // A position in front of the input has wrapped around to behind it.
  if (f.base > in_.size() || f.data > in_.size()) return past_end();
  if (!has(kSize) && uint64_t{count} * f.size > in_.size() - f.data) return past_end();
  if (count > budget_) return fail(Code::limit, "mp4: more samples than bytes");
  budget_ -= count;
  if (out.empty()) out.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    ReadSample s;
    s.decode_time = f.time;
    s.duration = has(kDuration) ? r.u32() : f.duration;
    const uint32_t size = has(kSize) ? r.u32() : f.size;
    s.flags = has(kFlags) ? r.u32() : i == 0 ? first_flags : f.flags;
    if (has(kOffset)) {
      const uint32_t raw = r.u32();
      s.composition_offset = box.version == 0 ? int64_t{raw} : int64_t{int32_t(raw)};
    }
    if (size > in_.size() - f.data) return past_end();
    s.payload = in_.subspan(static_cast<size_t>(f.data), size);
    if (f.time + s.duration < f.time) return wrong("times past the end of time");
    f.time += s.duration;
    f.data += size;
    out.push_back(s);
  }
  return {};
}

}  // namespace

Result<Box> next_box(ByteSpan in, size_t& at) {
  Box box;
  switch (step(in, at, box)) {
    case Next::box: return box;
    case Next::end: return fail(Code::not_found, "mp4: no further box");
    case Next::cut: return wrong("a box is cut short");
    default: return wrong("a box is smaller than its header");
  }
}

Result<Header> read_header(ByteSpan in) {
  Header h;
  for (size_t at = 0;;) {
    TRY(const Box box, next_box(in, at));
    if (box.type == "ftyp") TRY(read_brands(box.body, h));
    if (box.type != "moov") continue;
    TRY(read_movie(box.body, h));
    return h;
  }
}

Result<std::vector<ReadChunk>> read_chunks(const Header& header, ByteSpan in) {
  ChunkReader reader(header, in);
  Box box;
  for (size_t at = 0;;) {
    const Next next = step(in, at, box);
    if (next == Next::wrong) return wrong("a box is smaller than its header");
    if (next != Next::box) return std::move(reader.chunks());
    if (box.type != "moof") continue;
    const auto done = reader.read(box);
    if (done) continue;
    if (done.error().code != Code::closed) return fail(done.error());
    if (cut_short(in, at)) return std::move(reader.chunks());
    return wrong("a sample lies past the end");
  }
}

}  // namespace weir::mp4
