// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/session.h"

#include <algorithm>
#include <random>

#include "protocols/rtmp/chunk_writer.h"
#include "protocols/rtmp/control.h"
#include "protocols/rtmp/handshake.h"

namespace weir::rtmp {
namespace {

// A read buffer grows to this while a peer sends much; a silent player keeps the small one.
constexpr size_t kSmallBuffer = 2048, kLargeBuffer = 64 * 1024;
constexpr uint32_t kAckWindow = 5'000'000;
constexpr size_t kMostNameShown = 64;  // of a peer's word in an answer

// The calls that a session acts on.
enum class Call {
  connect,
  create_stream,
  publish,
  play,
  pause,
  seek,
  receive_audio,
  receive_video,
  close_stream,
  delete_stream,
  other,
};

// Calls that are answered with nothing, and ask for no more.
constexpr std::string_view kToleratedCalls[] = {
    "releasestream",  "fcpublish",     "fcunpublish", "fcsubscribe", "fcunsubscribe", "_checkbw",
    "checkbandwidth", "setbuffertime", "initstream",  "pingserver",  "setpeerinfo",   "onbwdone",
};

std::string lower(std::string_view s) {
  std::string out(s.substr(0, kMostNameShown));
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Names count in any case, as in other servers: devices disagree on theirs.
Call call_named(std::string_view name) {
  static constexpr std::pair<std::string_view, Call> kCalls[] = {
      {"connect", Call::connect},
      {"createstream", Call::create_stream},
      {"publish", Call::publish},
      {"play", Call::play},
      {"play2", Call::play},
      {"pause", Call::pause},
      {"pauseraw", Call::pause},
      {"seek", Call::seek},
      {"receiveaudio", Call::receive_audio},
      {"receivevideo", Call::receive_video},
      {"closestream", Call::close_stream},
      {"deletestream", Call::delete_stream},
  };
  const std::string wanted = lower(name);
  for (const auto& [known, call] : kCalls)
    if (known == wanted) return call;
  return Call::other;
}

// A number that can be a message stream or a set of flags.
std::optional<uint32_t> whole_number(const flv::Value& v) {
  const double n = v.as_number(-1);
  if (!(n >= 0 && n <= UINT32_MAX)) return std::nullopt;
  return static_cast<uint32_t>(n);
}

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
    if (ns->publish) end_publish(*ns, hub::Ending::lost);
    if (ns->play) interrupt(*ns->play, "session over");
    ns->play.reset();
    ns->closed = true;
    ns->changed.notify();
  }
  stream_.close();
  co_await players_.close();
  const Error why = closing_ ? *closing_ : outbox_.failed() ? *outbox_.failed() : end.error();
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
      peer_->bytes_in.add(n - used);
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
    // A handshake is not over before connect: what dribbles in meanwhile gains no time.
    if (connected_) silence_.extend(config_->ping);
    reader_.feed(ByteSpan(buffer_).first(n));
    for (;;) {
      CO_TRY(auto message, reader_.next());
      if (!message) break;
      CO_TRY(co_await handle(*message));
    }
    for (auto& [id, ns] : streams_)
      if (ns->publish) ns->publish->flush();
    acknowledge();
    if (n == buffer_.size() && n < kLargeBuffer)
      buffer_.resize(n * 4 < kLargeBuffer ? n * 4 : kLargeBuffer);
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
    case MessageType::window_ack_size:
      ack_window_ = parse_control_number(m).value_or(ack_window_);
      break;
    case MessageType::user_control: user_control(m); break;
    default: break;  // acknowledgements, bandwidth, shared objects and what nobody named
  }
  co_return Result<>{};
}

void Session::media(const Message& m) {
  auto it = streams_.find(m.stream_id);
  if (it == streams_.end()) {
    // Some encoders number their media's stream as they like: it is the one that is published.
    const auto publishes = [](const auto& s) { return s.second->publish != nullptr; };
    if (std::ranges::count_if(streams_, publishes) != 1) return;
    it = std::ranges::find_if(streams_, publishes);
  }
  if (!it->second->publish) return;
  it->second->publish->read(m);
  it->second->peer->bytes_in.add(m.payload.size());
}

