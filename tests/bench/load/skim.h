// Weir live-streaming server. MIT licence, see LICENSE.

// Skims: where messages begin and end in FLV and in RTMP chunks, at the least cost: bodies are
// stepped over, only their first bytes are kept. One per viewer, fed with what the socket gave. Not
// for hostile input: a load generator believes its server, and a stream that makes no sense only
// makes ok() false. Spec: Adobe FLV 10.1 E.2-4; RTMP 1.0 5.3.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "load/stamp.h"

namespace weir::bench {

inline constexpr size_t kHeadSize = 64;
static_assert(kHeadSize >= kVideoTagHeaderSize + kStampSize);

// The beginning of a body.
class Head {
 public:
  void clear() { size_ = 0; }
  void add(ByteSpan in);
  ByteSpan span() const { return ByteSpan(bytes_).first(size_); }

 private:
  std::array<uint8_t, kHeadSize> bytes_{};
  size_t size_ = 0;
};

// A message of which the last byte has arrived.
struct Skimmed {
  uint8_t type = 0;  // RTMP message type; FLV tag types are the same numbers
  uint32_t length = 0;
  ByteSpan head;
};

class FlvSkim {
 public:
  // The messages that `in` completes, until `in` is empty; call until nullopt.
  std::optional<Skimmed> next(ByteSpan& in);
  bool ok() const { return ok_; }

 private:
  bool begin_tag();

  std::array<uint8_t, 13> header_{};
  size_t header_size_ = 0, header_need_ = 13;  // the file header first, then tag headers
  bool file_header_ = true, ok_ = true;
  uint8_t type_ = 0;
  uint32_t length_ = 0;
  size_t left_ = 0;  // of body and trailer
  Head head_;
};

class RtmpSkim {
 public:
  std::optional<Skimmed> next(ByteSpan& in);
  bool ok() const { return ok_; }

 private:
  struct ChunkStream {
    uint32_t id = 0;
    uint8_t type = 0;
    bool extended = false;
    uint32_t length = 0, done = 0;
    Head head;
  };
  uint32_t id() const;
  size_t need();
  void begin_chunk();
  ChunkStream& stream(uint32_t id);

  std::array<uint8_t, 18> header_{};
  size_t header_size_ = 0, left_ = 0;
  size_t current_ = 0;
  uint32_t chunk_size_ = 128;
  bool ok_ = true;
  std::vector<ChunkStream> streams_;
};

}  // namespace weir::bench
