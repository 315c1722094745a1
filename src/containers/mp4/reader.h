// Weir live-streaming server. MIT licence, see LICENSE.

// Reader of ISO base media files: walks boxes, and reads what a fragmented file says of its tracks
// and samples, for recordings that are played, clipped or repaired, and as the opposite the writer
// is fuzzed against: it shares no code with it. Pure; views point into the input. Every count is
// checked against the bytes that are there. Leaves out flat files' sample tables, encryption,
// decoding of configurations (codecs). ISO/IEC 14496-12 4.2, 8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::mp4 {

struct Box {
  std::string_view type;  // four characters
  size_t offset = 0;      // of the header, within the input
  ByteSpan body;          // behind the header
};

// The next box at `at`, which moves behind it. Code::not_found at the end; Code::protocol for a
// header that does not fit (a file cut short by a crash ends so).
Result<Box> next_box(ByteSpan in, size_t& at);

struct TrackHeader {
  uint32_t track_id = 0;
  uint32_t timescale = 0;
  std::string handler;  // "vide", "soun"
  std::string entry;    // sample entry: "avc1", "mp4a" ...
  uint16_t width = 0, height = 0;
  uint16_t channels = 0;
  uint32_t sample_rate = 0;
  std::vector<std::string> extensions;  // boxes inside the sample entry: "avcC", "colr" ...
  ByteSpan configuration;               // body of the first of them
  uint32_t default_duration = 0, default_size = 0, default_flags = 0;  // of trex
};

struct Header {
  std::string major_brand;
  std::vector<std::string> brands;
  std::vector<TrackHeader> tracks;
};
// A file's `ftyp moov`.
Result<Header> read_header(ByteSpan);

struct ReadSample {
  uint64_t decode_time = 0;
  uint32_t duration = 0;
  int64_t composition_offset = 0;
  uint32_t flags = 0;
  bool sync() const { return (flags & 0x10000) == 0; }
  ByteSpan payload;
};

struct ReadChunk {
  uint32_t sequence = 0;
  uint32_t track_id = 0;
  std::vector<ReadSample> samples;
};
// All chunks in `in` (a part, a segment, or what follows a header), one for each track of a `moof`;
// other boxes are passed over. Where `in` is the front of something longer, what is whole is given
// and the rest left; anything else that does not fit is an error. Fragments that name places in
// their file (base-data-offset) need the whole file.
Result<std::vector<ReadChunk>> read_chunks(const Header&, ByteSpan in);

}  // namespace weir::mp4
