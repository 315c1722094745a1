// Weir live-streaming server. MIT licence, see LICENSE.

// ChunkReader: turns the bytes after the handshake into messages. One per connection, owned by its
// session, lives on the session's core. It obeys Set Chunk Size and Abort itself and does not hand
// them out; every other message comes out whole. Payload bytes go from the caller's buffer straight
// into the message they belong to. Leaves out sockets, acknowledgements (it counts the bytes for
// them) and what messages mean. RTMP 1.0 5.3 (chunking), 5.4.1 and 5.4.2.
//
//   reader.feed(bytes_from_the_socket);
//   while (true) {
//     CO_TRY(auto message, reader.next());
//     if (!message) break;  // all of it is used up: read the socket again
//     ...
//   }
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "protocols/rtmp/message.h"

namespace weir::rtmp {

inline constexpr uint32_t kDefaultChunkSize = 128;
inline constexpr uint32_t kMaxChunkSize = 10 << 20;

struct ChunkReaderLimits {
  size_t message = 10 << 20;   // bytes in one message
  size_t partial = 20 << 20;   // bytes held in messages that are not whole yet
  size_t chunk_streams = 128;  // chunk streams a peer may use
};

class ChunkReader {
 public:
  explicit ChunkReader(ChunkReaderLimits limits = {}) : limits_(limits) {}

  // Gives the reader the next bytes. They must stay where they are until next() returns nullopt (or
  // an error), and feed() may be called again only then.
  void feed(ByteSpan);
  // The next whole message, or nullopt when the bytes are used up. After an error the connection
  // cannot be read any further: the same error comes back for good.
  Result<std::optional<Message>> next();

  // Bytes fed so far, for acknowledgements (their 32-bit field wraps).
  uint64_t bytes_received() const { return received_; }
  // What the peer has set.
  uint32_t chunk_size() const { return chunk_size_; }
  // Messages given up halfway: aborted, or cut off by a new header on their chunk stream.
  uint64_t messages_dropped() const { return dropped_; }
  size_t partial_bytes() const { return partial_bytes_; }

 private:
  struct ChunkStream;
  struct Header;
  enum class Progress { more, need_bytes };

  Result<Progress> read_header();
  Result<bool> parse_header(ByteSpan, Header&) const;
  static Result<bool> parse_repeated_time(ByteSpan, const ChunkStream&, Header&);
  void unhold(size_t count);
  Result<> start_chunk(const Header&);
  void start_message(ChunkStream&, const Header&);
  Progress read_payload();
  void append(ChunkStream&, ByteSpan);
  Message finish(ChunkStream&);
  Result<bool> control(const Message&);
  void drop(ChunkStream&);
  const ChunkStream* find(uint32_t id) const;

  // What has been learned about one chunk stream from its headers, and its unfinished message.
  struct ChunkStream {
    MessageHeader header;
    uint32_t length = 0;
    uint32_t time_field = 0;  // timestamp (type 0) or delta (1, 2) as last sent, extended if it was
    bool extended = false;    // that field was an extended one
    bool partial = false;
    std::vector<uint8_t> body;
  };

  // Basic header 3, message header 11, extended timestamp 4: RTMP 1.0 5.3.1.
  static constexpr size_t kMaxHeader = 18;

  ChunkReaderLimits limits_;
  std::vector<ChunkStream> streams_;  // a handful: searched from the front
  ByteSpan in_;
  std::array<uint8_t, kMaxHeader>
      held_{};  // the start of a header that was cut by the end of input
  size_t held_size_ = 0;
  std::optional<size_t> current_;  // index of the stream whose chunk is being read
  size_t chunk_left_ = 0;
  uint32_t chunk_size_ = kDefaultChunkSize;
  uint64_t received_ = 0;
  uint64_t dropped_ = 0;
  size_t partial_bytes_ = 0;
  std::optional<Error> failed_;
};

}  // namespace weir::rtmp
