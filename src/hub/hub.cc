// Weir live-streaming server. MIT licence, see LICENSE.
#include "hub/hub.h"

#include <algorithm>
#include <atomic>

namespace weir::hub {

std::string next_peer_id() {
  static std::atomic<uint64_t> next{1};
  return std::to_string(next.fetch_add(1, std::memory_order_relaxed));
}

Publication::Publication(std::shared_ptr<Stream> stream, uint32_t incarnation, Time start)
    : stream_(std::move(stream)),
      incarnation_(incarnation),
      start_(start),
      transit_(std::make_shared<Transit>()) {}

Publication::~Publication() { end(Ending::lost); }

void Publication::announce(std::vector<Track> tracks) {
  tracks_ = std::move(tracks);
  announced_ = true;
}

void Publication::push(Packet packet) {
  if (!stream_) return;
  packet.dts += start_;
  packet.pts += start_;
  if (std::exchange(announced_, false)) {
    if (epoch_ == WallTime{}) epoch_ = net::Core::here().clock().wall() - packet.dts;
    auto info = std::make_shared<StreamInfo>();
    info->version = incarnation_ << 16 | ++version_;
    info->incarnation = incarnation_;
    info->epoch = epoch_;
    info->tracks = tracks_;
    batch_.push_back({.info = std::move(info)});
  }
  batch_.push_back({.packet = std::make_shared<const Packet>(std::move(packet))});
}

void Publication::flush() {
  if (batch_.empty() || !stream_) return;
  Batch batch = std::exchange(batch_, {});
  if (&stream_->home() == &net::Core::here()) {
    stream_->push(incarnation_, std::move(batch));
    return;
  }
  if (owed_) batch.insert(batch.begin(), {.info = owed_});
  if (!transit_->enter(batch, stream_->limits_.bytes)) {
    hole_ = true;
    stream_->ingest_overruns.add();
    for (const Entry& e : batch)
      if (e.info) owed_ = e.info;
    return;
  }
  owed_.reset();
  const auto before =
      std::exchange(hole_, false) ? Stream::Before::hole : Stream::Before::nothing_lost;
  stream_->home().post([stream = stream_, i = incarnation_, batch = std::move(batch), before,
                        transit = transit_]() mutable {
    transit->arrive(batch);
    stream->push(i, std::move(batch), before);
  });
}

void Publication::end(Ending how) {
  if (!stream_) return;
  flush();
  // One hop even at home: whoever ends a publication may hold the stream's own call above it.
  stream_->home().post([stream = stream_, i = incarnation_, how] {
    stream->detach(i, how);
    stream->hub_.release(*stream, nullptr);
  });
  stream_.reset();
}

Subscription::Subscription(std::shared_ptr<Stream> stream, PeerPtr peer, SubscribeOptions options)
    : stream_(std::move(stream)), peer_(std::move(peer)), options_(options) {}

Subscription::~Subscription() {
  if (!stream_) return;
  stream_->leave();
  stream_->hub_.release(*stream_, peer_);
}

std::optional<Event> Subscription::try_next() {
  auto event = stream_->ring().next(cursor_, options_.join);
  if (event) {
    if (const auto* gap = std::get_if<Gap>(&*event)) {
      peer_->gaps.add();
      peer_->packets_skipped.add(gap->packets);
    }
  }
  return event;
}

net::Task<Event> Subscription::next() {
  for (;;) {
    if (auto event = try_next()) co_return std::move(*event);
    co_await changed().wait();
  }
}

std::shared_ptr<FanOut> Subscription::fan_out(
    const std::string& form, std::move_only_function<std::unique_ptr<Muxer>()> make) {
  return stream_->fan_out(form, std::move(make));
}

Hub::Hub(net::Cores& cores, HubConfig config) : cores_(cores), config_(config) {}

Hub::~Hub() = default;

HubConfig Hub::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

void Hub::reconfigure(HubConfig c) {
  const std::lock_guard lock(mutex_);
  config_ = c;
}

std::shared_ptr<Stream> Hub::acquire(const StreamKey& key) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = streams_.find(key); it != streams_.end()) {
      ++it->second->users_;
      return it->second;
    }
  }
  net::Core& home = net::Core::here();
  auto fresh = std::make_unique<Stream>(*this, cores_, home, key);
  // Whoever lets go last, the stream dies at home, where its timer and ring are.
  std::shared_ptr<Stream> shared(
      fresh.release(), [&home](Stream* s) { home.post([gone = std::unique_ptr<Stream>(s)] {}); });
  const std::lock_guard lock(mutex_);
  auto& slot = streams_[key];
  if (!slot) slot = std::move(shared);
  ++slot->users_;
  return slot;
}

