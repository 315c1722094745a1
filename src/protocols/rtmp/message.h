// Weir live-streaming server. MIT licence, see LICENSE.

// Message: one RTMP message, whole, as both sides of the chunk layer see it, and the numbers the
// wire uses for its types and chunk streams. A value; its payload is shared and immutable. Leaves
// out what the payload means. RTMP 1.0 section 6 (message format) and 5.4, 6.2, 7.1 (message
// types).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace weir::rtmp {

enum class MessageType : uint8_t {
  set_chunk_size = 1,
  abort = 2,
  acknowledgement = 3,
  user_control = 4,
  window_ack_size = 5,
  set_peer_bandwidth = 6,
  audio = 8,
  video = 9,
  data_amf3 = 15,
  shared_object_amf3 = 16,
  command_amf3 = 17,
  data_amf0 = 18,
  shared_object_amf0 = 19,
  command_amf0 = 20,
  aggregate = 22,
};

// "video", "command_amf0", ...; "unknown" for a number the specification does not name.
std::string_view to_string(MessageType);

// The chunk streams we send on. Players do not care, but these are what they are used to.
inline constexpr uint32_t kControlChunkStream = 2;  // fixed by RTMP 1.0 5.4
inline constexpr uint32_t kConnectChunkStream = 3;  // commands on the connection
inline constexpr uint32_t kCommandChunkStream = 5;  // commands and data on a stream
inline constexpr uint32_t kAudioChunkStream = 6;
inline constexpr uint32_t kVideoChunkStream = 7;

// What a message carries besides its payload.
struct MessageHeader {
  MessageType type{};
  uint32_t stream_id = 0;     // 0 is the connection itself
  uint32_t timestamp = 0;     // milliseconds, wraps at 2^32; see base/unwrap.h
  uint32_t chunk_stream = 0;  // 2..65599
  bool operator==(const MessageHeader&) const = default;
};

struct Message : MessageHeader {
  Bytes payload;
};

// The messages of an aggregate (type 22), in order: FLV tags one after the other. Their timestamps
// are moved so that the first one has the aggregate's own (RTMP 1.0 7.1.6), their stream is the
// aggregate's, and their payloads share its memory.
struct Aggregate {
  std::vector<Message> messages;
  bool truncated = false;  // the last tag ran past the end, and was left out
};
Aggregate unpack_aggregate(const Message&);

}  // namespace weir::rtmp
