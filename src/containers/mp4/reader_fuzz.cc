// Weir live-streaming server. MIT licence, see LICENSE.

// Any bytes as a file, and as the fragments of a file whose header is known: what comes out lies
// within the input and costs no more than it.
#include "base/check.h"
#include "containers/mp4/reader.h"

namespace {

using namespace weir;

bool within(ByteSpan part, ByteSpan in) {
  return part.empty() ||
         (part.data() >= in.data() && part.data() + part.size() <= in.data() + in.size());
}

void check_boxes(ByteSpan in) {
  size_t at = 0, end = 0;
  for (auto box = mp4::next_box(in, at); box; box = mp4::next_box(in, at)) {
    CHECK(box->offset == end, "boxes follow one another");
    CHECK(at >= end + 8 && at <= in.size(), "a box has a header and an end");
    CHECK(within(box->body, in) && box->type.size() == 4, "a box is of the input");
    end = at;
  }
  CHECK(at == end, "what does not fit moves nothing");
}

void check_chunks(const mp4::Header& header, ByteSpan in) {
  const auto chunks = mp4::read_chunks(header, in);
  if (!chunks) return;
  size_t samples = 0;
  for (const auto& c : *chunks) {
    bool known = false;
    for (const auto& t : header.tracks) known = known || t.track_id == c.track_id;
    CHECK(known, "a chunk is of a track");
    uint64_t time = c.samples.empty() ? 0 : c.samples[0].decode_time;
    for (const auto& s : c.samples) {
      CHECK(s.decode_time == time, "decoding times follow from durations");
      CHECK(within(s.payload, in), "payload is of the input");
      time += s.duration;
    }
    samples += c.samples.size();
  }
  CHECK(samples <= in.size(), "samples are bounded by the input");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan in(data, size);
  check_boxes(in);
  mp4::Header known;
  known.tracks.resize(2);
  known.tracks[0].track_id = 1;
  known.tracks[1].track_id = 2;
  known.tracks[1].default_size = 3;
  check_chunks(known, in);
  const auto header = mp4::read_header(in);
  if (!header) return 0;
  for (const auto& t : header->tracks) {
    CHECK(t.track_id != 0 && t.timescale != 0, "a track has a number and a clock");
    CHECK(t.handler.size() == 4 && t.entry.size() == 4, "four characters");
    CHECK(within(t.configuration, in), "a configuration is of the input");
  }
  check_chunks(*header, in);
  return 0;
}
