// Weir live-streaming server. MIT licence, see LICENSE.
#include "hub/stream.h"

#include "hub/hub.h"

namespace weir::hub {
namespace {

// Events on their way to another core: beyond this the core is stuck and loses groups of pictures.
constexpr size_t kMostInTransit = 4096;
constexpr Time kDefaultStep = 20ms;

size_t cost_of(const Batch& batch) {
  size_t sum = 0;
  for (const Entry& e : batch) sum += hub::cost_of(e);
  return sum;
}

}  // namespace

bool Transit::enter(const Batch& batch, size_t most_bytes) {
  const size_t cost = cost_of(batch);
  const size_t entries = entries_.load(std::memory_order_relaxed);
  // What is under way alone decides: one batch, however large, can always go.
  if (entries > 0 && (entries + batch.size() > kMostInTransit ||
                      bytes_.load(std::memory_order_relaxed) + cost > most_bytes))
    return false;
  entries_.fetch_add(batch.size(), std::memory_order_relaxed);
  bytes_.fetch_add(cost, std::memory_order_relaxed);
  return true;
}

void Transit::arrive(const Batch& batch) {
  entries_.fetch_sub(batch.size(), std::memory_order_relaxed);
  bytes_.fetch_sub(cost_of(batch), std::memory_order_relaxed);
}

Stream::Stream(Hub& hub, net::Cores& cores, net::Core& home, StreamKey key)
    : hub_(hub),
      cores_(cores),
      home_(home),
      key_(std::move(key)),
      limits_(hub.config().ring),
      locals_(static_cast<size_t>(cores.size())),
      mirrors_(static_cast<size_t>(cores.size())),
      hold_(home, [this] {
        finish({Code::closed, "the publisher did not return"});
      }) {
  local().ring = std::make_unique<Ring>(home, limits_);
}

Stream::~Stream() = default;

Result<uint32_t> Stream::attach(PeerPtr peer) {
  home_.check();
  if (state_ == State::ended) return fail(Code::not_found, "the stream has just ended");
  const HubConfig config = hub_.config();
  if (state_ == State::live) {
    if (config.second_publisher == SecondPublisher::reject)
      return fail(Code::busy, "somebody publishes this name already");
    if (publisher_->kick)
      publisher_->core->post([old = publisher_] {
        old->kick({Code::busy, "replaced by another publisher"});
      });
    hub_.tell([&](HubObserver& o) { o.on_unpublished(key_, Ending::lost); });
  }
  hold_.cancel();
  state_ = State::live;
  publisher_ = std::move(peer);
  await_key_ = ++incarnation_ > 1;
  hub_.listed(*this, state_, publisher_);
  hub_.tell([&](HubObserver& o) { o.on_published(key_, publisher_); });
  return incarnation_;
}

Time Stream::next_start() const {
  const Ring& ring = *locals_[static_cast<size_t>(home_.index())].ring;
  if (!ring.info()) return Time{};
  return ring.newest() + (frame_step_ > 0ns ? frame_step_ : kDefaultStep);
}

void Stream::push(uint32_t incarnation, Batch batch, Before before) {
  home_.check();
  if (incarnation != incarnation_ || state_ != State::live) return;
  const StreamInfoPtr in_force = locals_[static_cast<size_t>(home_.index())].ring->info();
  const StreamInfo* info = in_force.get();
  std::erase_if(batch, [&](const Entry& e) {
    if (e.info) {
      info = e.info.get();
      hub_.listed(*this, e.info);
    }
    return e.packet && !admit(*e.packet, info);
  });
  append(batch, before);
}

// Counts a packet. False when nobody could decode it: readers are past the last publisher's
// pictures, and a new one may begin in the middle of a group.
bool Stream::admit(const Packet& packet, const StreamInfo* info) {
  packets_in.add();
  bytes_in.add(packet.payload.size());
  const Track* video = info ? info->main_video() : nullptr;
  if (video && packet.track != video->id) return true;
  if (video && await_key_ && !packet.keyframe) return false;
  await_key_ = await_key_ && !video;
  if (const Time step = packet.dts - last_main_; step > 0ns && step < 1s) frame_step_ = step;
  last_main_ = packet.dts;
  return true;
}

void Stream::append(const Batch& batch, Before before) {
  Ring& ring = *locals_[static_cast<size_t>(home_.index())].ring;
  const uint64_t first = ring.end() + (before == Before::hole ? 1 : 0);
  std::shared_ptr<const Batch> shared;
  for (size_t i = 0; i < mirrors_.size(); ++i) {
    if (!mirrors_[i].active) continue;
    if (!shared) shared = std::make_shared<const Batch>(batch);
    mirror(i, first, shared);
  }
  ring.append(first, batch);
}

void Stream::mirror(size_t core, uint64_t first, std::shared_ptr<const Batch> batch) {
  Mirror& m = mirrors_[core];
  if (m.lost) return;
  if (!m.transit->enter(*batch, limits_.bytes)) {
    m.lost = true;
    mirror_overruns.add();
    restart_when_caught_up(core);
    return;
  }
  cores_[static_cast<int>(core)].post([self = shared_from_this(), core, first, batch,
                                       generation = m.generation, transit = m.transit] {
    transit->arrive(*batch);
    Local& l = self->locals_[core];
    if (l.ring && l.generation == generation) l.ring->append(first, *batch);
  });
}

// Goes there behind all that is under way, and back; readers there then see one gap. It does not
// wait for another packet: the one that was lost may have been the End.
void Stream::restart_when_caught_up(size_t core) {
  cores_[static_cast<int>(core)].post(
      [self = shared_from_this(), core, generation = mirrors_[core].generation] {
        self->home_.post([self, core, generation] {
          const Mirror& m = self->mirrors_[core];
          if (m.active && m.lost && m.generation == generation)
            self->start_mirror(core, generation);
        });
      });
}

void Stream::start_mirror(size_t core, uint32_t generation) {
  home_.check();
  mirrors_[core] = {true, generation, false, std::make_shared<Transit>()};
  auto snapshot = std::make_shared<Ring::Snapshot>(local().ring->snapshot());
  net::Core& there = cores_[static_cast<int>(core)];
  there.post([self = shared_from_this(), core, generation, snapshot, &there] {
    Local& l = self->locals_[core];
    if (l.generation != generation) return;
    if (!l.ring) l.ring = std::make_unique<Ring>(there, self->limits_);
    l.ring->restore(*snapshot);
    l.joining = false;
    if (l.joined) l.joined->notify();
  });
}

void Stream::detach(uint32_t incarnation, Ending how) {
  home_.check();
  if (incarnation != incarnation_ || state_ != State::live) return;
  publisher_.reset();
  hub_.tell([&](HubObserver& o) { o.on_unpublished(key_, how); });
  const HubConfig config = hub_.config();
  const bool over = how == Ending::clean && config.clean_end == CleanEnd::end;
  if (over || config.hold <= 0ns) {
    finish({Code::closed, over ? "the publisher ended the stream" : "the publisher was lost"});
    return;
  }
  state_ = State::held;
  hub_.listed(*this, state_, nullptr);
  hold_.arm_after(config.hold);
}

void Stream::finish(Error reason) {
  const auto self = shared_from_this();  // the directory may hold the last reference
  hold_.cancel();
  state_ = State::ended;
  // First the name is free: who hears of the end, on any core, and asks again gets a fresh stream.
  hub_.listed(*this, state_, nullptr);
  append({Entry{.end = std::make_shared<const End>(End{std::move(reason)})}});
  hub_.tell([&](HubObserver& o) { o.on_ended(key_); });
}

net::Task<> Stream::join() {
  net::Core& here = net::Core::here();
  Local& l = local();
  ++l.readers;
  if (l.ring) co_return;
  if (!l.joining) {
    l.joining = true;
    ++l.generation;
    if (!l.joined) l.joined = std::make_unique<net::Signal>(here);
    home_.post([self = shared_from_this(), core = static_cast<size_t>(here.index()),
                generation = l.generation] { self->start_mirror(core, generation); });
  }
  while (!l.ring) co_await l.joined->wait();
}

void Stream::leave() {
  net::Core& here = net::Core::here();
  Local& l = local();
  if (--l.readers > 0 || &here == &home_) return;
  l.ring.reset();
  l.fan_outs.clear();
  l.joined.reset();
  home_.post([self = shared_from_this(), core = static_cast<size_t>(here.index()),
              generation = l.generation] {
    Mirror& m = self->mirrors_[core];
    if (m.generation == generation) m.active = false;
  });
  ++l.generation;
}

std::shared_ptr<void> Stream::hold_ring() {
  CHECK(local().ring, "only a reader holds the ring");
  ++local().readers;
  struct Hold {
    explicit Hold(std::shared_ptr<Stream> s) : stream(std::move(s)) {}
    ~Hold() { stream->leave(); }
    std::shared_ptr<Stream> stream;
  };
  return std::make_shared<Hold>(shared_from_this());
}

Ring& Stream::ring() {
  CHECK(local().ring, "join() comes first");
  return *local().ring;
}

std::shared_ptr<FanOut> Stream::fan_out(const std::string& form,
                                        std::move_only_function<std::unique_ptr<Muxer>()> make) {
  auto& all = local().fan_outs;
  if (const auto it = all.find(form); it != all.end())
    if (auto present = it->second.lock()) return present;
  std::erase_if(all, [](const auto& f) { return f.second.expired(); });
  auto fresh = std::make_shared<FanOut>(net::Core::here(), ring(), hold_ring(), make(),
                                        hub_.config().fan_out);
  all[form] = fresh;
  return fresh;
}

}  // namespace weir::hub
