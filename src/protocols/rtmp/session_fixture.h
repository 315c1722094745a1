// Weir live-streaming server. MIT licence, see LICENSE.

// For tests: sessions over a real hub on a manual clock, and a scripted peer at the other end of a
// connection in memory that writes down what it is told: "_result(2)=1", "onStatus/1 Code",
// "begin1", "eof1", "ping", "pong7", "window5000000", "bandwidth5000000/2", "ack4096"; of media "M"
// metadata, "C" and "c" the configurations of video and audio, "K0" and "p40" pictures, "a21"
// sound, "D" other data. What belongs to another message stream than 1 has "2/" before it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/fixture.h"
#include "net/memory_stream.h"
#include "protocols/rtmp/chunk_writer.h"
#include "protocols/rtmp/control.h"
#include "protocols/rtmp/handshake.h"
#include "protocols/rtmp/session.h"

namespace weir::rtmp::testing {

using flv::Value;
using hub::testing::audio;
using hub::testing::video;
using hub::testing::video_and_audio;
using hub::testing::World;

inline std::string text_of_command(const Message& m) {
  const auto c = parse_command(m);
  if (!c) return c.error().what;
  const Value* code = c->arg(0).find("code");
  if (c->name == "onStatus")
    return "onStatus/" + std::to_string(m.stream_id) + " " + std::string(code->as_string());
  std::string out = c->name + "(" + std::to_string(static_cast<int>(c->transaction_id)) + ")";
  if (code) return out + "=" + std::string(code->as_string());
  if (c->arg(0).get<double>())
    return out + "=" + std::to_string(static_cast<int>(c->arg(0).as_number()));
  return out;
}

inline std::string text_of_control(const Message& m) {
  const UserControl c = *parse_user_control(m);
  switch (c.event) {
    case UserControlEvent::stream_begin: return "begin" + std::to_string(c.value);
    case UserControlEvent::stream_eof: return "eof" + std::to_string(c.value);
    case UserControlEvent::ping_request: return "ping";
    case UserControlEvent::ping_response: return "pong" + std::to_string(c.value);
    default: return "control";
  }
}

inline std::string text_of_media(const Message& m) {
  const std::string at = std::to_string(m.timestamp);
  const std::string stream = m.stream_id == 1 ? "" : std::to_string(m.stream_id) + "/";
  const Bytes& b = m.payload;
  if (m.type == MessageType::data_amf0) {
    const auto name = std::string((*parse_data(m))[0].as_string());
    return stream + (name == "onMetaData" ? "M" : name == "|RtmpSampleAccess" ? "access" : "D");
  }
  const bool config = b.size() > 1 && b[1] == 0;
  if (m.type == MessageType::audio) return stream + (config ? "c" : "a" + at);
  return stream + (config ? "C" : (b[0] >> 4 == 1 ? "K" : "p") + at);
}

inline std::string text(const Message& m) {
  switch (m.type) {
    case MessageType::command_amf0: return text_of_command(m);
    case MessageType::user_control: return text_of_control(m);
    case MessageType::window_ack_size: return "window" + std::to_string(*parse_control_number(m));
    case MessageType::acknowledgement: return "ack" + std::to_string(*parse_control_number(m));
    case MessageType::set_peer_bandwidth: {
      const auto b = *parse_set_peer_bandwidth(m);
      return "bandwidth" + std::to_string(b.window) + "/" +
             std::to_string(static_cast<int>(b.limit));
    }
    case MessageType::audio:
    case MessageType::video:
    case MessageType::data_amf0: return text_of_media(m);
    default: return "type" + std::to_string(static_cast<int>(m.type));
  }
}

inline Command call(std::string name, double transaction, std::vector<Value> args = {},
                    Value object = {}) {
  return {std::move(name), transaction, std::move(object), std::move(args)};
}

// The peer's end of one connection.
struct Client {
  // What came since the last call.
  std::string read() {
    std::string out;
    std::array<uint8_t, 1000> buffer;
    while (stream && !closed) {
      const auto io = stream->try_read(buffer);
      if (io.status != net::Io::Status::ok) {
        closed = io.status == net::Io::Status::closed;
        break;
      }
      received += io.count;
      feed(ByteSpan(buffer).first(io.count), out);
    }
    return out;
  }
  void feed(ByteSpan in, std::string& out) {
    std::vector<uint8_t> reply;
    if (!shake.done()) in = in.subspan(*shake.feed(in, reply));
    to_send.insert(to_send.end(), reply.begin(), reply.end());
    reader.feed(in);
    for (;;) {
      auto m = reader.next();
      EXPECT_TRUE(m) << m.error().what;
      if (!m || !*m) return;
      out += (out.empty() ? "" : " ") + text(**m);
      seen.push_back(**std::move(m));
    }
  }
  // As much as there is room for.
  void write() {
    const iovec piece{to_send.data(), to_send.size()};
    if (to_send.empty() || !stream) return;
    const auto io = stream->try_write({&piece, 1});
    if (io.status == net::Io::Status::ok)
      to_send.erase(to_send.begin(), to_send.begin() + static_cast<long>(io.count));
    if (io.status == net::Io::Status::closed) to_send.clear();
  }
  void queue(const Message& m) { append_message(to_send, m, chunk_size); }
  void queue(const Command& c, uint32_t stream_id = 0) { queue(make_command(c, stream_id)); }

