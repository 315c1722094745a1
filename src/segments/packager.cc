// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/packager.h"

namespace weir::segments {
namespace {

TsSegmenter::Options segmenter_options(const Packager::Options& o) {
  TsSegmenter::Options s;
  s.target = o.target;
  s.longest = 10 * o.target;
  s.max_bytes = o.max_bytes / 4;
  return s;
}

SegmentStore::Options store_options(const Packager::Options& o, const Clock& clock) {
  SegmentStore::Options s;
  s.window = o.window;
  s.max_bytes = o.max_bytes;
  s.first_number = first_number(clock.wall(), o.target);
  s.first_discontinuity = first_discontinuity(clock.wall());
  s.token = name_token(clock.wall());
  return s;
}

}  // namespace

Packager::Packager(hub::Hub& hub, StreamKey key, Options options, const Clock& clock,
                   Listener listener)
    : hub_(hub),
      key_(std::move(key)),
      listener_(std::move(listener)),
      segmenter_(segmenter_options(options)),
      store_(store_options(options, clock)) {}

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
    if (const auto event = subscription.try_next())
      take(*event);
    else
      co_await subscription.changed().wait();
  }
  waiting_ = nullptr;
}

void Packager::stop() {
  stopping_ = true;
  if (waiting_) waiting_->changed().notify();
}

void Packager::take(const hub::Event& event) {
  if (const auto* packet = std::get_if<PacketPtr>(&event)) {
    add(segmenter_.packet(**packet));
  } else if (const auto* info = std::get_if<StreamInfoPtr>(&event)) {
    add(segmenter_.info(*info));
    if (segmenter_.carried() != told_) tell();
  } else if (std::holds_alternative<hub::End>(event)) {
    add(segmenter_.finish());
    ended_ = true;
    store_.end();
    tell();
  }
  // A Gap needs nothing: what follows starts with a keyframe, and the hole is in its times.
}

void Packager::add(std::optional<MadeSegment> made) {
  if (!made) return;
  store_.add(*std::move(made), segmenter_.target_duration());
  tell();
}

void Packager::tell() {
  told_ = segmenter_.carried();
  listener_({store_.window(), store_.take_expired(), told_});
}

}  // namespace weir::segments
