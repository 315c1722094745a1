// Weir live-streaming server. MIT licence, see LICENSE.

// FLV as a file or an endless HTTP body: the file header, the 11 bytes before a tag's body and the
// 4 behind it, and a reader that takes bytes as they come and gives whole tags. The reader is owned
// by one puller, on its core. What is inside a body is demuxer.h's work. Spec: Adobe FLV 10.1,
// Annex E.2-4.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::flv {

// Also the RTMP message types of the same bodies.
enum class TagType : uint8_t { audio = 8, video = 9, script = 18 };

inline constexpr size_t kFileHeaderSize = 9;
inline constexpr size_t kTagHeaderSize = 11;
inline constexpr size_t kTagTrailerSize = 4;
// The size field has 24 bits.
inline constexpr size_t kMaxBodySize = 0xffffff;

struct FileHeader {
  bool audio = false, video = false;  // what the file says it holds; players should not rely on it
};
// The header with the zero "previous tag size" that stands before the first tag.
std::array<uint8_t, kFileHeaderSize + kTagTrailerSize> make_file_header(FileHeader);
// body_size: at most kMaxBodySize.
std::array<uint8_t, kTagHeaderSize> make_tag_header(TagType, size_t body_size, uint32_t ms);
// The "previous tag size" that follows a body.
std::array<uint8_t, kTagTrailerSize> make_tag_trailer(size_t body_size);

struct Tag {
  TagType type{};
  uint32_t timestamp_ms = 0;  // wraps at 32 bits
  Bytes body;
};

class FileReader {
 public:
  struct Counts {
    uint64_t unknown_type = 0;  // tags of other types, skipped
    uint64_t encrypted = 0;     // tags with the filter bit, skipped
  };

  // max_body: a tag that announces more ends the reading.
  explicit FileReader(size_t max_body = kMaxBodySize) : max_body_(max_body) {}

  // Appends the tags that `in` completes. An error is final: the stream is not FLV, or a tag is too
  // large. Memory grows only with bytes that arrived.
  Result<> read(ByteSpan in, std::vector<Tag>& out);
  // From the file header; all false before it was read.
  FileHeader header() const { return header_; }
  const Counts& counts() const { return counts_; }

 private:
  enum class State : uint8_t { file_header, skip, tag_header, body, failed };

  Result<> complete(std::vector<Tag>& out);
  void expect(State, size_t need);
  Result<> file_header();
  Result<> tag_header();
  void body(std::vector<Tag>& out);

  size_t max_body_;
  State state_ = State::file_header;
  size_t need_ = kFileHeaderSize;  // bytes that complete the present state
  bool wanted_ = false;            // the present body is of a type we know
  std::vector<uint8_t> have_;
  Tag tag_;
  FileHeader header_;
  Counts counts_;
};

}  // namespace weir::flv
