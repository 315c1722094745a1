// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/message.h"

#include <gtest/gtest.h>

namespace weir::rtmp {
namespace {

Message aggregate(uint32_t timestamp, std::string_view hex) {
  Message m;
  m.type = MessageType::aggregate;
  m.stream_id = 1;
  m.timestamp = timestamp;
  m.chunk_stream = 9;
  m.payload = from_hex(hex);
  return m;
}

TEST(Aggregate, TimesAreMovedToTheAggregates) {
  const Message m = aggregate(5000,
                              "08 000002 000064 00 000000 aabb 0000000d"
                              "09 000001 000078 00 000000 cc   0000000c"
                              "12 000000 000078 00 000000      0000000b");
  const Aggregate a = unpack_aggregate(m);
  EXPECT_FALSE(a.truncated);
  ASSERT_EQ(a.messages.size(), 3u);
  EXPECT_EQ(static_cast<const MessageHeader&>(a.messages[0]),
            (MessageHeader{MessageType::audio, 1, 5000, 9}));
  EXPECT_EQ(static_cast<const MessageHeader&>(a.messages[1]),
            (MessageHeader{MessageType::video, 1, 5020, 9}));
  EXPECT_EQ(a.messages[2].type, MessageType::data_amf0);
  EXPECT_EQ(to_hex(a.messages[0].payload), "aabb");
  EXPECT_EQ(to_hex(a.messages[1].payload), "cc");
  EXPECT_TRUE(a.messages[2].payload.empty());
  EXPECT_EQ(a.messages[0].payload.data(), m.payload.data() + 11) << "shares the memory";
}

// The highest byte of a tag's time comes last, and times wrap.
TEST(Aggregate, ExtendedTimes) {
  const Aggregate a = unpack_aggregate(aggregate(10,
                                                 "08 000000 fffff0 ff 000000 0000000b"
                                                 "08 000000 000010 00 000000 0000000b"));
  ASSERT_EQ(a.messages.size(), 2u);
  EXPECT_EQ(a.messages[0].timestamp, 10u);
  EXPECT_EQ(a.messages[1].timestamp, 42u);
}

TEST(Aggregate, Cut) {
  const std::string tag = "08 000002 000064 00 000000 aabb ";
  const struct {
    std::string hex;
    size_t messages;
    bool truncated;
  } rows[] = {
      {"", 0, false},
      {tag, 1, false},                      // no back pointer
      {tag + "0000", 1, false},             // half of one
      {tag + "0000000d 08 0000", 1, true},  // half a header
      {tag + "0000000d 08 ffffff 000000 00 000000 aa", 1, true},
      {"08", 0, true},
  };
  for (const auto& row : rows) {
    const Aggregate a = unpack_aggregate(aggregate(0, row.hex));
    EXPECT_EQ(a.messages.size(), row.messages) << row.hex;
    EXPECT_EQ(a.truncated, row.truncated) << row.hex;
  }
}

TEST(MessageType, Names) {
  EXPECT_EQ(to_string(MessageType::command_amf0), "command_amf0");
  EXPECT_EQ(to_string(static_cast<MessageType>(99)), "unknown");
}

}  // namespace
}  // namespace weir::rtmp
