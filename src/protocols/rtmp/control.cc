// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/control.h"

namespace weir::rtmp {
namespace {

// RTMP 1.0 5.4: protocol control messages are on chunk stream 2, message stream 0, and their
// timestamp is ignored.
Message control(MessageType type, ByteWriter& payload) {
  Message m;
  m.type = type;
  m.chunk_stream = kControlChunkStream;
  m.payload = payload.take();
  return m;
}

Message number(MessageType type, uint32_t value) {
  ByteWriter w;
  w.u32(value);
  return control(type, w);
}

}  // namespace

Message make_set_chunk_size(uint32_t size) { return number(MessageType::set_chunk_size, size); }

Message make_abort(uint32_t chunk_stream) { return number(MessageType::abort, chunk_stream); }

Message make_acknowledgement(uint32_t bytes_received) {
  return number(MessageType::acknowledgement, bytes_received);
}

Message make_window_ack_size(uint32_t window) {
  return number(MessageType::window_ack_size, window);
}

Message make_set_peer_bandwidth(PeerBandwidth bandwidth) {
  ByteWriter w;
  w.u32(bandwidth.window);
  w.u8(static_cast<uint8_t>(bandwidth.limit));
  return control(MessageType::set_peer_bandwidth, w);
}

Message make_user_control(const UserControl& c) {
  ByteWriter w;
  w.u16(static_cast<uint16_t>(c.event));
  w.u32(c.value);
  if (c.event == UserControlEvent::set_buffer_length) w.u32(c.buffer_ms);
  return control(MessageType::user_control, w);
}

Result<uint32_t> parse_control_number(const Message& m) {
  ByteReader r(m.payload);
  const uint32_t value = r.u32();
  if (!r.ok()) return fail(Code::protocol, std::string(to_string(m.type)) + ": too short");
  return value;
}

Result<PeerBandwidth> parse_set_peer_bandwidth(const Message& m) {
  ByteReader r(m.payload);
  PeerBandwidth b;
  b.window = r.u32();
  const uint8_t limit = r.u8();
  if (!r.ok()) return fail(Code::protocol, "set_peer_bandwidth: too short");
  if (limit > static_cast<uint8_t>(BandwidthLimit::dynamic)) {
    return fail(Code::protocol, "set_peer_bandwidth: unknown limit type");
  }
  b.limit = static_cast<BandwidthLimit>(limit);
  return b;
}

Result<UserControl> parse_user_control(const Message& m) {
  ByteReader r(m.payload);
  UserControl c;
  c.event = static_cast<UserControlEvent>(r.u16());
  if (!r.ok()) return fail(Code::protocol, "user_control: too short");
  switch (c.event) {
    case UserControlEvent::stream_begin:
    case UserControlEvent::stream_eof:
    case UserControlEvent::stream_dry:
    case UserControlEvent::stream_is_recorded:
    case UserControlEvent::ping_request:
    case UserControlEvent::ping_response: c.value = r.u32(); break;
    case UserControlEvent::set_buffer_length:
      c.value = r.u32();
      c.buffer_ms = r.u32();
      break;
  }
  if (!r.ok()) return fail(Code::protocol, "user_control: too short");
  return c;
}

}  // namespace weir::rtmp
