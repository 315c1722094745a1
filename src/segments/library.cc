// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/library.h"

#include <algorithm>
#include <utility>

namespace weir::segments {
namespace {

Packager::Options packager_options(const SegmentsConfig& c, uint64_t owner) {
  return {.duration = c.duration,
          .part = c.part,
          .memory = c.memory,
          .rewind = c.rewind,
          .slicing = c.slicing,
          .disk = !c.rewind_path.empty(),
          .max_bytes = c.max_bytes.bytes,
          .owner = owner};
}

// How long an ended stream stays: a player that is a window behind must still reach the end.
Time linger(const SegmentsConfig& c) { return std::max<Time>(c.rewind, 10 * c.duration); }

// Tracks that a lane will come of.
size_t lanes_expected(const StreamInfo& info) {
  return static_cast<size_t>(std::ranges::count_if(info.tracks, [](const Track& t) {
    return t.kind() != Kind::data && mp4::carries(t).has_value();
  }));
}

// A manifest names every lane or players never learn of it; one that stays silent is not waited for
// longer than this much of the others.
bool has_all_lanes(const View& v) {
  if (v.lanes.empty() || v.target_duration == 0ns) return false;
  if (v.ended || !v.info || v.lanes.size() >= lanes_expected(*v.info)) return true;
  const Window& first = *v.lanes.front();
  if (!first.segments->empty() || !first.open) return true;
  return first.open->parts.back()->start - first.open->start > 1s;
}

}  // namespace

bool is_ready(const View& v, Demand what) {
  if (what == Demand::cmaf) return has_all_lanes(v) || !v.nothing.empty();
  return (v.ts && v.target_duration > 0ns && !v.ts->segments->empty()) || !v.no_ts.empty();
}

// One stream, in the frame of serve(), on its home core.
struct Library::Live {
  Live(Library& library, net::Core& core, StreamKey k, uint64_t o,
       std::shared_ptr<const SegmentsConfig> c)
      : key(std::move(k)),
        owner(o),
        config(std::move(c)),
        changed(core),
        leave(core),
        packager(library.hub_, key, packager_options(*config, owner), core.clock(),
                 [this, &library](ViewPtr view) { update(library, std::move(view)); }) {}

  void update(Library& library, ViewPtr view) {
    for (auto& gone : packager.store().take_expired())
      if (!gone.segment->file.empty()) unlinks.push_back(gone.segment->file);
    for (auto& old : packager.store().take_spills()) spills.push_back(std::move(old));
    library.directory_->publish(key, std::move(view));
    changed.notify();
  }

