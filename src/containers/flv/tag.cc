// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/tag.h"

#include <algorithm>

namespace weir::flv {
namespace {

constexpr uint8_t kAudioFlag = 4, kVideoFlag = 1;
constexpr uint8_t kFilterFlag = 0x20, kTypeMask = 0x1f;
// A file header that announces more is not one: the field is for extensions that never came.
constexpr size_t kMaxFileHeaderSize = 1024;

}  // namespace

std::array<uint8_t, kFileHeaderSize + kTagTrailerSize> make_file_header(FileHeader header) {
  const auto flags =
      static_cast<uint8_t>((header.audio ? kAudioFlag : 0) | (header.video ? kVideoFlag : 0));
  return {'F', 'L', 'V', 1, flags, 0, 0, 0, kFileHeaderSize, 0, 0, 0, 0};
}

std::array<uint8_t, kTagHeaderSize> make_tag_header(TagType type, size_t body_size, uint32_t ms) {
  const auto byte = [](size_t v, int shift) { return static_cast<uint8_t>(v >> shift); };
  // The highest byte of the time comes last.
  return {static_cast<uint8_t>(type),
          byte(body_size, 16),
          byte(body_size, 8),
          byte(body_size, 0),
          byte(ms, 16),
          byte(ms, 8),
          byte(ms, 0),
          byte(ms, 24),
          0,
          0,
          0};
}

std::array<uint8_t, kTagTrailerSize> make_tag_trailer(size_t body_size) {
  const size_t v = body_size + kTagHeaderSize;
  return {static_cast<uint8_t>(v >> 24), static_cast<uint8_t>(v >> 16),
          static_cast<uint8_t>(v >> 8), static_cast<uint8_t>(v)};
}

Result<> FileReader::read(ByteSpan in, std::vector<Tag>& out) {
  if (state_ == State::failed) return fail(Code::protocol, "flv: read after an error");
  while (!in.empty()) {
    const size_t n = std::min(need_ - have_.size(), in.size());
    have_.insert(have_.end(), in.begin(), in.begin() + static_cast<ptrdiff_t>(n));
    in = in.subspan(n);
    if (have_.size() < need_) return {};
    if (auto done = complete(out); !done) {
      state_ = State::failed;
      return done;
    }
  }
  return {};
}

Result<> FileReader::complete(std::vector<Tag>& out) {
  switch (state_) {
    case State::file_header: return file_header();
    case State::tag_header: return tag_header();
    case State::body: body(out); break;
    default: expect(State::tag_header, kTagHeaderSize); break;
  }
  return {};
}

void FileReader::expect(State state, size_t need) {
  state_ = state;
  need_ = need;
  have_.clear();
}

Result<> FileReader::file_header() {
  ByteReader r(have_);
  if (r.text(3) != "FLV") return fail(Code::protocol, "flv: no file header");
  r.skip(1);  // version
  const uint8_t flags = r.u8();
  const size_t size = r.u32();
  if (size < kFileHeaderSize || size > kMaxFileHeaderSize)
    return fail(Code::protocol, "flv: file header size " + std::to_string(size));
  header_ = {.audio = (flags & kAudioFlag) != 0, .video = (flags & kVideoFlag) != 0};
  expect(State::skip, size - kFileHeaderSize + kTagTrailerSize);
  return {};
}

Result<> FileReader::tag_header() {
  ByteReader r(have_);
  const uint8_t kind = r.u8();
  const size_t size = r.u24();
  const uint32_t low = r.u24();
  tag_.timestamp_ms = static_cast<uint32_t>(r.u8()) << 24 | low;
  tag_.type = static_cast<TagType>(kind & kTypeMask);
  if (size > max_body_) return fail(Code::limit, "flv: tag of " + std::to_string(size) + " bytes");
  const bool known =
      tag_.type == TagType::audio || tag_.type == TagType::video || tag_.type == TagType::script;
  const bool encrypted = kind & kFilterFlag;
  wanted_ = known && !encrypted;
  if (!known) ++counts_.unknown_type;
  if (known && encrypted) ++counts_.encrypted;
  expect(State::body, size + kTagTrailerSize);
  return {};
}

// With the size that follows it, which many writers get wrong: not looked at.
void FileReader::body(std::vector<Tag>& out) {
  if (wanted_) {
    have_.resize(have_.size() - kTagTrailerSize);
    tag_.body = Bytes::take(std::move(have_));
    out.push_back(std::move(tag_));
    tag_ = {};
  }
  expect(State::tag_header, kTagHeaderSize);
}

}  // namespace weir::flv
