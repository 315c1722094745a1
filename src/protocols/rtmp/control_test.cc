// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/control.h"

#include <gtest/gtest.h>

namespace weir::rtmp {
namespace {

Message with(MessageType type, std::string_view hex) {
  Message m;
  m.type = type;
  m.payload = from_hex(hex);
  return m;
}

TEST(Control, Bytes) {
  const struct {
    Message made;
    MessageType type;
    const char* payload;
  } rows[] = {
      {make_set_chunk_size(4096), MessageType::set_chunk_size, "00001000"},
      {make_abort(6), MessageType::abort, "00000006"},
      {make_acknowledgement(0xfffffffe), MessageType::acknowledgement, "fffffffe"},
      {make_window_ack_size(5'000'000), MessageType::window_ack_size, "004c4b40"},
      {make_set_peer_bandwidth({5'000'000, BandwidthLimit::dynamic}),
       MessageType::set_peer_bandwidth, "004c4b4002"},
      {make_user_control({UserControlEvent::stream_begin, 1}), MessageType::user_control,
       "000000000001"},
      {make_user_control({UserControlEvent::stream_eof, 1}), MessageType::user_control,
       "000100000001"},
      {make_user_control({UserControlEvent::stream_dry, 1}), MessageType::user_control,
       "000200000001"},
      {make_user_control({UserControlEvent::set_buffer_length, 1, 3000}), MessageType::user_control,
       "00030000000100000bb8"},
      {make_user_control({UserControlEvent::stream_is_recorded, 1}), MessageType::user_control,
       "000400000001"},
      {make_user_control({UserControlEvent::ping_request, 77}), MessageType::user_control,
       "00060000004d"},
      {make_user_control({UserControlEvent::ping_response, 77}), MessageType::user_control,
       "00070000004d"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.made.type, row.type) << row.payload;
    EXPECT_EQ(to_hex(row.made.payload), row.payload);
    EXPECT_EQ(row.made.chunk_stream, kControlChunkStream);
    EXPECT_EQ(row.made.stream_id, 0u);
  }
}

TEST(Control, RoundTrips) {
  const UserControl buffer{UserControlEvent::set_buffer_length, 1, 3000};
  EXPECT_EQ(*parse_user_control(make_user_control(buffer)), buffer);
  const UserControl ping{UserControlEvent::ping_request, 9};
  EXPECT_EQ(*parse_user_control(make_user_control(ping)), ping);
  const PeerBandwidth bandwidth{250000, BandwidthLimit::soft};
  EXPECT_EQ(*parse_set_peer_bandwidth(make_set_peer_bandwidth(bandwidth)), bandwidth);
  EXPECT_EQ(*parse_control_number(make_acknowledgement(12345)), 12345u);
}

TEST(Control, Wrong) {
  EXPECT_EQ(parse_control_number(with(MessageType::window_ack_size, "000001")).error().what,
            "window_ack_size: too short");
  EXPECT_FALSE(parse_set_peer_bandwidth(with(MessageType::set_peer_bandwidth, "00000001")));
  EXPECT_FALSE(parse_set_peer_bandwidth(with(MessageType::set_peer_bandwidth, "0000000103")));
  EXPECT_FALSE(parse_user_control(with(MessageType::user_control, "")));
  EXPECT_FALSE(parse_user_control(with(MessageType::user_control, "0006000000")));
  EXPECT_FALSE(parse_user_control(with(MessageType::user_control, "000300000001000000")));
}

// Flash sends events 26 and 27 (SWF verification), rtmpdump 31 and 32.
TEST(Control, UnknownEventsPass) {
  const auto c = parse_user_control(with(MessageType::user_control, "001a"));
  ASSERT_TRUE(c);
  EXPECT_EQ(static_cast<int>(c->event), 26);
}

TEST(Control, TrailingBytesAreIgnored) {
  EXPECT_EQ(*parse_control_number(with(MessageType::acknowledgement, "00000001ff")), 1u);
}

}  // namespace
}  // namespace weir::rtmp
