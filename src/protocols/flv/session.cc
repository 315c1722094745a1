// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/flv/session.h"

#include "net/task_group.h"
#include "protocols/flv/egress.h"

namespace weir::flv_play {
namespace {

// A viewer has little to say: more than this in one message, or behind a plain request, is no
// viewer.
constexpr size_t kMostMessage = 4096, kMostHeard = 64 << 10;
// For what was begun and the closing handshake.
constexpr Time kGoodbye = 1s;

// Whether the viewer still takes what is written to it.
bool reachable(Code c) { return c != Code::io && c != Code::timeout && c != Code::limit; }

}  // namespace

std::shared_ptr<Session> Session::make(About about) {
  auto made = std::make_shared<Session>(std::move(about));
  hub::Peer& peer = *made->about_.peer;
  peer.id = hub::next_peer_id();
  peer.core = &made->core_;
  peer.since = made->core_.clock().wall();
  peer.kick = [weak = std::weak_ptr(made)](Error why) {
    if (auto self = weak.lock()) self->end(std::move(why), kPolicyViolation);
  };
  return made;
}

Session::Session(About about)
    : about_(std::move(about)),
      core_(net::Core::here()),
      patience_(core_,
                [this] {
                  if (!subscription_ || subscription_->info()) return;
                  end({Code::not_found, "nobody published it in time"}, kNormalClose);
                }),
      parser_(kMostMessage),
      silent_(core_) {}

net::Task<Result<>> Session::subscribe(hub::Hub& hub) {
  CO_TRY(auto subscription, co_await hub.subscribe(about_.key, about_.peer));
  subscription_.emplace(std::move(subscription));
  co_return Result<>{};
}

net::Task<> Session::run(net::ByteStream& stream, Bytes early) {
  stream_ = &stream;
  log_ = Logger(about_.peer->protocol + " " + stream.peer() + " " + about_.key.to_string());
  log_.info("playing");
  viewer_.emplace(
      subscription_->fan_out(about_.form.name(),
                             [form = about_.form] { return std::make_unique<Egress>(form); }),
      stream, about_.peer);
  if (why_) viewer_->stop(*why_);
  viewer_->start(opening(about_.form, subscription_->info().get()));
  if (about_.wait > Time{} && !subscription_->info()) patience_.arm_after(about_.wait);
  co_await net::both(core_, listen(std::move(early)), play());
  const hub::Peer& peer = *about_.peer;
  log_.info("closed: {} out={} gaps={}", why_->what, peer.bytes_out.value(), peer.gaps.value());
}

void Session::end(Error why, uint16_t close_code) {
  if (why_) return;
  why_ = std::move(why);
  close_code_ = close_code;
  if (viewer_) viewer_->stop(*why_);
}

net::Task<> Session::listen(Bytes early) {
  std::array<uint8_t, 512> buffer;
  hear(early);
  while (!hung_up_) {
    const auto n = co_await stream_->read_some(buffer);
    if (!n) {
      dead_ = true;
      end(n.error(), kNormalClose);
      break;
    }
    hear(ByteSpan(buffer).first(*n));
  }
  listening_ = false;
  silent_.notify();
}

void Session::hear(ByteSpan in) {
  about_.peer->bytes_in.add(in.size());
  if (deaf_ || in.empty()) return;
  if (!websocket()) {
    heard_ += in.size();
    if (heard_ <= kMostHeard) return;
    deaf_ = true;
    end({Code::protocol, "viewer sends instead of watching"}, kNormalClose);
    return;
  }
  parser_.push(in);
  while (!deaf_) {
    auto next = parser_.next();
    if (!next) {
      deaf_ = true;
      // Whatever it did wrong, it can still be told.
      end({Code::protocol, std::move(next.error().what)}, parser_.close_code());
      return;
    }
    if (!*next) return;
    message(**std::move(next));
  }
}

// RFC 6455 5.5. What else a viewer says is of no interest.
void Session::message(net::http::WebSocketMessage m) {
  using net::http::Opcode;
  if (m.kind == Opcode::ping && viewer_ && !why_) {
    viewer_->send(net::http::frame(Opcode::pong, m.payload));
  } else if (m.kind == Opcode::close) {
    deaf_ = hung_up_ = true;
    end({Code::closed, "viewer left"}, kNormalClose);
  }
}

net::Task<> Session::play() {
  Error why = co_await viewer_->done();
  end(std::move(why), kNormalClose);
  patience_.cancel();
  auto rest = viewer_->release();
  viewer_.reset();
  subscription_.reset();
  if (!dead_ && reachable(why_->code)) co_await say_goodbye(std::move(rest));
  stream_->close();
}

// Ends on a whole tag and, over a WebSocket, with the closing handshake (RFC 6455 7.1.2).
net::Task<> Session::say_goodbye(std::deque<Bytes> rest) {
  net::Timer limit(core_, [this] { stream_->close(); });
  limit.arm_after(kGoodbye);
  if (websocket()) rest.push_back(net::http::close_frame(close_code_, why_->what));
  for (const Bytes& b : rest) {
    const auto written = co_await stream_->write_all(b);
    if (!written) co_return;
  }
  while (websocket() && listening_) co_await silent_.wait();
}

}  // namespace weir::flv_play
