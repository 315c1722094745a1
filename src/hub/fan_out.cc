// Weir live-streaming server. MIT licence, see LICENSE.
#include "hub/fan_out.h"

#include <algorithm>

namespace weir::hub {
namespace {

constexpr size_t kPieces = 16;            // iovecs of one sendmsg
constexpr size_t kMostWaiting = 1 << 20;  // of one viewer; its own commands ask for far less
constexpr Time kSlice = 2ms;              // a pass gives the loop back after this long
constexpr double kIdleLoad = 0.6, kFullLoad = 0.9;

}  // namespace

FanOut::FanOut(net::Core& core, Ring& ring, std::shared_ptr<void> keep,
               std::unique_ptr<Muxer> muxer, FanOutLimits limits)
    : core_(core),
      ring_(ring),
      keep_(std::move(keep)),
      muxer_(std::move(muxer)),
      limits_(limits),
      due_(core, [this] { pump(); }),
      stalled_(core, [this] { check_stalled(); }) {
  ring_.listen(*this);
  take_events();
}

FanOut::~FanOut() { ring_.unlisten(*this); }

void FanOut::on_append() {
  take_events();
  schedule();
}

void FanOut::take_events() {
  if (ended_) return;
  while (auto event = ring_.next(cursor_)) {
    scratch_.clear();
    if (auto* info = std::get_if<StreamInfoPtr>(&*event)) {
      info_ = *info;
      auto bytes = muxer_->preface(*info_, ring_.newest());
      // Where nothing came in between, the older one was never in force.
      if (!prefaces_.empty() && prefaces_.back().at == log_.end()) prefaces_.pop_back();
      prefaces_.push_back({log_.end(), info_->version, bytes});
      log_.append(bytes, ring_.newest(), false);
    } else if (auto* packet = std::get_if<PacketPtr>(&*event); packet && info_) {
      muxer_->packet(*info_, **packet, scratch_);
      log_.append(scratch_.span(), (*packet)->dts, muxer_->joins_at(*info_, **packet));
    } else if (std::holds_alternative<End>(*event)) {
      muxer_->finish(scratch_);
      log_.append(scratch_.span(), ring_.newest(), false);
      ended_ = true;
      break;
    } else if (const auto* gap = std::get_if<Gap>(&*event)) {
      for (Viewer* v : viewers_) {
        if (!v || !v->joined_) continue;
        v->peer_->gaps.add();
        v->peer_->packets_skipped.add(gap->packets);
      }
    }
  }
  log_.trim(limits_.log.span, limits_.log.bytes);
  while (prefaces_.size() > 1 && prefaces_[1].at <= log_.begin()) prefaces_.pop_front();
}

Time FanOut::interval() {
  if (!limits_.merge.automatic) return limits_.merge.fixed;
  const double busy = std::clamp((core_.load() - kIdleLoad) / (kFullLoad - kIdleLoad), 0.0, 1.0);
  return Time{static_cast<int64_t>(static_cast<double>(limits_.merge.most.count()) * busy)};
}

void FanOut::schedule() {
  if (pumping_) {
    again_ = true;
    return;
  }
  if (due_.armed()) return;
  const Time when = last_pass_ + interval();
  if (ended_ || core_.now() >= when) {
    pump();
  } else {
    due_.arm_at(when);
  }
}

void FanOut::pump() {
  const auto self = shared_from_this();  // a viewer's end may drop the last owner
  if (!pumping_) {
    pumping_ = true;
    again_ = false;
    next_ = 0;
    last_pass_ = core_.now();
  }
  const Time until = core_.now() + kSlice;
  for (; next_ < viewers_.size(); ++next_) {
    if (next_ % 32 == 31 && core_.now() > until) {
      ++next_;
      if (viewers_[next_ - 1]) serve(*viewers_[next_ - 1]);
      core_.post([self] { self->pump(); });
      return;
    }
    if (viewers_[next_]) serve(*viewers_[next_]);
  }
  pumping_ = false;
  if (holes_) {
    std::erase(viewers_, nullptr);
    for (size_t i = 0; i < viewers_.size(); ++i) viewers_[i]->index_ = i;
    holes_ = 0;
  }
  if (again_) schedule();
}

const FanOut::Preface* FanOut::preface_at(uint64_t at) const {
  const Preface* found = nullptr;
  for (const Preface& p : prefaces_)
    if (p.at <= at) found = &p;
  return found;
}

bool FanOut::rejoin(Viewer& v) {
  const auto join = log_.newest_join();
  if (!join || (v.joined_ && *join < v.at_)) return false;
  if (v.joined_) {
    for (const Preface& p : prefaces_)
      if (p.at < v.at_) v.version_ = p.version;
    v.peer_->gaps.add();
    if (core_.now() - v.gap_window_start_ > limits_.gap_window) {
      v.gap_window_start_ = core_.now();
      v.gaps_ = 0;
    }
    if (++v.gaps_ > limits_.gaps) {
      v.stop({Code::limit, "viewer is too slow: too many gaps"});
      return false;
    }
  }
  v.at_ = *join;
  v.joined_ = true;
  if (const Preface* p = preface_at(*join); p && p->version != v.version_) {
    v.version_ = p->version;
    if (!p->bytes.empty()) v.private_.push_back({p->bytes, false});
  }
  return true;
}

void FanOut::serve(Viewer& v) {
  while (serve_once(v)) {
  }
}

bool FanOut::serve_once(Viewer& v) {
  if (v.over_ || v.blocked_) return false;
  if (v.running_ && (!v.joined_ || v.at_ < log_.begin())) rejoin(v);
  const bool follow = v.running_ && v.joined_ && v.at_ >= log_.begin();
  std::array<iovec, kPieces> pieces;
  size_t n = 0;
  for (const auto& p : v.private_) {
    if (n == kPieces / 2) break;
    pieces[n++] = {const_cast<uint8_t*>(p.bytes.data()), p.bytes.size()};
  }
  const size_t private_pieces = n;
  if (follow && private_pieces == v.private_.size())
    n += log_.pieces(v.at_, std::span(pieces).subspan(n));
  if (n == 0) {
    if (ended_) v.stop({Code::closed, "stream ended"});
    return false;
  }
  const net::Io io = v.stream_.try_write(std::span(pieces).first(n));
  switch (io.status) {
    case net::Io::Status::ok: return wrote(v, io.count, std::span(pieces).first(n), private_pieces);
    case net::Io::Status::would_block: block(v); return false;
    default: v.stop({Code::io, net::io_error(io, "write").what}); return false;
  }
}

void FanOut::block(Viewer& v) {
  v.blocked_ = true;
  if (!v.full_since_) v.full_since_ = core_.now();
  if (!stalled_.armed()) stalled_.arm_after(limits_.stall);
  v.stream_.wait_writable(v);
}

// A look at all of them now and then serves as well as a timer each.
void FanOut::check_stalled() {
  std::optional<Time> oldest;
  const Time now = core_.now();
  for (Viewer* v : viewers_) {
    if (!v || v->over_ || !v->full_since_) continue;
    if (now - *v->full_since_ >= limits_.stall) {
      v->stop({Code::timeout, "viewer is too slow: its socket took nothing"});
    } else {
      oldest = std::min(oldest.value_or(*v->full_since_), *v->full_since_);
    }
  }
  if (oldest) stalled_.arm_at(std::max(*oldest + limits_.stall, now + limits_.stall / 10));
}

bool FanOut::wrote(Viewer& v, size_t n, std::span<const iovec> pieces, size_t private_pieces) {
  v.peer_->bytes_out.add(n);
  v.full_since_.reset();
  size_t total = 0;
  for (const auto& p : pieces) total += p.iov_len;
  const bool all = n == total;
  for (size_t i = 0; i < private_pieces && n > 0; ++i) {
    auto& [bytes, own] = v.private_.front();
    const size_t take = std::min(n, bytes.size());
    n -= take;
    if (own) v.waiting_ -= take;
    if (take == bytes.size()) {
      v.private_.pop_front();
    } else {
      bytes = bytes.slice(take);
    }
  }
  if (n > 0) {
    const uint64_t reached = v.at_ + n;
    const uint64_t edge = log_.boundary(reached);
    // Cut inside an entry: keep its rest, so that the log may forget it meanwhile.
    if (edge > reached) v.private_.push_front({log_.share(reached, edge), false});
    v.at_ = edge;
  }
  if (!all) {
    block(v);
    return false;
  }
  return !v.private_.empty() || ended_ || (v.running_ && v.joined_ && v.at_ < log_.end());
}

void FanOut::add(Viewer& v) {
  v.index_ = viewers_.size();
  viewers_.push_back(&v);
}

void FanOut::remove(Viewer& v) {
  if (pumping_) {
    viewers_[v.index_] = nullptr;
    ++holes_;
    return;
  }
  viewers_[v.index_] = viewers_.back();
  viewers_[v.index_]->index_ = v.index_;
  viewers_.pop_back();
}

FanOut::Viewer::Viewer(std::shared_ptr<FanOut> fan_out, net::ByteStream& stream, PeerPtr peer)
    : fan_out_(std::move(fan_out)),
      stream_(stream),
      peer_(std::move(peer)),
      gap_window_start_(fan_out_->core_.now()),
      over_signal_(fan_out_->core_) {
  fan_out_->add(*this);
}

FanOut::Viewer::~Viewer() { fan_out_->remove(*this); }

void FanOut::Viewer::start(Bytes first) {
  running_ = true;
  // Whoever is there before the first byte misses none.
  joined_ = fan_out_->log_.end() == 0;
  send(std::move(first));
}

void FanOut::Viewer::send(Bytes b) {
  if (waiting_ + b.size() > kMostWaiting) {
    stop({Code::limit, "too much waits to be sent"});
    return;
  }
  waiting_ += b.size();
  if (!b.empty()) private_.push_back({std::move(b), true});
  fan_out_->serve(*this);
}

void FanOut::Viewer::pause() {
  running_ = joined_ = false;
  version_ = 0;
}

std::deque<Bytes> FanOut::Viewer::release() {
  waiting_ = 0;
  running_ = false;
  std::deque<Bytes> rest;
  for (auto& piece : std::exchange(private_, {})) rest.push_back(std::move(piece.bytes));
  return rest;
}

void FanOut::Viewer::ready() {
  blocked_ = false;
  // A viewer that came free goes on with the next pass, or now when it only lags.
  fan_out_->serve(*this);
}

void FanOut::Viewer::stop(Error reason) {
  if (over_) return;
  over_ = std::move(reason);
  over_signal_.notify();
}

net::Task<Error> FanOut::Viewer::done() {
  while (!over_) co_await over_signal_.wait();
  co_return *over_;
}

}  // namespace weir::hub
