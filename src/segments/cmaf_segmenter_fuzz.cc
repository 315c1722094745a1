// Weir live-streaming server. MIT licence, see LICENSE.

// Any order of events with any times: lanes are told things in order, parts are contiguous and no
// longer than announced, and what comes out is read back frame by frame by the reader of MP4.
#include <map>

#include "base/check.h"
#include "containers/mp4/reader.h"
#include "segments/cmaf_segmenter.h"

namespace {

using namespace weir;
using namespace weir::segments;

StreamInfoPtr make_info(uint8_t bits) {
  StreamInfo info;
  info.incarnation = bits & 1;
  const bool large = (bits & 8) != 0;
  const std::string size = large ? "29" : "15";  // a level, which is enough to differ
  const Bytes avcc = from_hex("0164001fffe10018676400" + size +
                              "acd94141fb011000000300100000030320f18319 01000668ebe3cb22c0");
  if (bits & 4)
    info.tracks.push_back({TrackId{0},
                           Codec::h264,
                           avcc,
                           VideoParams{large ? 640 : 320, 180, bits & 2 ? 25.0 : 0.0},
                           {}});
  if (bits & 16)
    info.tracks.push_back({TrackId{1}, Codec::aac, from_hex("1190"), AudioParams{48000, 2}, {}});
  if (bits & 32) info.tracks.push_back({TrackId{2}, Codec::mp3, {}, AudioParams{44100, 2}, {}});
  if (bits & 64) info.tracks.push_back({TrackId{3}, Codec::vp8, {}, VideoParams{320, 180, 0}, {}});
  return std::make_shared<const StreamInfo>(std::move(info));
}

class Checker final : public LaneSink {
 public:
  void init(const std::string& lane, const Track&, Bytes header) override {
    auto& l = lanes_[lane];
    CHECK(!l.open, "a header between segments");
    auto read = mp4::read_header(header);
    CHECK(read && read->tracks.size() == 1, "a header reads back");
    l.header = *std::move(read);
    l.bytes = std::move(header);
  }
  void open(const std::string& lane, const Cut& cut, Time start) override {
    auto& l = lanes_[lane];
    CHECK(!l.open && !l.bytes.empty(), "closed before, with a header");
    CHECK(!l.any || cut.ordinal > l.ordinal, "ordinals grow");
    l.open = l.any = true;
    l.ordinal = cut.ordinal;
    l.at = start;
  }
  void part(const std::string& lane, MadePart part) override {
    auto& l = lanes_[lane];
    CHECK(l.open && part.start == l.at && part.duration >= 0ns, "parts are contiguous");
    l.at += part.duration;
    if (part.frames > 1 && part.duration > 200ms) ++too_long;
    const auto chunks = mp4::read_chunks(l.header, part.data);
    CHECK(chunks && chunks->size() == 1, "a chunk reads back");
    CHECK(chunks->front().samples.size() == part.frames, "all frames are there");
    CHECK(chunks->front().sequence == ++l.sequence, "sequence numbers grow by one");
    frames += part.frames;
  }
  void close(const std::string& lane, Time end) override {
    auto& l = lanes_[lane];
    CHECK(l.open && l.at == end, "parts make up the segment");
    l.open = false;
  }
  uint64_t frames = 0, too_long = 0;

 private:
  struct Lane {
    Bytes bytes;  // the header's views point here
    mp4::Header header;
    bool open = false, any = false;
    uint64_t ordinal = 0;
    uint32_t sequence = 0;
    Time at{};
  };
  std::map<std::string, Lane> lanes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader in(ByteSpan(data, size));
  Checker checker;
  Boundaries boundaries({.slicing = size & 1 ? Slicing::aligned : Slicing::plain});
  CmafSegmenter s({.max_part_bytes = 4000, .max_early_audio = 20}, checker);
  StreamInfoPtr info;
  std::map<TrackId, Time> clocks;
  Time clock{};
  uint64_t sent = 0;
  while (!in.at_end()) {
    const uint8_t op = in.u8();
    if (op < 24) {
      info = make_info(in.u8());
      s.info(info, boundaries.info(info));
      continue;
    }
    if (op < 28) {
      boundaries.promise();
      continue;
    }
    clock += op & 64 ? 1ms * in.u8() : 20ms * (in.u8() & 127);
    Packet p{TrackId{static_cast<uint8_t>(op & 3)}, clock, clock, 0ns, (op & 4) != 0, {}};
    if (op & 32) p.dts -= 3ms * in.u8();  // tracks need not be in step
    // Decoding times do not go back within a track: the hub's promise.
    Time& mine = clocks[p.track];
    p.dts = mine = std::max({p.dts, mine, Time{}});
    p.pts = p.track == TrackId{0} ? p.dts + 1ms * in.u8() : p.dts;
    if (op & 16) p.duration = 1ms * in.u8();
    p.payload = Bytes::copy(in.bytes(std::min<size_t>(op & 8 ? 300 : 12, in.left())));
    const auto packet = std::make_shared<const Packet>(std::move(p));
    if (info && info->find(packet->track)) ++sent;
    s.packet(packet, boundaries.packet(*packet));
  }
  s.finish();
  CHECK(checker.frames + s.dropped() == sent, "each frame is in one part or counted");
  CHECK(checker.too_long == 0, "parts are not longer than announced");
  return 0;
}
