// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/connection.h"

#include <algorithm>
#include <cstring>

#include "net/http/target.h"

namespace weir::net::http {
namespace {

constexpr size_t kFirstBuffer = 4 << 10;
constexpr size_t kBodyBuffer = 16 << 10;
constexpr int64_t kSlowestRate = 1024;  // bytes per second that a body must move at, either way
constexpr Time kLingerTime = 2s;
constexpr size_t kLingerBytes = 1 << 20;
constexpr int kReadsInARow = 16;

// co_await Readable(stream): something may be there to read, or the stream was closed.
class Readable final : public Waiter {
 public:
  explicit Readable(ByteStream& s) : stream_(s) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    waiting_ = h;
    stream_.wait_readable(*this);
  }
  void await_resume() const {}

 private:
  void ready() override { waiting_.resume(); }
  ByteStream& stream_;
  std::coroutine_handle<> waiting_;
};

}  // namespace

Connection::Connection(CoreServer& server, std::unique_ptr<ByteStream> stream)
    : server_(server), stream_(std::move(stream)) {
  place_ = server_.connections_.insert(server_.connections_.end(), this);
  if (!server_.sweeper_.armed()) server_.sweep();
}

Connection::~Connection() {
  server_.connections_.erase(place_);
  give_back();
}

void Connection::allow(Time limit) { due_ = server_.core_.now() + limit; }

// Progress buys time, but never more than `limit` ahead: neither a trickle nor a burst holds us
// long.
void Connection::extend(size_t bytes, Time limit) {
  const Time bought = Time{static_cast<int64_t>(bytes) * (1s / 1ns) / kSlowestRate};
  due_ = std::min(due_ + bought, server_.core_.now() + limit);
}

void Connection::give_back() {
  if (exchange_) server_.give_back(std::move(exchange_));
}

void Connection::check_deadline(Time now) {
  if (due_ == Time{} || now < due_) return;
  due_ = {};
  server_.counters_.timeouts.add();
  if (phase_ == Phase::reading) {
    Request none;
    Response late = Response::error(408, "the request did not arrive in time");
    exchange_->out.clear();
    server_.writer_.write(none, late, false, server_.core_.clock().wall(), exchange_->out);
    exchange_->out.write_some(*stream_);  // what the socket takes at once is enough
  }
  stream_->close();
}

void Connection::drain() {
  if (phase_ == Phase::idle) stream_->close();
}

// Between requests: holds nothing but the stream.
void Connection::rest() {
  give_back();
  phase_ = Phase::idle;
  allow(server_.config_.idle_timeout);
}

void Connection::read_some() {
  if (!exchange_) exchange_ = server_.lend();
  Exchange& x = *exchange_;
  if (phase_ == Phase::idle) {
    phase_ = Phase::reading;
    allow(server_.config_.header_timeout);
  }
  if (x.begin == x.end) {
    x.begin = x.end = 0;
  } else if (x.end == x.in.size() && x.begin > 0) {
    std::memmove(x.in.data(), x.in.data() + x.begin, x.end - x.begin);
    x.end -= x.begin;
    x.begin = 0;
  }
  if (x.end == x.in.size()) x.in.resize(std::max(x.in.size() * 2, kFirstBuffer));
  const std::span<uint8_t> room = std::span(x.in).subspan(x.end);
  const Io io = stream_->try_read(room);
  drained_ = io.status != Io::Status::ok || io.count < room.size();
  if (io.status == Io::Status::would_block) return;
  if (io.status != Io::Status::ok) {
    over_ = true;
    return;
  }
  x.end += io.count;
  if (x.parser.state() == RequestParser::State::body)
    extend(io.count, server_.config_.header_timeout);
}

void Connection::begin_request() {
  Exchange& x = *exchange_;
  x.started = true;
  x.head.clear();
  x.parser.start(x.request, server_.limits_);
  x.request.peer = stream_->peer();
  x.request.peer_address = stream_->peer_address();
}

Connection::Next Connection::parse() {
  using State = RequestParser::State;
  Exchange& x = *exchange_;
  if (!x.started) {
    if (x.begin == x.end) return Next::more;
    if (phase_ != Phase::reading) allow(server_.config_.header_timeout);
    phase_ = Phase::reading;
    begin_request();
  }
  const bool in_head = x.parser.state() == State::head;
  x.begin += x.parser.feed(x.unread());
  bool asked = false;
  if (in_head && x.parser.state() == State::body) {
    // The head's bytes stay where the request's views point; the body comes into another buffer.
    x.head.resize(std::max(kBodyBuffer, x.end - x.begin));
    std::memcpy(x.head.data(), x.in.data() + x.begin, x.end - x.begin);
    x.end -= x.begin;
    x.begin = 0;
    std::swap(x.head, x.in);
    asked = x.parser.expects_continue() && x.end == 0;
    x.begin += x.parser.feed(x.unread());
  }
  if (x.parser.state() == State::failed) return Next::refusal;
  if (x.parser.state() == State::done) return Next::request;
  return asked ? Next::go_ahead : Next::more;
}

// The path from the target; false when the response already says why not.
bool Connection::find_path() {
  Exchange& x = *exchange_;
  const auto target = split_target(x.request.target);
  const auto path = target ? normalise_path(target->path, x.decoded)
                           : Result<std::string_view>(std::unexpected(target.error()));
  if (!path) {
    x.response = Response::error(400, path.error().what);
    x.response.close = true;
    return false;
  }
  x.request.query = target->query;
  x.request.path = server_.router_.rewrite(*path, x.rewritten);
  return true;
}

