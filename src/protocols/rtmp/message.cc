// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/message.h"

namespace weir::rtmp {

std::string_view to_string(MessageType type) {
  switch (type) {
    case MessageType::set_chunk_size: return "set_chunk_size";
    case MessageType::abort: return "abort";
    case MessageType::acknowledgement: return "acknowledgement";
    case MessageType::user_control: return "user_control";
    case MessageType::window_ack_size: return "window_ack_size";
    case MessageType::set_peer_bandwidth: return "set_peer_bandwidth";
    case MessageType::audio: return "audio";
    case MessageType::video: return "video";
    case MessageType::data_amf3: return "data_amf3";
    case MessageType::shared_object_amf3: return "shared_object_amf3";
    case MessageType::command_amf3: return "command_amf3";
    case MessageType::data_amf0: return "data_amf0";
    case MessageType::shared_object_amf0: return "shared_object_amf0";
    case MessageType::command_amf0: return "command_amf0";
    case MessageType::aggregate: return "aggregate";
  }
  return "unknown";
}

Aggregate unpack_aggregate(const Message& aggregate) {
  Aggregate out;
  ByteReader r(aggregate.payload);
  uint32_t first = 0;
  while (!r.at_end()) {
    Message part;
    // The two highest bits are reserved, the third says encrypted: FLV 10.1 E.4.1.
    part.type = static_cast<MessageType>(r.u8() & 0x1f);
    const size_t length = r.u24();
    // FLV keeps the highest byte of its timestamp behind the other three.
    const uint32_t low = r.u24();
    const uint32_t time = low | static_cast<uint32_t>(r.u8()) << 24;
    r.skip(3);
    const size_t at = r.position();
    r.skip(length);
    if (!r.ok()) {
      out.truncated = true;
      break;
    }
    if (out.messages.empty()) first = time;
    part.stream_id = aggregate.stream_id;
    part.chunk_stream = aggregate.chunk_stream;
    part.timestamp = aggregate.timestamp + (time - first);
    part.payload = aggregate.payload.slice(at, length);
    out.messages.push_back(std::move(part));
    r.skip(4);  // back pointer; some senders leave out the last one
  }
  return out;
}

}  // namespace weir::rtmp
