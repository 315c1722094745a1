// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/packager.h"

#include <algorithm>

namespace weir::segments {
namespace {

constexpr size_t kMostKept = 20'000;  // events between two cuts

Boundaries::Options boundary_options(const Packager::Options& o) {
  Boundaries::Options b;
  b.duration = o.duration;
  b.longest = 10 * o.duration;
  b.slicing = o.slicing;
  b.max_bytes = std::min(b.max_bytes, o.max_bytes / 8);
  return b;
}

CmafSegmenter::Options cmaf_options(const Packager::Options& o) {
  CmafSegmenter::Options c;
  c.part_target = o.part;
  return c;
}

Store::Options store_options(const Packager::Options& o, WallTime now) {
  Store::Options s;
  s.memory = o.memory;
  s.rewind = o.rewind;
  s.disk = o.disk;
  s.max_bytes = o.max_bytes;
  s.first_number = first_number(now, o.duration);
  s.first_discontinuity = first_discontinuity(now);
  s.token = name_token(now);
  return s;
}

// Most packets change nothing that anybody could see.
bool same(const View& a, const View& b) {
  return a.info == b.info && a.lanes == b.lanes && a.ts == b.ts &&
         a.target_duration == b.target_duration && a.nothing == b.nothing && a.no_ts == b.no_ts &&
         a.ended == b.ended;
}

}  // namespace

Packager::Packager(hub::Hub& hub, StreamKey key, Options options, const Clock& clock,
                   Listener listener)
    : hub_(hub),
      key_(std::move(key)),
      options_(options),
      clock_(clock),
      listener_(std::move(listener)),
      began_(clock.wall()),
      boundaries_(boundary_options(options)),
      store_(store_options(options, began_)),
      cmaf_(cmaf_options(options), store_) {}

net::Task<> Packager::run() {
  tell();
  auto peer = std::make_shared<hub::Peer>();
  peer->id = hub::next_peer_id();
  peer->internal = true;
  peer->core = &net::Core::here();
  // From the oldest packet still there: segments hold each frame of the stream once.
  auto subscribed = co_await hub_.subscribe(key_, peer, {.join = hub::Ring::Join::oldest});
  if (!subscribed) co_return;
  hub::Subscription subscription = *std::move(subscribed);
  waiting_ = &subscription;
  while (!ended_ && !stopping_) {
    if (const auto event = subscription.try_next()) {
      take(*event);
      continue;
    }
    if (changed_) tell();
    co_await subscription.changed().wait();
  }
  waiting_ = nullptr;
  if (changed_) tell();
}

void Packager::stop() {
  stopping_ = true;
  if (waiting_) waiting_->changed().notify();
}

void Packager::take(const hub::Event& event) {
  if (const auto* packet = std::get_if<PacketPtr>(&event)) {
    take(*packet);
  } else if (const auto* info = std::get_if<StreamInfoPtr>(&event)) {
    take(*info);
  } else if (std::holds_alternative<hub::End>(event)) {
    cmaf_.finish();
    if (ts_)
      if (auto made = ts_->finish()) store_.add(*std::move(made));
    ended_ = true;
    ended_at_ = clock_.wall();
    kept_.clear();
    store_.end();
  }
  // A Gap needs nothing: what follows starts with a keyframe, and the hole is in its times.
  changed_ = true;
}

void Packager::take(const StreamInfoPtr& info) {
  info_ = info;
  if (first_epoch_ == WallTime{}) first_epoch_ = info->epoch;
  const bool discontinuous = boundaries_.info(info);
  cmaf_.info(info, discontinuous);
  keep({.info = info, .packet = {}, .discontinuous = discontinuous, .cut = {}});
  // After the segmenters: what they closed just now was of the old one.
  store_.info(info);
}

void Packager::take(const PacketPtr& packet) {
  const auto cut = boundaries_.packet(*packet);
  if (published_ == WallTime{}) published_ = clock_.wall();
  cmaf_.packet(packet, cut);
  keep({.info = {}, .packet = packet, .discontinuous = false, .cut = cut});
}

void Packager::keep(Kept event) {
  if (ts_) return feed_ts(event);
  if (event.cut || kept_.empty()) {
    kept_.push_back({info_, {}});
    if (kept_.size() > 2) kept_.pop_front();
  }
  auto& events = kept_.back().events;
  // A stream that never cuts is no reason to keep it all: the lane then begins at the next cut.
  if (events.size() < kMostKept) events.push_back(std::move(event));
}

void Packager::feed_ts(const Kept& event) {
  auto made = event.packet ? ts_->packet(*event.packet, event.cut)
                           : ts_->info(event.info, event.discontinuous);
  if (made) store_.add(*std::move(made));
}

void Packager::begin_ts() {
  if (ts_ || ended_) return;
  ts_.emplace();
  const auto kept = std::exchange(kept_, {});
  if (kept.empty()) return;
  if (kept.front().info) ts_->info(kept.front().info, false);
  for (const auto& stretch : kept)
    for (const auto& event : stretch.events) feed_ts(event);
}

void Packager::demand(Demand what) {
  if (boundaries_.target_duration() == 0ns) {
    boundaries_.promise();
    store_.set_target_duration(boundaries_.target_duration());
  }
  if (what == Demand::ts) begin_ts();
  tell();
}

void Packager::tell() {
  changed_ = false;
  auto view = std::make_shared<View>();
  view->home = &net::Core::here();
  view->owner = options_.owner;
  view->token = name_token(began_);
  view->info = info_;
  // Known once a lane's first full part is out, which is before anybody hears of it.
  for (const auto& lane : store_.lanes())
    if (const Time target = cmaf_.part_target(lane->id); target != lane->part_target)
      store_.set_part_target(lane->id, target);
  view->lanes = store_.lanes();
  view->ts = store_.ts();
  view->target_duration = boundaries_.target_duration();
  view->first_epoch = first_epoch_;
  view->ended = ended_;
  view->published = published_;
  view->ended_at = ended_at_;
  if (view->lanes.empty()) view->nothing = nothing(cmaf_.carried());
  if (!view->ts) view->no_ts = nothing(ts_ ? ts_->carried() : Result<>{});
  if (told_ && same(*told_, *view)) return;
  told_ = view;
  listener_(std::move(view));
}

std::string Packager::nothing(const Result<>& carried) const {
  if (info_ && !carried) return carried.error().what;
  return ended_ ? "the stream ended before its first segment" : std::string();
}

}  // namespace weir::segments