  StreamKey key;
  uint64_t owner;
  std::shared_ptr<const SegmentsConfig> config;
  net::Signal changed;  // spills, unlinks, or over
  net::Signal leave;    // no reason to linger any more
  bool over = false;
  bool failing = false;               // the last file could not be written
  std::vector<Store::Placed> spills;  // bounded by the store's bytes
  std::vector<std::string> unlinks;
  Packager packager;
};

struct Library::Local {
  explicit Local(net::Core& core) : group(core) {}
  net::TaskGroup group;
  bool stopping = false;
  std::map<StreamKey, Live*> live, lingering;  // published or held; ended
};

Library::Library(hub::Hub& hub, net::BlockingPool& disk,
                 std::shared_ptr<const SegmentsConfig> config)
    : hub_(hub),
      disk_(disk),
      directory_(std::make_shared<Directory>(hub.cores())),
      locals_(std::make_shared<Locals>()) {
  net::Cores& cores = hub.cores();
  for (int i = 0; i < cores.size(); ++i) locals_->push_back(std::make_unique<Local>(cores[i]));
  configs_.assign(locals_->size(), config);
}

Library::~Library() = default;

Library::Local* Library::local(Locals& locals) {
  return locals[static_cast<size_t>(net::Core::here().index())].get();
}

void Library::on_published(const StreamKey& key, const hub::PeerPtr&) {
  Local* l = local(*locals_);
  // A publisher that returned finds its stream packaged already.
  if (!l || l->stopping || l->live.contains(key)) return;
  // What ended under this name can be reached no more.
  if (const auto old = l->lingering.find(key); old != l->lingering.end())
    old->second->leave.notify();
  const auto& config = configs_[static_cast<size_t>(net::Core::here().index())];
  l->group.spawn(serve(*l, key, next_owner_.fetch_add(1), config));
}

void Library::on_ended(const StreamKey& key) {
  // The name is free: whoever publishes it next is another stream, though this one lingers.
  if (Local* l = local(*locals_)) l->live.erase(key);
}

void Library::demand(const StreamKey& key, Demand what) const {
  const ViewPtr view = directory_->find(key);
  if (!view || (view->target_duration > 0ns && (what == Demand::cmaf || view->ts))) return;
  view->home->post([locals = locals_, key, what] {
    Local* l = local(*locals);
    if (!l) return;
    for (const auto* of : {&l->live, &l->lingering})
      if (const auto it = of->find(key); it != of->end()) return it->second->packager.demand(what);
  });
}

net::Task<ViewPtr> Library::ready(StreamKey key, Demand what, Time limit) const {
  ViewPtr view = directory_->find(key);
  if (!view || is_ready(*view, what)) co_return view;
  demand(key, what);
  co_return co_await directory_->wait(std::move(key), {}, limit,
                                      [what](const View& v) { return is_ready(v, what); });
}

net::Task<Result<Bytes>> Library::read(SegmentPtr segment) const {
  auto job = [segment] { return read_file(segment->file); };
  co_return co_await disk_.run(std::move(job));
}

void Library::reconfigure(std::shared_ptr<const SegmentsConfig> config) {
  net::Cores& cores = hub_.cores();
  for (int i = 0; i < cores.size(); ++i)
    cores[i].post([this, i, config] { configs_[static_cast<size_t>(i)] = config; });
}

const SegmentsConfig& Library::config() const {
  return *configs_[static_cast<size_t>(net::Core::here().index())];
}

net::Task<> Library::serve(Local& local, StreamKey key, uint64_t owner,
                           std::shared_ptr<const SegmentsConfig> config) {
  net::Core& core = net::Core::here();
  Live live(*this, core, std::move(key), owner, std::move(config));
  local.live[live.key] = &live;
  co_await net::both(core, package(local, live), keep_files(live));
}

net::Task<> Library::package(Local& local, Live& live) {
  co_await live.packager.run();
  const auto forget = [&live](std::map<StreamKey, Live*>& of) {
    if (const auto it = of.find(live.key); it != of.end() && it->second == &live) of.erase(it);
  };
  forget(local.live);
  if (live.packager.ended() && !local.stopping) {
    local.lingering[live.key] = &live;
    co_await live.leave.wait_for(linger(*live.config));
    forget(local.lingering);
  }
  directory_->remove(live.key, live.owner);
  live.over = true;
  live.changed.notify();
}

net::Task<> Library::keep_files(Live& live) {
  if (live.config->rewind_path.empty()) co_return;
  RewindFolder folder(live.config->rewind_path, live.key);
  auto open = [&folder] { return folder.open(); };
  const auto opened = co_await disk_.run(std::move(open));
  if (!opened) log_.error("{}: rewind files: {}", live.key.to_string(), opened.error().what);
  while (!live.over) {
    if (live.spills.empty() && live.unlinks.empty()) {
      co_await live.changed.wait();
      continue;
    }
    auto unlink = [gone = std::exchange(live.unlinks, {})] {
      for (const auto& file : gone) RewindFolder::remove(file);
      return gone.size();
    };
    co_await disk_.run(std::move(unlink));
    for (auto& old : std::exchange(live.spills, {}))
      if (!live.over) co_await spill(live, folder, std::move(old));
  }
  auto clear = [&folder, gone = std::exchange(live.unlinks, {}),
                lanes = live.packager.store().lanes()] {
    for (const auto& file : gone) RewindFolder::remove(file);
    for (const auto& lane : lanes)
      for (const auto& s : *lane->segments)
        if (!s->file.empty()) RewindFolder::remove(s->file);
    folder.close();
    return true;
  };
  co_await disk_.run(std::move(clear));
}

net::Task<> Library::spill(Live& live, RewindFolder& folder, Store::Placed old) {
  auto write = [&folder, segment = old.segment] { return folder.write(*segment); };
  const auto file = co_await disk_.run(std::move(write));
  if (file) {
    live.packager.store().spilled(old.lane, old.segment->number, *file);
    if (live.failing) log_.info("{}: rewind files are written again", live.key.to_string());
  } else {
    if (!live.failing)
      log_.error("{}: cannot be rewound beyond segments.memory: {}", live.key.to_string(),
                 file.error().what);
    live.packager.store().lost(old.lane, old.segment->number);
  }
  live.failing = !file;
  live.packager.tell();
}

net::Task<> Library::stop() {
  net::Core& mine = net::Core::here();
  net::Cores& cores = hub_.cores();
  for (int i = 0; i < cores.size(); ++i) {
    if (&cores[i] != &net::Core::here()) co_await net::on(cores[i]);
    auto& slot = (*locals_)[static_cast<size_t>(i)];
    if (!slot) continue;
    slot->stopping = true;
    for (const auto& [key, live] : slot->live) live->packager.stop();
    for (const auto& [key, live] : slot->lingering) live->leave.notify();
    co_await slot->group.close();
    slot.reset();  // here, where its group lives
  }
  if (&mine != &net::Core::here()) co_await net::on(mine);
}

}  // namespace weir::segments
