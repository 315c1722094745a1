// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/session.h"

#include <random>

#include "protocols/rtmp/chunk_writer.h"
#include "protocols/rtmp/control.h"
#include "protocols/rtmp/handshake.h"

namespace weir::rtmp {
namespace {

// A read buffer grows to this while a peer sends much; a silent player keeps the small one.
constexpr size_t kSmallBuffer = 2048, kLargeBuffer = 64 * 1024;
constexpr uint32_t kAckWindow = 5'000'000;

std::array<uint8_t, kHandshakeSize> random_bytes() {
  // Only has to differ from others: the handshake proves nothing.
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::array<uint8_t, kHandshakeSize> out;
  for (auto& b : out) b = static_cast<uint8_t>(random());
  return out;
}

}  // namespace

Session::Session(hub::Hub& hub, net::ByteStream& stream, std::shared_ptr<const Config> config)
    : hub_(hub),
      stream_(stream),
      config_(std::move(config)),
      core_(net::Core::here()),
      log_("rtmp " + stream.peer()),
      players_(core_),
      silence_(core_, [this] { expired(); }),
      buffer_(kSmallBuffer),
      reader_({.message = config_->max_message.bytes, .partial = 2 * config_->max_message.bytes}),
      peer_(new_peer({})),
      outbox_(stream, peer_) {}

Session::~Session() = default;

net::Task<> Session::run() {
  std::weak_ptr<Session> weak = weak_from_this();
  peer_->kick = [weak](Error why) {
    if (auto self = weak.lock()) self->close_because(std::move(why));
  };
  Result<> end = co_await converse();
  for (auto& [id, ns] : streams_) {
    if (ns->publish) ns->publish->end(hub::Ending::lost);
    ns->play.reset();
    ns->closed = true;
    ns->changed.notify();
  }
  stream_.close();
  if (auto* viewer = outbox_.viewer()) viewer->stop({Code::closed, "session over"});
  co_await players_.close();
  const Error why = closing_ ? *closing_ : end ? Error{Code::closed, "done"} : end.error();
  // A peer that never spoke the protocol (a port check, a scanner) is no news.
  if (!connected_) {
    log_.debug("closed: {}", why.what);
  } else {
    log_.info("closed: {} in={} out={}", why.what, reader_.bytes_received(),
              peer_->bytes_out.value() + played_bytes_);
  }
}

net::Task<Result<>> Session::converse() {
  silence_.extend(config_->handshake_timeout);
  CO_TRY(co_await handshake());
  shaken_ = true;
  silence_.extend(config_->ping);
  co_return co_await messages();
}

net::Task<Result<>> Session::handshake() {
  const auto random = random_bytes();
  ServerHandshake shake{HandshakeRandom(random)};
  while (!shake.done()) {
    CO_TRY(const size_t n, co_await stream_.read_some(buffer_));
    std::vector<uint8_t> reply;
    CO_TRY(const size_t used, shake.feed(ByteSpan(buffer_).first(n), reply));
    if (!reply.empty()) outbox_.send(Bytes::take(std::move(reply)));
    // An eager client's first chunks may ride behind its C2.
    if (shake.done() && used < n) {
      reader_.feed(ByteSpan(buffer_).subspan(used, n - used));
      CO_TRY(auto first, reader_.next());
      while (first) {
        CO_TRY(co_await handle(*first));
        CO_TRY(first, reader_.next());
      }
    }
  }
  co_return Result<>{};
}

net::Task<Result<>> Session::messages() {
  for (;;) {
    CO_TRY(const size_t n, co_await stream_.read_some(buffer_));
    peer_->bytes_in.add(n);
    pinged_ = false;
    silence_.extend(config_->ping);
    reader_.feed(ByteSpan(buffer_).first(n));
    for (;;) {
      CO_TRY(auto message, reader_.next());
      if (!message) break;
      CO_TRY(co_await handle(*message));
    }
    for (auto& [id, ns] : streams_)
      if (ns->publish) ns->publish->flush();
    acknowledge();
    if (n == buffer_.size() && n < kLargeBuffer) buffer_.resize(n * 4 < kLargeBuffer ? n * 4 : kLargeBuffer);
  }
}

net::Task<Result<>> Session::handle(const Message& m) {
  switch (m.type) {
    case MessageType::audio:
    case MessageType::video:
    case MessageType::data_amf0:
    case MessageType::data_amf3: media(m); break;
    case MessageType::aggregate:
      for (const Message& part : unpack_aggregate(m).messages) media(part);
      break;
    case MessageType::command_amf0:
    case MessageType::command_amf3: co_return co_await command(m);
    case MessageType::window_ack_size: {
      CO_TRY(ack_window_, parse_control_number(m));
      break;
    }
    case MessageType::user_control: co_return user_control(m);
    default: break;  // acknowledgements, bandwidth, shared objects and what nobody named
  }
  co_return Result<>{};
}

void Session::media(const Message& m) {
  const auto it = streams_.find(m.stream_id);
  if (it == streams_.end() || !it->second->publish) return;
  it->second->publish->read(m);
  it->second->peer->bytes_in.add(m.payload.size());
}

Result<> Session::user_control(const Message& m) {
  TRY(const auto control, parse_user_control(m));
  if (control.event == UserControlEvent::ping_request)
    say(make_user_control({UserControlEvent::ping_response, control.value}));
  return {};
}

// RTMP 1.0 5.4.3: after each window of bytes the receiver says how many it has got.
void Session::acknowledge() {
  const uint64_t window = ack_window_ ? ack_window_ : kAckWindow;
  if (reader_.bytes_received() - acknowledged_ < window) return;
  acknowledged_ = reader_.bytes_received();
  say(make_acknowledgement(static_cast<uint32_t>(acknowledged_)));
}

net::Task<Result<>> Session::command(const Message& m) {
  auto parsed = parse_command(m);
  if (!parsed) co_return Result<>{};  // odd calls from odd devices: the session lives
  const Command& call = *parsed;
  if (call.name == "connect") co_return connect(call);
  if (!connected_) co_return fail(Code::protocol, "\"" + call.name + "\" before connect");
  if (call.name == "createStream") co_return create_stream(call);
  if (call.name == "publish") co_return co_await publish(call, m.stream_id);
  if (call.name == "play" || call.name == "play2") co_return co_await play(call, m.stream_id);
  if (call.name == "pause" || call.name == "pauseRaw" || call.name == "seek" ||
      call.name == "receiveAudio" || call.name == "receiveVideo") {
    play_option(call, m.stream_id);
  } else if (call.name == "closeStream") {
    close_stream(m.stream_id);
  } else if (call.name == "deleteStream") {
    const auto* id = call.arg(0).get<double>();
    delete_stream(id ? static_cast<uint32_t>(*id) : m.stream_id);
  } else {
    tolerate(call, m.stream_id);
  }
  co_return Result<>{};
}

Result<> Session::connect(const Command& call) {
  if (connected_) return {};
  const auto* app = call.object.find("app");
  const auto named = normalize_app(app ? app->as_string("") : "");
  app_ = named.name;
  app_query_ = named.query;
  if (const auto* agent = call.object.find("flashVer")) peer_->user_agent = agent->as_string("");
  constexpr int kCapsMultitrack = 2;  // Enhanced RTMP v2, capsEx
  if (const auto* caps = call.object.find("capsEx"))
    multitrack_ = static_cast<int>(caps->as_number(0)) & kCapsMultitrack;
  connected_ = true;
  say(make_window_ack_size(kAckWindow));
  say(make_set_peer_bandwidth({kAckWindow, BandwidthLimit::dynamic}));
  say(make_set_chunk_size(static_cast<uint32_t>(config_->chunk_size)));
  chunk_size_out_ = static_cast<uint32_t>(config_->chunk_size);
  say(connect_result(call, {"NetConnection.Connect.Success", "Connection succeeded."}));
  return {};
}

Result<> Session::create_stream(const Command& call) {
  if (streams_.size() >= static_cast<size_t>(config_->max_streams))
    return fail(Code::limit, "more message streams than rtmp.max_streams");
  const uint32_t id = ++last_stream_id_;
  streams_.emplace(id, std::make_shared<NetStream>(core_));
  say(create_stream_result(call, id));
  return {};
}

Result<StreamKey> Session::key_of(std::string_view name, std::string& query) const {
  const auto named = split_query(name);
  query = app_query_;
  if (!named.query.empty()) query += (query.empty() ? "" : "&") + std::string(named.query);
  std::string_view plain = named.name;
  // Some encoders put a part of the path into the name: rtmp://host/a with key b/c is a/b, c.
  while (!plain.empty() && plain.front() == '/') plain.remove_prefix(1);
  while (!plain.empty() && plain.back() == '/') plain.remove_suffix(1);
  std::string app = app_;
  if (const auto slash = plain.rfind('/'); slash != std::string_view::npos) {
    app += (app.empty() ? "" : "/") + std::string(plain.substr(0, slash));
    plain = plain.substr(slash + 1);
  }
  return make_stream_key(app, plain);
}

void Session::tolerate(const Command& call, uint32_t stream_id) {
  // Encoders that speak Flash Media Live Encoder's dialect wait for these answers.
  if (call.name == "FCPublish" || call.name == "FCSubscribe") {
    Command reply;
    reply.name = call.name == "FCPublish" ? "onFCPublish" : "onFCSubscribe";
    reply.args = {flv::make_object({{"code", "NetStream.Publish.Start"},
                                    {"description", call.arg(0).as_string("")}})};
    say(make_command(reply));
  } else if (call.name == "FCUnpublish" || call.name == "releaseStream" ||
             call.name == "getStreamLength" || call.name == "_checkbw") {
    if (call.name == "FCUnpublish") {
      // The publisher says goodbye by name; it will not send deleteStream always.
      for (auto& [id, ns] : streams_)
        if (ns->publish && call.arg(0).as_string("").starts_with(ns->publish->key().name))
          unpublish(id, *ns);
    }
  } else {
    log_.debug("call {} on stream {} is not known", call.name, stream_id);
  }
  const bool reply = call.name == "_result" || call.name == "_error";
  if (call.transaction_id == 0 || reply) return;
  const bool length = call.name == "getStreamLength";
  say(result(call, length ? flv::Value(0.0) : flv::Value()));
}

hub::PeerPtr Session::new_peer(std::string query) const {
  auto p = std::make_shared<hub::Peer>();
  p->protocol = "rtmp";
  p->id = hub::next_peer_id();
  p->address = stream_.peer_address();
  p->query = std::move(query);
  p->since = core_.clock().wall();
  p->core = &core_;
  if (peer_) {
    p->user_agent = peer_->user_agent;
    p->kick = peer_->kick;
  }
  return p;
}

void Session::say(const Message& m) {
  std::vector<uint8_t> out;
  append_message(out, m, chunk_size_out_);
  outbox_.send(Bytes::take(std::move(out)));
}

void Session::status(uint32_t stream_id, std::string_view code, std::string_view description,
                     std::string_view level) {
  say(on_status(stream_id, {code, description, level}));
}

// Nothing came for a while: ask once, then give up.
void Session::expired() {
  if (!shaken_) {
    close_because({Code::timeout, "no handshake in time"});
  } else if (pinged_) {
    close_because({Code::timeout, "no answer to a ping"});
  } else {
    pinged_ = true;
    const auto ms = static_cast<uint32_t>(core_.now() / 1ms);
    say(make_user_control({UserControlEvent::ping_request, ms}));
    silence_.extend(config_->ping_timeout);
  }
}

void Session::close_because(Error why) {
  if (!closing_) closing_ = std::move(why);
  stream_.close();
}

}  // namespace weir::rtmp
