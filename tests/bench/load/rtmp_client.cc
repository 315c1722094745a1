// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/rtmp_client.h"

#include "containers/flv/amf0.h"
#include "protocols/rtmp/chunk_reader.h"
#include "protocols/rtmp/chunk_writer.h"

namespace weir::bench {
namespace {

using rtmp::MessageType;

constexpr std::array<uint8_t, rtmp::kHandshakeSize> kNotRandom{};
constexpr double kCreateStreamCall = 2;
constexpr uint16_t kSetBufferLength = 3, kPingRequest = 6, kPingResponse = 7;

void append_control(std::vector<uint8_t>& out, MessageType type, ByteSpan payload) {
  rtmp::append_message(out, {.type = type, .chunk_stream = rtmp::kControlChunkStream}, payload,
                       rtmp::kDefaultChunkSize);
}

}  // namespace

StreamName split_path(const std::string& path) {
  const size_t begin = path.starts_with('/') ? 1 : 0;
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash < begin) return {"live", path.substr(begin)};
  return {path.substr(begin, slash - begin), path.substr(slash + 1)};
}

RtmpClient::RtmpClient(Role role, const Address& server, StreamName stream)
    : role_(role), server_(server), stream_(std::move(stream)) {
  handshake_.emplace(kNotRandom);
  const ByteSpan hello = handshake_->hello();
  out_.assign(hello.begin(), hello.end());
}

std::optional<Skimmed> RtmpClient::next(ByteSpan& in) {
  if (handshake_) {
    const auto used = handshake_->feed(in, out_);
    if (!used) {
      ok_ = false;
      return std::nullopt;
    }
    in = in.subspan(*used);
    if (!handshake_->done()) return std::nullopt;
    handshake_.reset();
    connect();
  }
  while (auto message = skim_.next(in)) {
    const auto type = static_cast<MessageType>(message->type);
    if (type == MessageType::audio || type == MessageType::video) return message;
    answer(*message);
  }
  return std::nullopt;
}

void RtmpClient::received(size_t bytes) {
  received_ += bytes;
  if (window_ == 0 || received_ - acknowledged_ < window_) return;
  acknowledged_ = received_;
  ByteWriter w;
  w.u32(static_cast<uint32_t>(received_));
  append_control(out_, MessageType::acknowledgement, w.span());
}

void RtmpClient::call(std::string name, std::vector<flv::Value> args, flv::Value object,
                      uint32_t on_stream) {
  const rtmp::Command c{std::move(name), on_stream == 0 ? ++calls_ : 0, std::move(object),
                        std::move(args)};
  rtmp::append_message(out_, rtmp::make_command(c, on_stream), rtmp::kDefaultChunkSize);
}

void RtmpClient::connect() {
  const std::string url =
      "rtmp://" + server_.host + ":" + std::to_string(server_.port) + "/" + stream_.app;
  call("connect", {},
       flv::make_object({{"app", stream_.app},
                         {"flashVer", "LNX 9,0,124,2"},
                         {"tcUrl", url},
                         {"fpad", false},
                         {"capabilities", 15},
                         {"audioCodecs", 4071},
                         {"videoCodecs", 252},
                         {"videoFunction", 1}}));
}

void RtmpClient::answer(const Skimmed& message) {
  switch (static_cast<MessageType>(message.type)) {
    case MessageType::window_ack_size: window_ = ByteReader(message.head).u32(); break;
    case MessageType::user_control: user_control(message.head); break;
    case MessageType::command_amf0: command(message.head); break;
    default: break;
  }
}

void RtmpClient::command(ByteSpan head) {
  ByteReader in(head);
  const auto name = flv::read_amf0(in);
  const auto id = flv::read_amf0(in);
  if (!name || !id) return;
  if (name->as_string() == "_error") ok_ = false;
  if (name->as_string() == "onStatus" && role_ == Role::publish) begun_ = true;
  if (name->as_string() != "_result") return;
  if (id->as_number() < kCreateStreamCall) {
    call("createStream", {});
    return;
  }
  if (id->as_number() != kCreateStreamCall) return;
  const auto nothing = flv::read_amf0(in);
  const auto stream = flv::read_amf0(in);
  ok_ = ok_ && nothing && stream;
  if (!ok_) return;
  stream_id_ = static_cast<uint32_t>(stream->as_number());
  if (role_ == Role::publish) {
    call("publish", {stream_.name, "live"}, {}, stream_id_);
    return;
  }
  call("play", {stream_.name, -2000}, {}, stream_id_);
  ByteWriter w;
  w.u16(kSetBufferLength);
  w.u32(stream_id_);
  w.u32(3000);
  append_control(out_, MessageType::user_control, w.span());
  begun_ = true;
}

void RtmpClient::user_control(ByteSpan head) {
  ByteReader in(head);
  if (in.u16() != kPingRequest) return;
  const uint32_t time = in.u32();
  ByteWriter w;
  w.u16(kPingResponse);
  w.u32(time);
  append_control(out_, MessageType::user_control, w.span());
}

}  // namespace weir::bench
