// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/chunk_reader.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "protocols/rtmp/chunk_writer.h"
#include "protocols/rtmp/control.h"
#include "protocols/rtmp/reader_fixture.h"

namespace weir::rtmp {
namespace {

// "type@timestamp stream/chunk_stream payload", one line per message.
std::string describe(const ReadBack& r) {
  std::string out;
  for (const Message& m : r.messages) {
    out += std::to_string(static_cast<int>(m.type)) + "@" + std::to_string(m.timestamp) + " " +
           std::to_string(m.stream_id) + "/" + std::to_string(m.chunk_stream) + " " +
           to_hex(m.payload) + "\n";
  }
  if (r.error) out += std::string(to_string(r.error->code)) + ": " + r.error->what + "\n";
  return out;
}

std::string read(std::string_view hex, size_t step, ChunkReaderLimits limits = {}) {
  ChunkReader reader(limits);
  return describe(read_back(reader, from_hex(hex), step));
}

struct Row {
  const char* what;
  std::string hex;
  std::string expected;
};

std::string repeat(std::string_view hex, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += hex;
  return out;
}

const std::string kAudio0 = "04 000064 000002 08 01000000 aabb ";  // type 0, 100 ms, stream 1
const std::string k4E = repeat("4e", 128);
const std::string k4F = repeat("4f", 2);

const Row kRows[] = {
    {"type 0", kAudio0, "8@100 1/4 aabb\n"},
    {"type 1: delta, new length and type", kAudio0 + "44 000017 000001 09 cc",
     "8@100 1/4 aabb\n9@123 1/4 cc\n"},
    {"type 2: delta only", kAudio0 + "84 000017 ccdd", "8@100 1/4 aabb\n8@123 1/4 ccdd\n"},
    {"type 3 after 1 repeats the delta", kAudio0 + "44 000017 000002 08 ccdd c4 eeff",
     "8@100 1/4 aabb\n8@123 1/4 ccdd\n8@146 1/4 eeff\n"},
    {"type 3 after 0: the timestamp is the delta (5.3.1.2.4)", kAudio0 + "c4 ccdd",
     "8@100 1/4 aabb\n8@200 1/4 ccdd\n"},
    {"type 1 first on its chunk stream counts from zero", "44 000017 000001 09 cc",
     "9@23 0/4 cc\n"},
    {"basic header of two bytes: 64 + n", "00 05 000000 000001 08 01000000 aa c0 05 bb",
     "8@0 1/69 aa\n8@0 1/69 bb\n"},
    {"basic header of three bytes: 64 + n + 256 m", "01 05 02 000000 000001 08 01000000 aa",
     "8@0 1/581 aa\n"},
    {"the highest chunk stream", "01 ff ff 000000 000001 08 01000000 aa", "8@0 1/65599 aa\n"},
    {"stream id is little-endian", "04 000000 000001 08 01020304 aa", "8@0 67305985/4 aa\n"},
    {"no payload", "04 000001 000000 09 01000000 c4", "9@1 1/4 \n9@2 1/4 \n"},
    {"0xfffffe is not extended", "04 fffffe 000001 08 01000000 aa", "8@16777214 1/4 aa\n"},
    {"extended timestamp", "04 ffffff 000001 08 01000000 00ffffff aa", "8@16777215 1/4 aa\n"},
    {"extended timestamp that need not be", "04 ffffff 000001 08 01000000 00000007 aa",
     "8@7 1/4 aa\n"},
    {"extended delta", kAudio0 + "84 ffffff 01000000 ccdd",
     "8@100 1/4 aabb\n8@16777316 1/4 ccdd\n"},
    {"a negative delta wraps", kAudio0 + "84 ffffff fffffff6 ccdd",
     "8@100 1/4 aabb\n8@90 1/4 ccdd\n"},
    {"the clock wraps", "04 ffffff 000001 08 01000000 fffffff0 aa 84 000020 bb",
     "8@4294967280 1/4 aa\n8@16 1/4 bb\n"},
    {"interleaved with another message",
     "04 000000 000082 09 01000000 " + k4E + "05 000007 000001 08 01000000 aa c4" + k4F,
     "8@7 1/5 aa\n9@0 1/4 " + k4E + k4F + "\n"},
    {"a new header of the same length goes on with the message",
     "04 000000 000082 09 01000000 " + k4E + "44 000009 000082 09 " + k4F,
     "9@0 1/4 " + k4E + k4F + "\n"},
    {"a new header of another length gives the message up",
     "04 000000 000082 09 01000000 " + k4E + "04 000009 000001 09 01000000 aa", "9@9 1/4 aa\n"},
    {"abort gives the message up",
     "04 000000 000082 09 01000000 " + k4E + "02 000000 000004 02 00000000 00000004" +
         "04 000009 000001 09 01000000 aa",
     "9@9 1/4 aa\n"},
    {"abort of nothing", "02 000000 000004 02 00000000 00000009" + kAudio0, "8@100 1/4 aabb\n"},
    {"chunk size 1",
     "02 000000 000004 01 00000000 00000001 04 000064 000003 08 01000000 aac4bbc4cc",
     "8@100 1/4 aabbcc\n"},
    {"chunk size 10 MiB", "02 000000 000004 01 00000000 00a00000" + kAudio0, "8@100 1/4 aabb\n"},
    {"other control messages come out", "02 000000 000004 05 00000000 002625a0",
     "5@0 0/2 002625a0\n"},
    {"unknown types come out", "04 000064 000001 63 01000000 aa", "99@100 1/4 aa\n"},
    // Wrong ones.
    {"type 3 on an unused chunk stream", "c4 aa",
     "protocol: chunk: short header on an unused chunk stream\n"},
    {"type 2 on an unused chunk stream", "84 000000 aa",
     "protocol: chunk: short header on an unused chunk stream\n"},
    {"chunk size 0", "02 000000 000004 01 00000000 00000000", "protocol: set_chunk_size: 0\n"},
    {"chunk size above 10 MiB", "02 000000 000004 01 00000000 00a00001",
     "limit: set_chunk_size: too large\n"},
    {"chunk size with its top bit set", "02 000000 000004 01 00000000 80000080",
     "limit: set_chunk_size: too large\n"},
    {"short set chunk size", "02 000000 000003 01 00000000 000080",
     "protocol: set_chunk_size: too short\n"},
    {"short abort", "02 000000 000000 02 00000000", "protocol: abort: too short\n"},
    {"message of 16 MiB", "04 000000 ffffff 09 01000000 aa", "limit: chunk: message too large\n"},
    {"message one byte above 10 MiB", "04 000000 a00001 09 01000000",
     "limit: chunk: message too large\n"},
    {"what came before an error comes out", kAudio0 + "c9",
     "8@100 1/4 aabb\nprotocol: chunk: short header on an unused chunk stream\n"},
};

TEST(ChunkReader, HeaderTable) {
  for (const Row& row : kRows) {
    for (const size_t step : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, SIZE_MAX}) {
      EXPECT_EQ(read(row.hex, step), row.expected) << row.what << ", step " << step;
    }
  }
}

// Both styles of type 3 chunks behind an extended timestamp, told apart whatever the feed size.
TEST(ChunkReader, ExtendedTimestampRepeatedOrNot) {
  const std::string first = "04 ffffff 000104 09 01000000 01020304 " + k4E;
  const std::string a = repeat("11", 128), b = "01020305";  // three bytes like the timestamp's
  const std::string body = k4E + a + b;
  const std::string time = "01020304 ", audio = "06 000001 000001 08 01000000 aa";
  const std::string expected = "9@16909060 1/4 " + body + "\n8@1 1/6 aa\n";
  for (const size_t step : {1, 2, 3, 4, 5, 6, 7, 128, 1000}) {
    EXPECT_EQ(read(first + "c4" + time + a + "c4" + time + b + audio, step), expected) << step;
    EXPECT_EQ(read(first + "c4" + a + "c4" + b + audio, step), expected) << step;
  }
}

// Payload that begins like the timestamp, ends the message at once, and is followed by other
// headers: the bytes looked at must be given back.
TEST(ChunkReader, BytesPeekedForTimestampAreGivenBack) {
  for (const size_t tail : {1, 2, 3}) {
    const std::string part = std::string("040404").substr(0, tail * 2);
    const std::string length = "00008" + std::to_string(tail);
    const std::string hex = "04 ffffff " + length + " 09 01000000 04040404 " + k4E + "c4" + part +
                            "05 000005 000001 08 01000000 aa";
    for (const size_t step : {1, 2, 3, 5, 1000}) {
      EXPECT_EQ(read(hex, step), "9@67372036 1/4 " + k4E + part + "\n8@5 1/5 aa\n") << step;
    }
  }
}

TEST(ChunkReader, ExtendedDeltaMayBeRepeatedAsDeltaOrAsTime) {
  const std::string first = kAudio0 + "44 ffffff 000081 08 01000000 " + k4E;
  const std::string body = k4E + "77";
  const std::string expected = "8@100 1/4 aabb\n8@16777316 1/4 " + body + "\n";
  for (const std::string repeated : {"01000000", "01000064", ""}) {
    EXPECT_EQ(read(first + "c4" + repeated + "77", 1), expected) << repeated;
  }
}

TEST(ChunkReader, MessageAfterExtendedByType3) {
  const std::string first = "04 000064 000001 08 01000000 aa 84 ffffff 01000000 bb ";
  const std::string expected = "8@100 1/4 aa\n8@16777316 1/4 bb\n8@33554532 1/4 cc\n";
  EXPECT_EQ(read(first + "c4 01000000 cc", SIZE_MAX), expected);
  EXPECT_EQ(read(first + "c4 cc", SIZE_MAX), expected);
}

TEST(ChunkReader, SetChunkSizeAmidAMessageCountsFromTheNextChunk) {
  const std::string a = repeat("11", 128), b = repeat("22", 200);
  const std::string hex =
      "04 000000 000148 09 01000000 " + a + "02 000000 000004 01 00000000 000000c8" + "c4" + b;
  EXPECT_EQ(read(hex, 50), "9@0 1/4 " + a + b + "\n");
}

TEST(ChunkReader, CountsBytesAndGivenUpMessages) {
  ChunkReader reader;
  const Bytes in =
      from_hex("04 000000 000082 09 01000000 " + k4E + "02 000000 000004 02 00000000 00000004");
  ByteSpan all = in;
  reader.feed(all.first(140));
  ASSERT_FALSE(*reader.next());
  EXPECT_EQ(reader.partial_bytes(), 128u);
  reader.feed(all.subspan(140));
  ASSERT_FALSE(*reader.next());
  EXPECT_EQ(reader.bytes_received(), in.size());
  EXPECT_EQ(reader.partial_bytes(), 0u);
  EXPECT_EQ(reader.messages_dropped(), 1u);
}

TEST(ChunkReader, ErrorsStay) {
  ChunkReader reader;
  const Bytes bad = from_hex("c4 aa"), good = from_hex(kAudio0);
  reader.feed(bad);
  EXPECT_FALSE(reader.next());
  reader.feed(good);
  EXPECT_EQ(reader.next().error().code, Code::protocol);
  reader.feed(good);
  EXPECT_FALSE(reader.next());
}

TEST(ChunkReader, ThousandsOfChunkStreams) {
  ChunkReader reader;
  std::vector<uint8_t> in;
  for (uint32_t id = 64; id < 10064; ++id) {
    append_message(in, {.type = MessageType::audio, .chunk_stream = id}, as_bytes("x"), 128);
  }
  const ReadBack r = read_back(reader, in);
  EXPECT_EQ(r.messages.size(), ChunkReaderLimits{}.chunk_streams);
  EXPECT_EQ(r.error->code, Code::limit);
}

// One chunk each of many large messages: what is held stays below the bound.
TEST(ChunkReader, ManyPartialMessages) {
  ChunkReader reader({.message = 1 << 20, .partial = 100'000, .chunk_streams = 1000});
  ByteWriter in;
  for (uint32_t id = 64; id < 1064; ++id) {
    in.u8(1);
    in.u8((id - 64) & 0xff);
    in.u8(static_cast<uint8_t>((id - 64) >> 8));
    in.u24(0);
    in.u24(1 << 20);
    in.u8(9);
    in.u32_le(1);
    in.zeros(128);
  }
  const ReadBack r = read_back(reader, in.span(), 4096);
  ASSERT_TRUE(r.error);
  EXPECT_EQ(r.error->what, "chunk: too much in unfinished messages");
  EXPECT_LE(reader.partial_bytes(), 100'000u);
  EXPECT_GT(reader.partial_bytes(), 99'000u);
}

TEST(ChunkReader, MessageAtItsLimit) {
  const ChunkReaderLimits limits{.message = 1000};
  std::vector<uint8_t> in;
  const std::vector<uint8_t> payload(1000, 7);
  append_message(in, {.type = MessageType::video, .chunk_stream = 7}, payload, 128);
  ChunkReader reader(limits);
  const ReadBack r = read_back(reader, in);
  ASSERT_EQ(r.messages.size(), 1u);
  EXPECT_FALSE(r.error);
  EXPECT_EQ(r.messages[0].payload, Bytes::copy(payload));
}

// A 4 MB key frame in the smallest default chunks takes time in proportion, not squared: the same
// bytes as sixteen quarter-megabyte messages must cost about as much.
TEST(ChunkReader, LargeMessageOverSmallChunksIsLinear) {
  using Clock = std::chrono::steady_clock;
  auto cost = [](size_t size, size_t count) {
    std::vector<uint8_t> in;
    const std::vector<uint8_t> payload(size, 0x5a);
    for (size_t i = 0; i < count; ++i) {
      append_message(in, {.type = MessageType::video, .chunk_stream = 7}, payload, 128);
    }
    auto best = Clock::duration::max();
    for (int i = 0; i < 3; ++i) {
      ChunkReader reader;
      const auto start = Clock::now();
      const ReadBack r = read_back(reader, in, 4096);
      best = std::min(best, Clock::now() - start);
      EXPECT_EQ(r.messages.size(), count);
      EXPECT_EQ(r.messages.back().payload.size(), size);
    }
    return best;
  };
  const auto small = cost(256 << 10, 16);
  EXPECT_LT(cost(4 << 20, 1), small * 6);
}

}  // namespace
}  // namespace weir::rtmp
