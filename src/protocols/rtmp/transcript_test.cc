// Weir live-streaming server. MIT licence, see LICENSE.

// Recorded conversations of other people's software (tests/data/rtmp/README.md), read back message
// by message and compared with the FLV file that the same run wrote by another way.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "protocols/rtmp/commands.h"
#include "protocols/rtmp/handshake.h"
#include "protocols/rtmp/reader_fixture.h"

namespace weir::rtmp {
namespace {

std::vector<uint8_t> load(const std::string& name) {
  std::ifstream f(std::string(WEIR_TEST_DATA) + "/rtmp/" + name, std::ios::binary);
  std::vector<uint8_t> out{std::istreambuf_iterator<char>(f), {}};
  EXPECT_FALSE(out.empty()) << name;
  return out;
}

bool is_media(const Message& m) {
  return m.type == MessageType::audio || m.type == MessageType::video;
}

std::string key(const Message& m) {
  return std::string(to_string(m.type)) + "@" + std::to_string(m.timestamp) + " " +
         to_hex(m.payload);
}

// Audio and video tags of an FLV file: after its header, an aggregate message is laid out the same.
std::vector<std::string> flv_tags(const std::string& name) {
  Message body;
  body.payload = Bytes::take(load(name)).slice(9 + 4);
  ByteReader first(body.payload);
  first.skip(4);
  const uint32_t low = first.u24();
  body.timestamp = low | static_cast<uint32_t>(first.u8()) << 24;  // so that times stay as they are
  std::vector<std::string> out;
  for (const Message& m : unpack_aggregate(body).messages) {
    if (is_media(m)) out.push_back(key(m));
  }
  return out;
}

// What a publisher sent: handshake, then messages, whatever the sizes of the pieces it comes in.
ReadBack read_client(const std::string& name, size_t step, HandshakeKind* kind = nullptr) {
  const std::vector<uint8_t> all = load(name);
  ByteSpan in = all;
  std::array<uint8_t, kHandshakeSize> random{};
  ServerHandshake handshake(random);
  std::vector<uint8_t> reply;
  while (!handshake.done() && !in.empty()) {
    const auto used = handshake.feed(in.first(std::min(step, in.size())), reply);
    if (!used) return {{}, used.error()};
    in = in.subspan(*used);
  }
  if (kind) *kind = handshake.kind();
  ChunkReader reader;
  return read_back(reader, in, step);
}

std::vector<std::string> media(const ReadBack& r) {
  std::vector<std::string> out;
  for (const Message& m : r.messages) {
    if (is_media(m)) out.push_back(key(m));
  }
  return out;
}

std::string commands(const ReadBack& r) {
  std::string out;
  for (const Message& m : r.messages) {
    if (m.type != MessageType::command_amf0) continue;
    const auto c = parse_command(m);
    out += c ? c->name + " " : c.error().what + " ";
  }
  return out;
}

struct Publisher {
  const char* name;
  const char* commands;
  HandshakeKind kind;
};

const char* const kPublishing =
    "connect releaseStream FCPublish createStream publish FCUnpublish deleteStream ";
const Publisher kPublishers[] = {
    {"ffmpeg_publish",
     "connect releaseStream FCPublish createStream _checkbw publish FCUnpublish deleteStream ",
     HandshakeKind::digest_scheme1},
    {"ffmpeg_extended", kPublishing, HandshakeKind::digest_scheme1},
    {"gst_publish", kPublishing, HandshakeKind::simple},
};

TEST(Transcript, PublishersSendWhatTheyWriteToFile) {
  for (const Publisher& p : kPublishers) {
    const auto expected = flv_tags(std::string(p.name) + ".flv");
    ASSERT_GT(expected.size(), 20u) << p.name;
    for (const size_t step : {size_t{1}, size_t{7}, size_t{1460}, SIZE_MAX}) {
      HandshakeKind kind{};
      const ReadBack r = read_client(std::string(p.name) + ".c2s", step, &kind);
      ASSERT_FALSE(r.error) << p.name << ": " << r.error->what;
      EXPECT_EQ(kind, p.kind) << p.name;
      EXPECT_EQ(media(r), expected) << p.name << ", step " << step;
      EXPECT_EQ(commands(r), p.commands) << p.name;
    }
  }
}

TEST(Transcript, ExtendedTimestampsAreInIt) {
  const ReadBack r = read_client("ffmpeg_extended.c2s", 1000);
  size_t before = 0, after = 0;
  for (const Message& m : r.messages) {
    if (is_media(m) && m.timestamp > 0) ++(m.timestamp < 0xffffff ? before : after);
  }
  EXPECT_GT(before, 3u);
  EXPECT_GT(after, 3u);
}

TEST(Transcript, CommandsOfFfmpeg) {
  const ReadBack r = read_client("ffmpeg_publish.c2s", SIZE_MAX);
  std::vector<Command> calls;
  for (const Message& m : r.messages) {
    if (m.type == MessageType::command_amf0) calls.push_back(*parse_command(m));
  }
  ASSERT_EQ(calls.size(), 8u);
  EXPECT_EQ(calls[0].transaction_id, 1);
  EXPECT_EQ(calls[0].object.find("app")->as_string(), "live");
  EXPECT_FALSE(speaks_enhanced(calls[0]));  // FFmpeg 5.1
  EXPECT_EQ(calls[5].name, "publish");
  EXPECT_EQ(split_query(calls[5].arg(0).as_string()), (NameAndQuery{"demo", "key=abc"}));
  EXPECT_EQ(calls[5].arg(1).as_string(), "live");
}

// The other direction: what nginx-rtmp (chunks of 512 bytes, delta headers) sent to a playing
// rtmpdump.
TEST(Transcript, PlayerReceivesWhatRtmpdumpWrote) {
  const std::vector<uint8_t> all = load("rtmpdump_play.s2c");
  const auto expected = flv_tags("rtmpdump_play.flv");
  ASSERT_GT(expected.size(), 20u);
  for (const size_t step : {size_t{1}, size_t{500}, SIZE_MAX}) {
    ByteSpan in = all;
    std::array<uint8_t, kHandshakeSize> random{};
    ClientHandshake handshake(random);
    std::vector<uint8_t> reply;
    while (!handshake.done()) {
      const auto used = handshake.feed(in.first(std::min(step, in.size())), reply);
      ASSERT_TRUE(used && *used > 0);
      in = in.subspan(*used);
    }
    ChunkReader reader;
    const ReadBack r = read_back(reader, in, step);
    ASSERT_FALSE(r.error) << r.error->what;
    EXPECT_EQ(reader.chunk_size(), 512u);
    EXPECT_EQ(commands(r), "_result _result onStatus onStatus ");
    auto received = media(r);
    ASSERT_GE(received.size(), expected.size());  // rtmpdump stops by itself, amid the stream
    received.resize(expected.size());
    EXPECT_EQ(received, expected);
  }
}

}  // namespace
}  // namespace weir::rtmp