const AsyncHandler* Connection::dispatch() {
  Exchange& x = *exchange_;
  phase_ = Phase::busy;
  due_ = {};
  server_.counters_.requests.add();
  if (!find_path()) return nullptr;
  Request& r = x.request;
  const bool preflight =
      r.method == Method::options && !r.header("Access-Control-Request-Method").empty();
  Router::Match match = preflight ? Router::Match{} : server_.router_.find(r);
  if (match.handler) {
    if (match.handler->async) return &match.handler->async;
    x.response = match.handler->sync(r);
  } else if (r.method == Method::options) {
    const bool all = r.path == "*";
    x.response =
        server_.writer_.options(r, all ? std::vector{Method::get, Method::head, Method::options}
                                       : server_.router_.methods(r.path));
  } else if (match.allow.empty()) {
    x.response = Response::error(404, "nothing is served at this path");
  } else {
    x.response = Response::error(405, "the path does not answer this method")
                     .with("Allow", join_methods(match.allow));
  }
  return nullptr;
}

Follows Connection::render() {
  Exchange& x = *exchange_;
  const bool keep = x.request.keep_alive && !x.response.close && !server_.stopping_;
  const Follows follows =
      server_.writer_.write(x.request, x.response, keep, server_.core_.clock().wall(), x.out);
  x.started = false;
  if (!keep || follows == Follows::raw) over_ = true;
  return follows;
}

// True when nothing is left to write, be it that the connection is over.
bool Connection::flush_at_once() {
  Output& out = exchange_->out;
  while (!out.empty()) {
    const Io io = out.write_some(*stream_);
    if (io.status == Io::Status::would_block) return false;
    if (io.status != Io::Status::ok) {
      over_ = true;
      out.clear();
      return true;
    }
    server_.counters_.bytes_out.add(io.count);
    if (phase_ == Phase::writing) extend(io.count, server_.config_.write_timeout);
  }
  return true;
}

Task<> Connection::flush() {
  const Phase before = std::exchange(phase_, Phase::writing);
  allow(server_.config_.write_timeout);
  while (!flush_at_once()) co_await stream_->writable();
  due_ = {};
  phase_ = before;
}

Task<> Connection::send_source(Follows how) {
  Exchange& x = *exchange_;
  const std::unique_ptr<BodySource> source = std::move(x.response.source);
  const bool chunked = how == Follows::source;
  // `over_` may be set because this is the last answer; what ends the loop early is a failed write.
  const bool last = std::exchange(over_, false);
  if (!flush_at_once()) co_await flush();
  while (!over_) {
    Result<Bytes> part = co_await source->next();
    if (!part) {
      over_ = true;
      break;
    }
    const bool end = part->empty();
    if (chunked) x.out.text() += chunk_head(part->size());
    if (!end) x.out.bytes(std::move(*part));
    if (chunked) x.out.text() += "\r\n";
    if (!flush_at_once()) co_await flush();
    if (end) break;
  }
  over_ |= last;
}

// RFC 9112 9.6: closing on unread bytes would reset the connection and may lose our answer.
Task<> Connection::linger() {
  phase_ = Phase::lingering;
  allow(kLingerTime);
  auto& in = exchange_->in;
  for (size_t dropped = 0; dropped < kLingerBytes;) {
    const Io io = stream_->try_read(in);
    if (io.status == Io::Status::would_block) {
      co_await Readable(*stream_);
    } else if (io.status == Io::Status::ok) {
      dropped += io.count;
    } else {
      break;
    }
  }
}

void Connection::hand_over() {
  Takeover to = std::move(exchange_->response.takeover);
  const Bytes early = Bytes::copy(exchange_->unread());
  give_back();
  handover_.emplace(Handover{std::move(stream_), std::move(to), early});
}

Task<> Connection::run() {
  allow(server_.config_.header_timeout);
  for (int reads = 1; !over_; ++reads) {
    if (drained_) {
      if (exchange_ && exchange_->begin == exchange_->end && !exchange_->started) rest();
      if (server_.stopping_ && !exchange_) break;
      co_await Readable(*stream_);
      reads = 1;
    } else if (reads % kReadsInARow == 0) {
      co_await on(server_.core_);  // let others on
    }
    read_some();
    Next next = Next::more;
    while (!over_ && (next = parse()) != Next::more) {
      Exchange& x = *exchange_;
      if (next == Next::refusal) {
        server_.counters_.protocol_errors.add();
        x.response = Response::error(x.parser.status(), x.parser.why());
        x.response.close = refused_ = true;
      } else if (next == Next::go_ahead) {
        // RFC 9110 10.1.1: a request that will be refused anyway is refused before its body comes.
        if (find_path() && server_.router_.find(x.request).handler) {
          x.out.text() += "HTTP/1.1 100 Continue\r\n\r\n";
          if (!flush_at_once()) co_await flush();
          continue;
        }
        dispatch();
        x.response.close = refused_ = true;
      } else if (const AsyncHandler* handler = dispatch()) {
        if (!flush_at_once()) co_await flush();
        if (over_) break;
        x.response = co_await (*handler)(x.request);
      }
      const Follows follows = render();
      if (follows == Follows::source || follows == Follows::raw) {
        co_await send_source(follows);
      } else if (follows == Follows::takeover) {
        over_ = false;
        if (!flush_at_once()) co_await flush();
        if (!over_) hand_over();
        co_return;
      } else if (x.out.full() && !flush_at_once()) {
        co_await flush();
      }
      x.response = {};
    }
    if (exchange_ && !flush_at_once()) co_await flush();
  }
  if (exchange_ && refused_) co_await linger();
}

}  // namespace weir::net::http
