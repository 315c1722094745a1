// Weir live-streaming server. MIT licence, see LICENSE.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "containers/flv/amf0.h"
#include "load/clip.h"
#include "load/rtmp_client.h"
#include "load/samples.h"
#include "load/skim.h"
#include "load/stamp.h"
#include "protocols/rtmp/chunk_reader.h"
#include "protocols/rtmp/chunk_writer.h"

namespace weir::bench {
namespace {

using testing::ElementsAre;

std::vector<uint8_t> body_of(size_t size, uint8_t seed) {
  std::vector<uint8_t> b(size);
  for (size_t i = 0; i < size; ++i) b[i] = static_cast<uint8_t>(seed + i * 7);
  return b;
}

struct Seen {
  int type;
  uint32_t length;
  std::vector<uint8_t> head;
  bool operator==(const Seen&) const = default;
};

Seen seen(uint8_t type, const std::vector<uint8_t>& body) {
  return {type,
          static_cast<uint32_t>(body.size()),
          {body.begin(), body.begin() + static_cast<ptrdiff_t>(std::min(body.size(), kHeadSize))}};
}

// Feeds the stream in pieces of `step` bytes.
template <class Skim>
std::vector<Seen> skim(Skim& s, ByteSpan all, size_t step) {
  std::vector<Seen> out;
  while (!all.empty()) {
    ByteSpan in = all.first(std::min(step, all.size()));
    all = all.subspan(in.size());
    while (auto m = s.next(in))
      out.push_back({m->type, m->length, {m->head.begin(), m->head.end()}});
  }
  return out;
}

TEST(Stamp, ReadsWhatItMade) {
  const Time when{0x0000010203040506};
  std::vector<uint8_t> message = {0x17, 1, 0, 0, 0};
  const auto stamp = make_stamp(when);
  message.insert(message.end(), stamp.begin(), stamp.end());
  EXPECT_EQ(read_stamp(message), when);
  EXPECT_EQ(ByteReader(ByteSpan(stamp)).u32(), kStampSize - 4) << "a NAL unit with its length";
  EXPECT_EQ(std::count(stamp.begin() + 4, stamp.end(), 0), 0) << "no emulation prevention wanted";
}

TEST(Stamp, IsNotSeenWhereThereIsNone) {
  EXPECT_EQ(read_stamp(body_of(kVideoTagHeaderSize + kStampSize, 1)), std::nullopt);
  std::vector<uint8_t> cut = {0x17, 1, 0, 0, 0};
  const auto stamp = make_stamp(1s);
  cut.insert(cut.end(), stamp.begin(), stamp.end() - 1);
  EXPECT_EQ(read_stamp(cut), std::nullopt);
  cut.push_back(0x80);
  cut[kVideoTagHeaderSize + 4 + 19] = 'x';  // a digit that is none
  EXPECT_EQ(read_stamp(cut), std::nullopt);
}

TEST(Samples, QuantilesAreOfTheSamples) {
  Samples s;
  EXPECT_EQ(s.quantile(.5), 0ns);
  for (int i = 100; i > 0; --i) s.add(Time{i});
  EXPECT_EQ(s.quantile(0), 1ns);
  EXPECT_EQ(s.quantile(1), 100ns);
  EXPECT_EQ(s.quantile(.99), 99ns);
  EXPECT_NEAR(static_cast<double>(s.quantile(.5).count()), 50, 1);
  s.add(100s);
  EXPECT_LT(s.quantile(1), 5s);
}

TEST(FlvSkim, SeesEveryTagHoweverItIsCut) {
  const auto video = body_of(5000, 1), audio = body_of(10, 2), none = body_of(0, 0);
  ByteWriter w;
  w.bytes(flv::make_file_header({.audio = true, .video = true}));
  for (const auto& [type, body] : {std::pair{flv::TagType::script, none},
                                   {flv::TagType::video, video},
                                   {flv::TagType::audio, audio}}) {
    w.bytes(flv::make_tag_header(type, body.size(), 40));
    w.bytes(body);
    w.bytes(flv::make_tag_trailer(body.size()));
  }
  for (const size_t step : {1, 2, 3, 17, 1000, 100000}) {
    FlvSkim s;
    EXPECT_THAT(skim(s, w.span(), step),
                ElementsAre(seen(18, none), seen(9, video), seen(8, audio)))
        << step;
    EXPECT_TRUE(s.ok());
  }
}

TEST(FlvSkim, RefusesWhatIsNotFlv) {
  FlvSkim text;
  EXPECT_TRUE(skim(text, as_bytes("<html>this is no FLV at all"), 5).empty());
  EXPECT_FALSE(text.ok());
  FlvSkim odd;
  ByteWriter w;
  w.bytes(flv::make_file_header({}));
  w.zeros(20);
  EXPECT_TRUE(skim(odd, w.span(), 100).empty());
  EXPECT_FALSE(odd.ok());
}

void append(std::vector<uint8_t>& out, rtmp::MessageType type, uint32_t chunk_stream, uint32_t time,
            const std::vector<uint8_t>& body, uint32_t chunk_size) {
  rtmp::append_message(
      out, {.type = type, .stream_id = 1, .timestamp = time, .chunk_stream = chunk_stream}, body,
      chunk_size);
}

TEST(RtmpSkim, SeesEveryMessageHoweverItIsCut) {
  const auto small = body_of(50, 3), large = body_of(9000, 4), other = body_of(300, 5);
  const std::vector<uint8_t> size = {0, 0, 4, 0};
  std::vector<uint8_t> wire;
  append(wire, rtmp::MessageType::audio, 6, 0, large, 128);
  append(wire, rtmp::MessageType::set_chunk_size, 2, 0, size, 128);
  append(wire, rtmp::MessageType::video, 7, 0x1234567, large, 1024);  // extended timestamp
  append(wire, rtmp::MessageType::audio, 100, 5, other, 1024);        // two-byte basic header
  append(wire, rtmp::MessageType::audio, 1000, 6, small, 1024);       // three-byte basic header
  for (const size_t step : {1, 2, 5, 127, 128, 129, 4096, 100000}) {
    RtmpSkim s;
    EXPECT_THAT(skim(s, wire, step), ElementsAre(seen(8, large), seen(1, size), seen(9, large),
                                                 seen(8, other), seen(8, small)))
        << step;
  }
}

TEST(RtmpSkim, FollowsShortHeadersAndInterleavedChunks) {
  const auto first = body_of(200, 1), second = body_of(128, 2), third = body_of(200, 3);
  std::vector<uint8_t> wire;
  const auto put = [&](std::initializer_list<int> header, ByteSpan body) {
    for (const int b : header) wire.push_back(static_cast<uint8_t>(b));
    wire.insert(wire.end(), body.begin(), body.end());
  };
  put({0x07, 0, 0, 1, 0, 0, 200, 9, 1, 0, 0, 0}, ByteSpan(first).first(128));
  put({0x46, 0, 0, 0, 0, 0, 128, 8}, second);  // type 1, between the two halves
  put({0xc7}, ByteSpan(first).subspan(128));
  put({0x87, 0, 0, 33}, ByteSpan(third).first(128));  // type 2: length and type as before
  put({0xc7}, ByteSpan(third).subspan(128));
  for (const size_t step : {1, 64, 10000}) {
    RtmpSkim s;
    EXPECT_THAT(skim(s, wire, step), ElementsAre(seen(8, second), seen(9, first), seen(9, third)));
  }
}

std::vector<rtmp::Command> commands_in(rtmp::ChunkReader& reader, std::vector<uint8_t>& wire) {
  std::vector<rtmp::Command> out;
  reader.feed(wire);
  for (auto m = reader.next(); m && *m; m = reader.next())
    if ((*m)->type == rtmp::MessageType::command_amf0) out.push_back(*rtmp::parse_command(**m));
  wire.clear();
  return out;
}

std::vector<Skimmed> feed(RtmpClient& client, const std::vector<uint8_t>& wire) {
  std::vector<Skimmed> media;
  ByteSpan in = wire;
  while (auto m = client.next(in)) media.push_back(*m);
  return media;
}

std::vector<uint8_t> chunks(const rtmp::Message& m) {
  std::vector<uint8_t> out;
  rtmp::append_message(out, m, rtmp::kDefaultChunkSize);
  return out;
}

struct Conversation {
  explicit Conversation(RtmpClient::Role role) : client(role, {"127.0.0.1", 1935}, {"live", "x"}) {
    static constexpr std::array<uint8_t, rtmp::kHandshakeSize> kZeros{};
    rtmp::ServerHandshake handshake(kZeros);
    std::vector<uint8_t> reply;
    EXPECT_TRUE(handshake.feed(client.out(), reply));
    client.out().clear();
    feed(client, reply);
    const size_t used = *handshake.feed(client.out(), reply);
    EXPECT_TRUE(handshake.done());
    client.out().erase(client.out().begin(), client.out().begin() + static_cast<ptrdiff_t>(used));
  }
  std::vector<rtmp::Command> said() { return commands_in(reader, client.out()); }

