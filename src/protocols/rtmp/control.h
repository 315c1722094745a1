// Weir live-streaming server. MIT licence, see LICENSE.

// Protocol control and user control messages: made as Messages, and parsed. Pure. Leaves out when
// they are due; Set Chunk Size and Abort from a peer never get here, ChunkReader obeys them.
// RTMP 1.0 5.4, 6.2, 7.1.7.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "protocols/rtmp/message.h"

namespace weir::rtmp {

enum class BandwidthLimit : uint8_t { hard = 0, soft = 1, dynamic = 2 };

enum class UserControlEvent : uint16_t {
  stream_begin = 0,
  stream_eof = 1,
  stream_dry = 2,
  set_buffer_length = 3,
  stream_is_recorded = 4,
  ping_request = 6,
  ping_response = 7,
};

struct UserControl {
  UserControlEvent event{};
  uint32_t value = 0;      // a stream id, or a ping's timestamp
  uint32_t buffer_ms = 0;  // set_buffer_length only
  bool operator==(const UserControl&) const = default;
};

struct PeerBandwidth {
  uint32_t window = 0;
  BandwidthLimit limit{};
  bool operator==(const PeerBandwidth&) const = default;
};

Message make_set_chunk_size(uint32_t size);
Message make_abort(uint32_t chunk_stream);
Message make_acknowledgement(uint32_t bytes_received);
Message make_window_ack_size(uint32_t window);
Message make_set_peer_bandwidth(PeerBandwidth);
Message make_user_control(const UserControl&);

// The number in an acknowledgement or window_ack_size message.
Result<uint32_t> parse_control_number(const Message&);
Result<PeerBandwidth> parse_set_peer_bandwidth(const Message&);
// An event the specification does not name is no error: old players send some.
Result<UserControl> parse_user_control(const Message&);

}  // namespace weir::rtmp
