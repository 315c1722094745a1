// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/chunk_reader.h"

#include <algorithm>

#include "base/check.h"

namespace weir::rtmp {
namespace {

constexpr uint32_t kExtended = 0xffffff;
// A declared length is not yet data: beyond this, memory is taken as bytes arrive.
constexpr size_t kTrusted = 256 << 10;

// The message header's size after the basic header, by format: RTMP 1.0 5.3.1.2.
constexpr size_t kMessageHeaderSize[] = {11, 7, 3, 0};

uint32_t read_be32(ByteSpan b) {
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
}

// Whether the (up to four) bytes there are could begin `value` in network order.
bool may_be(ByteSpan bytes, uint32_t value) {
  for (size_t i = 0; i < std::min<size_t>(bytes.size(), 4); ++i) {
    if (bytes[i] != static_cast<uint8_t>(value >> (24 - 8 * i))) return false;
  }
  return true;
}

}  // namespace

// One chunk's header as the wire has it; which fields count depends on the format.
struct ChunkReader::Header {
  size_t size = 0;  // bytes it takes
  unsigned format = 0;
  uint32_t chunk_stream = 0;
  bool extended = false;
  uint32_t time_field = 0;
  uint32_t length = 0;
  uint8_t type = 0;
  uint32_t stream_id = 0;
};

void ChunkReader::feed(ByteSpan bytes) {
  CHECK(in_.empty(), "feed() before next() used up the bytes before");
  received_ += bytes.size();
  if (!failed_) in_ = bytes;
}

Result<std::optional<Message>> ChunkReader::next() {
  if (failed_) return fail(*failed_);
  while (true) {
    if (!current_) {
      auto progress = read_header();
      if (!progress) {
        failed_ = progress.error();
        in_ = {};
        return fail(*failed_);
      }
      if (*progress == Progress::need_bytes) return std::nullopt;
    }
    ChunkStream& stream = streams_[*current_];
    if (read_payload() == Progress::need_bytes) return std::nullopt;
    current_.reset();
    if (stream.body.size() < stream.length) continue;
    Message message = finish(stream);
    auto handled = control(message);
    if (!handled) {
      failed_ = handled.error();
      in_ = {};
      return fail(*failed_);
    }
    if (!*handled) return message;
  }
}

// A header may be cut anywhere by the end of the input, so what there is of it is held back. Of
// bytes held back while looking for an extended timestamp, some can turn out to be payload or even
// the next header: they stay held, and are read before the input.
Result<ChunkReader::Progress> ChunkReader::read_header() {
  Header header;
  if (held_size_ == 0) {
    TRY(const bool whole, parse_header(in_, header));
    if (whole) {
      in_ = in_.subspan(header.size);
      TRY(start_chunk(header));
      return Progress::more;
    }
  }
  const size_t added = std::min(kMaxHeader - held_size_, in_.size());
  std::ranges::copy(in_.first(added), held_.begin() + static_cast<ptrdiff_t>(held_size_));
  TRY(const bool whole, parse_header(ByteSpan(held_.data(), held_size_ + added), header));
  if (!whole) {
    held_size_ += added;
    in_ = in_.subspan(added);
    return Progress::need_bytes;
  }
  const size_t from_held = std::min(header.size, held_size_);
  unhold(from_held);
  in_ = in_.subspan(header.size - from_held);
  TRY(start_chunk(header));
  return Progress::more;
}

// Forgets the first `count` held bytes.
void ChunkReader::unhold(size_t count) {
  std::copy(held_.begin() + static_cast<ptrdiff_t>(count),
            held_.begin() + static_cast<ptrdiff_t>(held_size_), held_.begin());
  held_size_ -= count;
}

// False when `in` ends before the header does.
Result<bool> ChunkReader::parse_header(ByteSpan in, Header& h) const {
  if (in.empty()) return false;
  h.format = in[0] >> 6;
  h.chunk_stream = in[0] & 0x3f;
  h.size = 1;
  if (h.chunk_stream < 2) {  // RTMP 1.0 5.3.1.1: 0 and 1 say how many bytes more the id takes
    h.size = h.chunk_stream == 0 ? 2 : 3;
    if (in.size() < h.size) return false;
    h.chunk_stream = 64u + in[1] + (h.size == 3 ? 256u * in[2] : 0u);
  }
  const size_t basic = h.size;
  h.size += kMessageHeaderSize[h.format];
  if (h.format >= 2) {
    const ChunkStream* known = find(h.chunk_stream);
    if (known == nullptr)
      return fail(Code::protocol, "chunk: short header on an unused chunk stream");
    if (h.format == 3) {
      if (known->extended) return parse_repeated_time(in, *known, h);
      return true;
    }
  }
  if (in.size() < h.size) return false;
  ByteReader r(in.subspan(basic));
  h.time_field = r.u24();
  if (h.format < 2) {
    h.length = r.u24();
    h.type = r.u8();
  }
  if (h.format == 0) h.stream_id = r.u32_le();
  if (h.time_field != kExtended) return true;
  h.extended = true;
  h.size += 4;
  if (in.size() < h.size) return false;
  h.time_field = read_be32(in.subspan(h.size - 4));
  return true;
}

// RTMP 1.0 5.3.1.3 has the extended timestamp in type 3 chunks too, but many senders leave it out,
// so look: it is there when the bytes are the field as it was last sent, or the message's time
// (some repeat that after a delta). That payload looks just like it is a chance of 1 in 2^31.
Result<bool> ChunkReader::parse_repeated_time(ByteSpan in, const ChunkStream& known, Header& h) {
  const ByteSpan there = in.subspan(h.size);
  if (!may_be(there, known.time_field) && !may_be(there, known.header.timestamp)) return true;
  h.size += 4;
  return there.size() >= 4;
}

const ChunkReader::ChunkStream* ChunkReader::find(uint32_t id) const {
  const auto at = std::ranges::find(streams_, id, [](auto& s) { return s.header.chunk_stream; });
  return at == streams_.end() ? nullptr : &*at;
}

Result<> ChunkReader::start_chunk(const Header& h) {
  const auto at =
      std::ranges::find(streams_, h.chunk_stream, [](auto& s) { return s.header.chunk_stream; });
  const auto index = static_cast<size_t>(at - streams_.begin());
  if (at == streams_.end()) {
    if (streams_.size() >= limits_.chunk_streams) {
      return fail(Code::limit, "chunk: too many chunk streams");
    }
    streams_.emplace_back().header.chunk_stream = h.chunk_stream;
  }
  ChunkStream& s = streams_[index];
  // A full header amid a message goes on with it when it says the same length (old encoders do
  // that), else the message is given up.
  if (s.partial && h.format < 2 && h.length != s.length) drop(s);
  if (!s.partial) start_message(s, h);
  if (s.length > limits_.message) return fail(Code::limit, "chunk: message too large");
  chunk_left_ = std::min<size_t>(chunk_size_, s.length - s.body.size());
  if (partial_bytes_ + chunk_left_ > limits_.partial) {
    return fail(Code::limit, "chunk: too much in unfinished messages");
  }
  current_ = index;
  return {};
}

void ChunkReader::start_message(ChunkStream& s, const Header& h) {
  if (h.format < 3) {
    s.time_field = h.time_field;
    s.extended = h.extended;
  }
  if (h.format < 2) {
    s.length = h.length;
    s.header.type = static_cast<MessageType>(h.type);
  }
  if (h.format == 0) {
    s.header.stream_id = h.stream_id;
    s.header.timestamp = h.time_field;
  } else {
    // After type 0, type 3 takes that timestamp for its delta: RTMP 1.0 5.3.1.2.4. Wraps.
    s.header.timestamp += s.time_field;
  }
  s.partial = true;
}

ChunkReader::Progress ChunkReader::read_payload() {
  ChunkStream& s = streams_[*current_];
  if (held_size_ > 0) {
    const size_t count = std::min(chunk_left_, held_size_);
    append(s, ByteSpan(held_.data(), count));
    unhold(count);
  }
  const size_t count = std::min(chunk_left_, in_.size());
  append(s, in_.first(count));
  in_ = in_.subspan(count);
  return chunk_left_ == 0 ? Progress::more : Progress::need_bytes;
}

void ChunkReader::append(ChunkStream& s, ByteSpan bytes) {
  const size_t needed = s.body.size() + bytes.size();
  if (needed > s.body.capacity()) {
    const size_t wanted = std::max({needed, s.body.capacity() * 2, kTrusted});
    s.body.reserve(std::min<size_t>(wanted, s.length));
  }
  s.body.insert(s.body.end(), bytes.begin(), bytes.end());
  partial_bytes_ += bytes.size();
  chunk_left_ -= bytes.size();
}

Message ChunkReader::finish(ChunkStream& s) {
  Message m;
  static_cast<MessageHeader&>(m) = s.header;
  partial_bytes_ -= s.body.size();
  m.payload = Bytes::take(std::move(s.body));
  s.body = {};
  s.partial = false;
  return m;
}

// Whether the message was for the chunk layer itself: RTMP 1.0 5.4.1, 5.4.2.
Result<bool> ChunkReader::control(const Message& m) {
  if (m.type != MessageType::set_chunk_size && m.type != MessageType::abort) return false;
  ByteReader r(m.payload);
  const uint32_t value = r.u32();
  if (!r.ok()) return fail(Code::protocol, std::string(to_string(m.type)) + ": too short");
  if (m.type == MessageType::abort) {
    for (ChunkStream& s : streams_) {
      if (s.header.chunk_stream == value && s.partial) drop(s);
    }
    return true;
  }
  if (value == 0) return fail(Code::protocol, "set_chunk_size: 0");
  if (value > kMaxChunkSize) return fail(Code::limit, "set_chunk_size: too large");
  chunk_size_ = value;
  return true;
}

void ChunkReader::drop(ChunkStream& s) {
  partial_bytes_ -= s.body.size();
  s.body = {};
  s.partial = false;
  ++dropped_;
}

}  // namespace weir::rtmp