  RtmpClient client;
  rtmp::ChunkReader reader;
};

TEST(RtmpClient, PlaysStepByStep) {
  Conversation c(RtmpClient::Role::play);
  const auto connect = c.said();
  ASSERT_EQ(connect.size(), 1u);
  EXPECT_EQ(connect[0].name, "connect");
  EXPECT_EQ(connect[0].object.find("app")->as_string(), "live");
  feed(c.client, chunks(rtmp::connect_result(connect[0], {"NetConnection.Connect.Success", "ok"})));
  const auto create = c.said();
  ASSERT_EQ(create.size(), 1u);
  EXPECT_EQ(create[0].name, "createStream");
  EXPECT_FALSE(c.client.begun());
  feed(c.client, chunks(rtmp::create_stream_result(create[0], 5)));
  const auto play = c.said();
  ASSERT_EQ(play.size(), 1u);
  EXPECT_EQ(play[0].name, "play");
  EXPECT_EQ(play[0].arg(0).as_string(), "x");
  EXPECT_TRUE(c.client.begun());
  EXPECT_EQ(c.client.stream_id(), 5u);
  const std::vector<uint8_t> body(70, 1);
  std::vector<uint8_t> wire;
  append(wire, rtmp::MessageType::video, 7, 0, body, 128);
  EXPECT_EQ(feed(c.client, wire).size(), 1u);
}

TEST(RtmpClient, PublishesOnceTheServerAgrees) {
  Conversation c(RtmpClient::Role::publish);
  feed(c.client,
       chunks(rtmp::connect_result(c.said()[0], {"NetConnection.Connect.Success", "ok"})));
  feed(c.client, chunks(rtmp::create_stream_result(c.said()[0], 1)));
  EXPECT_EQ(c.said()[0].name, "publish");
  EXPECT_FALSE(c.client.begun());
  feed(c.client, chunks(rtmp::on_status(1, {"NetStream.Publish.Start", "go"})));
  EXPECT_TRUE(c.client.begun());
}

TEST(RtmpClient, TakesARefusalForAnEnd) {
  Conversation c(RtmpClient::Role::play);
  feed(c.client, chunks(rtmp::error_result(c.said()[0], "NetConnection.Connect.Rejected", "no")));
  EXPECT_FALSE(c.client.ok());
}

TEST(RtmpClient, AnswersPingsAndAcknowledges) {
  Conversation c(RtmpClient::Role::play);
  c.said();
  std::vector<uint8_t> wire;
  append(wire, rtmp::MessageType::window_ack_size, 2, 0, {0, 0, 1, 0}, 128);
  append(wire, rtmp::MessageType::user_control, 2, 0, {0, 6, 1, 2, 3, 4}, 128);
  feed(c.client, wire);
  c.client.received(255);
  c.client.received(1);
  c.reader.feed(c.client.out());
  const auto pong = c.reader.next(), ack = c.reader.next();
  ASSERT_TRUE(pong && *pong && ack && *ack);
  EXPECT_EQ(to_hex((*pong)->payload), "000701020304");
  EXPECT_EQ((*ack)->type, rtmp::MessageType::acknowledgement);
  EXPECT_EQ(to_hex((*ack)->payload), "00000100");
}

TEST(Paths, LastSlashDivides) {
  EXPECT_EQ(split_path("/live/x").app, "live");
  EXPECT_EQ(split_path("/a/b/c").app, "a/b");
  EXPECT_EQ(split_path("/a/b/c").name, "c");
  EXPECT_EQ(split_path("x").app, "live");
  EXPECT_EQ(split_address("127.0.0.1:80")->port, 80);
  EXPECT_FALSE(split_address("127.0.0.1"));
  EXPECT_FALSE(split_address("127.0.0.1:x"));
}

TEST(Clip, IsACircleOfMedia) {
  const std::string path = testing::TempDir() + "/bench_clip.flv";
  ByteWriter w;
  w.bytes(flv::make_file_header({.audio = true, .video = true}));
  const auto tag = [&](flv::TagType type, uint32_t ms, std::initializer_list<uint8_t> body) {
    w.bytes(flv::make_tag_header(type, body.size(), ms));
    w.bytes(body);
    w.bytes(flv::make_tag_trailer(body.size()));
  };
  tag(flv::TagType::script, 0, {2, 0, 0});
  tag(flv::TagType::video, 0, {0x17, 0, 0, 0, 0});
  tag(flv::TagType::audio, 0, {0xaf, 0, 0x12, 0x10});
  for (uint32_t i = 0; i < 4; ++i) {
    tag(flv::TagType::video, i * 40, {static_cast<uint8_t>(i == 0 ? 0x17 : 0x27), 1, 0, 0, 0, 1});
    tag(flv::TagType::audio, i * 40 + 30, {0xaf, 1, 9});
  }
  tag(flv::TagType::audio, 160, {0xaf, 1, 9});
  tag(flv::TagType::video, 120, {0x17, 2, 0, 0, 0});
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(w.span().data()),
             static_cast<std::streamsize>(w.size()));
  const auto clip = read_clip(path);
  ASSERT_TRUE(clip) << clip.error().what;
  EXPECT_EQ(clip->headers.size(), 3u);
  EXPECT_EQ(clip->length, 160ms);
  EXPECT_TRUE(is_keyframe(clip->tags[0]));
  EXPECT_FALSE(is_keyframe(clip->tags[2]));
  EXPECT_EQ(clip->tags.size(), 8u) << "neither the end mark nor sound behind the last picture";
  std::remove(path.c_str());
  EXPECT_FALSE(read_clip(path));
}

}  // namespace
}  // namespace weir::bench
