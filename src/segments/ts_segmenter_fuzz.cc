// Weir live-streaming server. MIT licence, see LICENSE.

// Any order of events with any times: segments stay within their limits, and each is a stream that
// the strict reader takes apart without a complaint about its form.
#include "base/check.h"
#include "containers/mpegts/reader.h"
#include "segments/ts_segmenter.h"

namespace {

using namespace weir;
using namespace weir::segments;

StreamInfoPtr make_info(uint8_t bits) {
  StreamInfo info;
  info.incarnation = bits & 3;
  if (bits & 4)
    info.tracks.push_back({TrackId{0},
                           Codec::h264,
                           from_hex(bits & 8 ? "0164001fffe1000467640015010002 68eb"
                                             : "0164001fffe1000467640016010002 68eb"),
                           VideoParams{},
                           {}});
  if (bits & 16)
    info.tracks.push_back({TrackId{1}, Codec::aac, from_hex("1190"), AudioParams{48000, 2}, {}});
  if (bits & 32) info.tracks.push_back({TrackId{2}, Codec::opus, {}, AudioParams{48000, 2}, {}});
  return std::make_shared<const StreamInfo>(std::move(info));
}

class Checker {
 public:
  void check(const std::optional<MadeTs>& made) {
    if (!made) return;
    CHECK(made->end - made->cut.start >= 1ms, "a segment lasts");
    CHECK(!any_ || made->cut.ordinal > ordinal_, "ordinals grow");
    CHECK(made->data.size() % mpegts::kPacketSize == 0, "whole packets");
    CHECK(!made->tracks->empty(), "something is inside");
    any_ = true;
    ordinal_ = made->cut.ordinal;
    mpegts::Reader reader;
    std::vector<mpegts::PesUnit> units;
    reader.read(made->data, units);
    reader.finish(units);
    const auto& c = reader.counts();
    CHECK(c.sync_lost + c.malformed + c.crc + c.continuity + c.truncated + c.pcr_back == 0, "form");
  }

 private:
  bool any_ = false;
  uint64_t ordinal_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader in(ByteSpan(data, size));
  Boundaries boundaries({.max_bytes = 20'000});
  TsSegmenter s;
  Checker checker;
  Time clock{};
  while (!in.at_end()) {
    const uint8_t op = in.u8();
    if (op < 32) {
      const auto info = make_info(in.u8());
      checker.check(s.info(info, boundaries.info(info)));
      if (op == 31) boundaries.promise();
      continue;
    }
    clock += 10ms * in.u8();  // the hub keeps decoding times from going back
    Packet p{TrackId{static_cast<uint8_t>(op & 3)},
             clock,
             clock + 1ms * in.u8(),
             0ns,
             (op & 4) != 0,
             {}};
    p.payload = Bytes::copy(in.bytes(std::min<size_t>(op & 8 ? 700 : 12, in.left())));
    checker.check(s.packet(p, boundaries.packet(p)));
  }
  checker.check(s.finish());
  return 0;
}