  static inline const std::array<uint8_t, kHandshakeSize> kRandom{};
  std::unique_ptr<net::ByteStream> stream;
  ClientHandshake shake{HandshakeRandom(kRandom)};
  ChunkReader reader;
  uint32_t chunk_size = kDefaultChunkSize;
  std::vector<uint8_t> to_send;
  std::vector<Message> seen;
  uint64_t received = 0;
  bool closed = false;
};

struct Server : World {
  explicit Server(Config config = {}, hub::HubConfig hub_config = {}, int count = 1)
      : World(count, at_once(hub_config)),
        config(std::make_shared<const Config>(config)),
        group(cores[0]) {}
  ~Server() {
    cores.run_until_idle();
    cores.advance(2s);
    EXPECT_EQ(group.running(), 0u) << "a session goes on without its peer";
  }

  // A bare connection.
  std::unique_ptr<Client> dial(size_t capacity = 1 << 20) {
    auto c = std::make_unique<Client>();
    auto [ours, theirs] = net::memory_pair(cores[0], capacity);
    c->stream = std::move(theirs);
    group.spawn(serve(hub, std::move(ours), config));
    return c;
  }
  std::unique_ptr<Client> shaken(size_t capacity = 1 << 20) {
    auto c = dial(capacity);
    const auto hello = c->shake.hello();
    c->to_send.assign(hello.begin(), hello.end());
    EXPECT_EQ(turn(*c), "");
    EXPECT_TRUE(c->shake.done());
    return c;
  }
  // Behind connect, and createStream as often as asked.
  std::unique_ptr<Client> connected(int streams = 1, size_t capacity = 1 << 20,
                                    std::string app = "live") {
    auto c = shaken(capacity);
    c->queue(call("connect", 1, {}, flv::make_object({{"app", app}, {"flashVer", "test/1"}})));
    for (int i = 0; i < streams; ++i) c->queue(call("createStream", 2 + i));
    turn(*c);
    return c;
  }
  // Sends what is queued and gives what comes back until nothing moves any more.
  std::string turn(Client& c) {
    std::string out;
    for (;;) {
      const auto before = std::pair(c.to_send.size(), c.received);
      c.write();
      cores.run_until_idle();
      const std::string more = c.read();
      out += (out.empty() || more.empty() ? "" : " ") + more;
      if (std::pair(c.to_send.size(), c.received) == before) return out;
    }
  }
  std::string tell(Client& c, const Command& command, uint32_t stream_id = 0) {
    c.queue(command, stream_id);
    return turn(c);
  }
  std::string tell(Client& c, const Message& m) {
    c.queue(m);
    return turn(c);
  }
  void push(hub::Publication& p, std::vector<Packet> packets) {
    for (auto& packet : packets) p.push(std::move(packet));
    p.flush();
    cores.run_until_idle();
  }
  hub::Publication publish_both(std::string name = "s") {
    auto p = publish(std::move(name));
    p.announce(video_and_audio());
    return p;
  }

  static hub::HubConfig at_once(hub::HubConfig c) {
    c.fan_out.merge.automatic = false;
    return c;
  }
  static net::Task<> serve(hub::Hub& hub, std::unique_ptr<net::ByteStream> stream,
                           std::shared_ptr<const Config> config) {
    const auto session = std::make_shared<Session>(hub, *stream, std::move(config));
    co_await session->run();
  }

  std::shared_ptr<const Config> config;
  net::TaskGroup group;
};

// Messages of a publisher: what encoders put on the wire.
inline Message media(MessageType type, uint32_t timestamp, std::string_view hex,
                     uint32_t stream_id = 1) {
  Message m;
  m.type = type;
  m.stream_id = stream_id;
  m.timestamp = timestamp;
  m.chunk_stream = type == MessageType::audio ? 4 : 6;
  m.payload = from_hex(hex);
  return m;
}
inline constexpr const char* kAvcHeader =
    "17 00 000000 0164000affe1001867 64000aacd9447b0110000003001000000301 40f1225960 "
    "01000568ef839cb0fdf8f800";
inline constexpr const char* kAacHeader = "af00 121056e500";
inline Message avc_header(uint32_t at = 0) { return media(MessageType::video, at, kAvcHeader); }
inline Message aac_header(uint32_t at = 0) { return media(MessageType::audio, at, kAacHeader); }
inline Message key(uint32_t at) {
  return media(MessageType::video, at, "17 01 000000 00000003658880 0000000206f0");
}
inline Message inter(uint32_t at) {
  return media(MessageType::video, at, "27 01 000000 00000003419880");
}
inline Message sound(uint32_t at) { return media(MessageType::audio, at, "af01 21100400"); }
inline Message metadata(std::vector<flv::Member> members, uint32_t at = 0) {
  return make_data({"@setDataFrame", "onMetaData", Value(flv::EcmaArray{std::move(members)})}, 1,
                   at);
}

}  // namespace weir::rtmp::testing
