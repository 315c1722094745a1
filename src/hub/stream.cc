// Weir live-streaming server. MIT licence, see LICENSE.
#include "hub/stream.h"

#include "hub/hub.h"

namespace weir::hub {
namespace {

// Packets on their way to another core: beyond this the core is stuck and loses groups of pictures.
constexpr size_t kMirrorBacklog = 4096;
constexpr Time kDefaultStep = 20ms;

}  // namespace

Stream::Stream(Hub& hub, net::Cores& cores, net::Core& home, StreamKey key)
    : hub_(hub),
      cores_(cores),
      home_(home),
      key_(std::move(key)),
      locals_(static_cast<size_t>(cores.size())),
      mirrors_(static_cast<size_t>(cores.size())),
      hold_(home, [this] { finish({Code::closed, "the publisher did not return"}); }) {
  local().ring = std::make_unique<Ring>(home, hub.config().ring);
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
  ++incarnation_;
  hub_.listed(*this, state_, publisher_);
  hub_.tell([&](HubObserver& o) { o.on_published(key_, publisher_); });
  return incarnation_;
}

Time Stream::next_start() const {
  const Ring& ring = *locals_[static_cast<size_t>(home_.index())].ring;
  if (!ring.info()) return Time{};
  return ring.newest() + (frame_step_ > 0ns ? frame_step_ : kDefaultStep);
}

void Stream::push(uint32_t incarnation, Batch batch) {
  home_.check();
  if (incarnation != incarnation_ || state_ != State::live) return;
  const Ring& ring = *locals_[static_cast<size_t>(home_.index())].ring;
  for (const Entry& e : batch) {
    if (!e.packet) continue;
    packets_in.add();
    bytes_in.add(e.packet->payload.size());
    const Track* video = ring.info() ? ring.info()->main_video() : nullptr;
    if (video && e.packet->track != video->id) continue;
    if (const Time step = e.packet->dts - last_main_; step > 0ns && step < 1s) frame_step_ = step;
    last_main_ = e.packet->dts;
  }
  append(batch);
}

void Stream::append(const Batch& batch) {
  Ring& ring = *locals_[static_cast<size_t>(home_.index())].ring;
  const uint64_t first = ring.end();
  std::shared_ptr<const Batch> shared;
  for (size_t i = 0; i < mirrors_.size(); ++i) {
    if (!mirrors_[i].active) continue;
    if (!shared) shared = std::make_shared<const Batch>(batch);
    mirror(i, first, shared);
  }
  ring.append(first, batch);
  // A core that was stuck and has caught up starts anew from this ring; readers there see one gap.
  for (size_t i = 0; i < mirrors_.size(); ++i) {
    Mirror& m = mirrors_[i];
    if (m.active && m.lost && m.outstanding->load(std::memory_order_relaxed) == 0)
      start_mirror(i, m.generation);
  }
}

void Stream::mirror(size_t core, uint64_t first, std::shared_ptr<const Batch> batch) {
  Mirror& m = mirrors_[core];
  if (m.lost) return;
  if (m.outstanding->load(std::memory_order_relaxed) + batch->size() > kMirrorBacklog) {
    m.lost = true;
    mirror_overruns.add();
    return;
  }
  m.outstanding->fetch_add(batch->size(), std::memory_order_relaxed);
  cores_[static_cast<int>(core)].post([self = shared_from_this(), core, first, batch,
                                       generation = m.generation, outstanding = m.outstanding] {
    outstanding->fetch_sub(batch->size(), std::memory_order_relaxed);
    Local& l = self->locals_[core];
    if (l.ring && l.generation == generation) l.ring->append(first, *batch);
  });
}

void Stream::start_mirror(size_t core, uint32_t generation) {
  home_.check();
  Mirror& m = mirrors_[core];
  m = {true, generation, false, std::make_shared<std::atomic<size_t>>(0)};
  auto snapshot = std::make_shared<Ring::Snapshot>(local().ring->snapshot());
  net::Core& there = cores_[static_cast<int>(core)];
  there.post([self = shared_from_this(), core, generation, snapshot, &there] {
    Local& l = self->locals_[core];
    if (l.generation != generation) return;
    if (!l.ring) l.ring = std::make_unique<Ring>(there, self->hub_.config().ring);
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
  state_ = State::ended;
  append({Entry{.end = std::make_shared<const End>(End{std::move(reason)})}});
  hub_.tell([&](HubObserver& o) { o.on_ended(key_); });
  hub_.listed(*this, state_, nullptr);
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

std::shared_ptr<FanOut> Stream::fan_out(
    const std::string& form, std::move_only_function<std::unique_ptr<Muxer>()> make) {
  auto& slot = local().fan_outs[form];
  if (auto present = slot.lock()) return present;
  auto fresh = std::make_shared<FanOut>(net::Core::here(), ring(), hold_ring(), make(),
                                        hub_.config().fan_out);
  slot = fresh;
  return fresh;
}

}  // namespace weir::hub