void Session::user_control(const Message& m) {
  const auto control = parse_user_control(m);
  if (control && control->event == UserControlEvent::ping_request)
    say(make_user_control({UserControlEvent::ping_response, control->value}));
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
  const Call what = call_named(call.name);
  if (what != Call::connect && !connected_) co_return fail(Code::protocol, "a call before connect");
  switch (what) {
    case Call::connect: connect(call); break;
    case Call::create_stream: co_return create_stream(call);
    case Call::publish: co_return co_await publish(call, m.stream_id);
    case Call::play: co_return co_await play(call, m.stream_id);
    case Call::pause: pause(call, m.stream_id); break;
    case Call::seek: seek(m.stream_id); break;
    case Call::receive_audio: receive(Kind::audio, call, m.stream_id); break;
    case Call::receive_video: receive(Kind::video, call, m.stream_id); break;
    case Call::close_stream: close_stream(m.stream_id); break;
    case Call::delete_stream: delete_stream(whole_number(call.arg(0)).value_or(m.stream_id)); break;
    case Call::other: tolerate(call); break;
  }
  co_return Result<>{};
}

void Session::connect(const Command& call) {
  if (connected_) {
    say(error_result(call, "NetConnection.Connect.Rejected", "Already connected"));
    return;
  }
  const auto* app = call.object.find("app");
  const auto named = normalize_app(app ? app->as_string("") : "");
  app_ = named.name;
  app_query_ = named.query;
  if (const auto* agent = call.object.find("flashVer")) peer_->user_agent = agent->as_string("");
  constexpr uint32_t kCapsMultitrack = 2;  // Enhanced RTMP v2, capsEx
  if (const auto* caps = call.object.find("capsEx"))
    multitrack_ = whole_number(*caps).value_or(0) & kCapsMultitrack;
  connected_ = true;
  silence_.extend(config_->ping);
  say(make_window_ack_size(kAckWindow));
  say(make_set_peer_bandwidth({kAckWindow, BandwidthLimit::dynamic}));
  say(make_set_chunk_size(static_cast<uint32_t>(config_->chunk_size)));
  chunk_size_out_ = static_cast<uint32_t>(config_->chunk_size);
  say(connect_result(call, {"NetConnection.Connect.Success", "Connection succeeded."}));
}

Result<> Session::create_stream(const Command& call) {
  if (streams_.size() >= static_cast<size_t>(config_->max_streams))
    return fail(Code::limit, "more message streams than rtmp.max_streams");
  do {
    ++last_stream_id_;
  } while (last_stream_id_ == 0 || streams_.contains(last_stream_id_));
  streams_.emplace(last_stream_id_, std::make_shared<NetStream>(core_));
  say(create_stream_result(call, last_stream_id_));
  return {};
}

Result<std::shared_ptr<Session::NetStream>> Session::stream_at(uint32_t stream_id) {
  if (const auto it = streams_.find(stream_id); it != streams_.end()) return it->second;
  if (streams_.size() >= static_cast<size_t>(config_->max_streams))
    return fail(Code::limit, "more message streams than rtmp.max_streams");
  return streams_.emplace(stream_id, std::make_shared<NetStream>(core_)).first->second;
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

// What encoders and players call besides what the specification has. Those that speak Flash Media
// Live Encoder's dialect wait for the answers.
void Session::tolerate(const Command& call) {
  const std::string name = lower(call.name);
  const auto announce = [&](const char* as, const char* code) {
    say(make_command(
        {as,
         0,
         {},
         {flv::make_object({{"code", code}, {"description", call.arg(0).as_string()}})}}));
  };
  if (name == "fcpublish") announce("onFCPublish", "NetStream.Publish.Start");
  if (name == "fcsubscribe") announce("onFCSubscribe", "NetStream.Play.Start");
  if (name == "fcunpublish") {
    unpublish_by_name(call.arg(0).as_string());
    announce("onFCUnpublish", "NetStream.Unpublish.Success");
  }
  const bool reply = name == "_result" || name == "_error" || name == "onstatus";
  if (call.transaction_id == 0 || reply) return;
  if (name == "getstreamlength") {
    say(result(call, 0));
  } else if (std::ranges::find(kToleratedCalls, name) != std::end(kToleratedCalls)) {
    say(result(call, {}));
  } else {
    say(error_result(call, "NetConnection.Call.Failed",
                     "Method not found (" + call.name.substr(0, kMostNameShown) + ")"));
  }
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
  if (!connected_) {
    close_because({Code::timeout, shaken_ ? "no connect in time" : "no handshake in time"});
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
