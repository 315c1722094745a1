// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/chunk_writer.h"

#include <gtest/gtest.h>

#include "protocols/rtmp/control.h"
#include "protocols/rtmp/reader_fixture.h"

namespace weir::rtmp {
namespace {

std::vector<uint8_t> pattern(size_t size, uint8_t seed = 1) {
  std::vector<uint8_t> out(size);
  uint32_t state = seed;
  for (auto& b : out) b = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

std::string write(const MessageHeader& header, std::string_view head, std::string_view body,
                  uint32_t chunk_size) {
  std::vector<uint8_t> out;
  append_message(out, header, from_hex(head), from_hex(body), chunk_size);
  EXPECT_EQ(out.size(), chunked_size(header, (head.size() + body.size()) / 2, chunk_size));
  return to_hex(out);
}

TEST(ChunkWriter, Bytes) {
  const MessageHeader video{
      .type = MessageType::video, .stream_id = 1, .timestamp = 0x010203, .chunk_stream = 7};
  EXPECT_EQ(write(video, "1701", "aabbcc", 128), "0701020300000509010000001701aabbcc");
  EXPECT_EQ(write(video, "1701", "aabbcc", 2), "0701020300000509010000001701c7aabbc7cc");
  EXPECT_EQ(write(video, "1701", "aabbcc", 3), "0701020300000509010000001701aac7bbcc");
  EXPECT_EQ(write(video, "1701aa", "", 3), "0701020300000309010000001701aa");
  EXPECT_EQ(write(video, "", "", 3), "070102030000000901000000");
  MessageHeader late = video;
  late.timestamp = 0xffffff;
  EXPECT_EQ(write(late, "", "aabbcc", 2), "07ffffff000003090100000000ffffffaabbc700ffffffcc");
  late.timestamp = 0xfffffe;
  EXPECT_EQ(write(late, "", "aabbcc", 2), "07fffffe0000030901000000aabbc7cc");
}

TEST(ChunkWriter, ChunkStreamIds) {
  for (const auto& [id, hex] : {std::pair{2u, "02"},
                                {63u, "3f"},
                                {64u, "0000"},
                                {319u, "00ff"},
                                {320u, "010001"},
                                {65599u, "01ffff"}}) {
    const std::string out = write({.type = MessageType::audio, .chunk_stream = id}, "", "", 128);
    EXPECT_EQ(out.substr(0, out.size() - 22), hex) << id;
  }
}

TEST(ChunkWriter, ReadsBackWhateverTheSizes) {
  for (const uint32_t chunk : {1u, 128u, 4096u, 60000u, 1u << 20}) {
    std::vector<uint8_t> out;
    std::vector<Message> sent;
    append_message(out, make_set_chunk_size(chunk), kDefaultChunkSize);
    for (const uint32_t time :
         {0u, 0xfffffeu, 0xffffffu, 0x1000000u, 0x7fffffffu, 0xffffffffu, 5u}) {
      for (const size_t size : {0, 1, 127, 128, 129, 4096, 4097, 130000}) {
        if (size / chunk > 5000) continue;
        Message m;
        m.type = size % 2 ? MessageType::audio : MessageType::video;
        m.stream_id = 1;
        m.timestamp = time;
        m.chunk_stream = size % 2 ? kAudioChunkStream : 400;
        m.payload = Bytes::take(pattern(size, static_cast<uint8_t>(size + time)));
        append_message(out, m, m.payload.span().first(size / 3), m.payload.span().subspan(size / 3),
                       chunk);
        sent.push_back(std::move(m));
      }
    }
    for (const size_t step : {11, 1460, 1 << 24}) {
      ChunkReader reader;
      const ReadBack r = read_back(reader, out, step);
      ASSERT_FALSE(r.error) << r.error->what;
      ASSERT_EQ(r.messages.size(), sent.size());
      for (size_t i = 0; i < sent.size(); ++i) {
        EXPECT_EQ(static_cast<const MessageHeader&>(r.messages[i]), sent[i]) << chunk << ' ' << i;
        EXPECT_EQ(r.messages[i].payload, sent[i].payload) << chunk << ' ' << i;
      }
      EXPECT_EQ(reader.partial_bytes(), 0u);
    }
  }
}

TEST(ChunkWriter, ManySmallMessagesDoNotRegrowEachTime) {
  std::vector<uint8_t> out;
  const auto payload = pattern(100);
  size_t moves = 0;
  const uint8_t* at = nullptr;
  for (int i = 0; i < 10000; ++i) {
    append_message(out, {.type = MessageType::audio, .chunk_stream = 6}, payload, 128);
    moves += out.data() != at;
    at = out.data();
  }
  EXPECT_LT(moves, 20u);
}

}  // namespace
}  // namespace weir::rtmp