std::shared_ptr<Stream> Hub::acquire_existing(const StreamKey& key) {
  const std::lock_guard lock(mutex_);
  const auto it = streams_.find(key);
  if (it == streams_.end()) return nullptr;
  const auto state = it->second->listed_state_;
  if (state != Stream::State::live && state != Stream::State::held) return nullptr;
  ++it->second->users_;
  return it->second;
}

void Hub::release(Stream& stream, const PeerPtr& viewer) {
  std::shared_ptr<Stream> gone;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  --stream.users_;
  // One of it: a peer may read the same stream twice.
  if (const auto it = std::ranges::find(stream.viewers_, viewer); it != stream.viewers_.end())
    stream.viewers_.erase(it);
  if (stream.users_ > 0 || stream.listed_state_ == Stream::State::held ||
      stream.listed_state_ == Stream::State::live)
    return;
  const auto it = streams_.find(stream.key());
  if (it == streams_.end() || it->second.get() != &stream) return;
  gone = std::move(it->second);
  streams_.erase(it);
}

void Hub::listed(Stream& stream, Stream::State state, const PeerPtr& publisher) {
  std::shared_ptr<Stream> gone;
  const std::lock_guard lock(mutex_);
  if (state == Stream::State::live && stream.listed_state_ == Stream::State::waiting)
    stream.since_ = net::Core::here().clock().wall();
  stream.listed_state_ = state;
  stream.listed_publisher_ = publisher;
  if (state != Stream::State::ended) return;
  // The name is free again at once: those still reading the end hold the stream themselves.
  const auto it = streams_.find(stream.key());
  if (it == streams_.end() || it->second.get() != &stream) return;
  gone = std::move(it->second);
  streams_.erase(it);
}

void Hub::listed(Stream& stream, const StreamInfoPtr& info) {
  const std::lock_guard lock(mutex_);
  stream.listed_info_ = info;
}

net::Task<Result<Publication>> Hub::publish(StreamKey key, PeerPtr peer) {
  net::Core& mine = net::Core::here();
  for (;;) {
    auto stream = acquire(key);
    // Even when it is here: a publication that was just given back is detached by a post.
    co_await net::on(stream->home());
    auto incarnation = stream->attach(peer);
    const Time start = stream->next_start();
    if (&stream->home() != &mine) co_await net::on(mine);
    if (incarnation) co_return Publication(std::move(stream), *incarnation, start);
    release(*stream, nullptr);
    if (incarnation.error().code != Code::not_found) co_return fail(std::move(incarnation.error()));
  }
}

net::Task<Result<Subscription>> Hub::subscribe(StreamKey key, PeerPtr peer,
                                               SubscribeOptions options) {
  auto stream = config().missing == MissingStream::wait || peer->internal ? acquire(key)
                                                                          : acquire_existing(key);
  if (!stream) co_return fail(Code::not_found, "nobody publishes " + key.to_string());
  if (!peer->internal) {
    const std::lock_guard lock(mutex_);
    stream->viewers_.push_back(peer);
  }
  co_await stream->join();
  co_return Subscription(std::move(stream), std::move(peer), options);
}

void Hub::set_audience(const StreamKey& key, const std::string& protocol, size_t viewers) {
  const std::lock_guard lock(mutex_);
  if (const auto it = streams_.find(key); it != streams_.end())
    it->second->audience_[protocol] = viewers;
}

net::Task<> Hub::stop() {
  net::Core& mine = net::Core::here();
  // Publications were given back by posts to their homes: behind those.
  for (int i = 0; i < cores_.size(); ++i) co_await net::on(cores_[i]);
  std::vector<std::shared_ptr<Stream>> left;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, stream] : streams_) left.push_back(stream);
  }
  for (auto& stream : left) {
    co_await net::on(stream->home());
    if (stream->state_ == Stream::State::held) stream->finish({Code::closed, "the server stops"});
    stream.reset();
  }
  co_await net::on(mine);
}

std::vector<StreamStatus> Hub::list() const {
  std::vector<StreamStatus> out;
  const std::lock_guard lock(mutex_);
  out.reserve(streams_.size());
  for (const auto& [key, s] : streams_) {
    size_t audience = 0;
    for (const auto& [protocol, viewers] : s->audience_) audience += viewers;
    out.push_back({key, s->listed_state_, s->since_, s->listed_info_, s->listed_publisher_,
                   s->viewers_, audience, s->packets_in.value(), s->bytes_in.value()});
  }
  return out;
}

}  // namespace weir::hub
