// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/library.h"

#include <algorithm>
#include <set>
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

// Files read at a time on one core: the disk's threads are few, and others wait for them.
constexpr size_t kMostReading = 16;

// How long an ended stream stays: a player that is a window behind must still reach the end.
Time linger(const SegmentsConfig& c) { return std::max<Time>(c.rewind, 10 * c.duration); }

std::string_view media_type(const Segment& s) {
  if (!s.init) return "video/mp2t";
  return s.init->track.kind() == Kind::audio ? "audio/mp4" : "video/mp4";
}

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

// A segment that ought to be on disk.
struct Library::Spill {
  std::string lane;
  uint64_t number;
};

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
    // Not the segments themselves: the store may have to give them up before their turn comes.
    for (const auto& old : packager.store().take_spills())
      spills.push_back({old.lane, old.segment->number});
    library.directory_->publish(key, std::move(view));
    changed.notify();
  }

  StreamKey key;
  uint64_t owner;
  std::shared_ptr<const SegmentsConfig> config;
  net::Signal changed;  // spills, unlinks, or over
  net::Signal leave;    // no reason to linger any more
  bool over = false;
  bool failing = false;  // the last file could not be written
  std::vector<Spill> spills;
  std::vector<std::string> unlinks;
  Packager packager;
};

struct Library::Local {
  explicit Local(net::Core& core) : group(core), read_done(core) {}
  net::TaskGroup group;
  net::Signal read_done;
  bool stopping = false;
  std::map<std::string, std::weak_ptr<const net::http::Content>> read;  // by the segment's name
  std::set<std::string> reading;
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
  // What ended under this name, here or on another core, can be reached no more.
  for (int i = 0; i < hub_.cores().size(); ++i)
    hub_.cores()[i].post([locals = locals_, key] {
      Local* there = local(*locals);
      if (!there) return;
      if (const auto old = there->lingering.find(key); old != there->lingering.end())
        old->second->leave.notify();
    });
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

net::Task<Result<ContentPtr>> Library::read(SegmentPtr segment) const {
  const std::shared_ptr<Locals> locals = locals_;
  Local* here = local(*locals);
  if (!here || here->stopping) co_return fail(Code::closed, "the server stops");
  while (here->reading.contains(segment->name)) co_await here->read_done.wait();
  if (const auto found = here->read.find(segment->name); found != here->read.end())
    if (ContentPtr content = found->second.lock()) co_return content;
  if (here->reading.size() >= kMostReading)
    co_return fail(Code::limit, "too many segments are being read from disk");
  here->reading.insert(segment->name);
  auto job = [segment] { return read_file(segment->file); };
  auto bytes = co_await disk_.run(std::move(job));
  here->reading.erase(segment->name);
  here->read_done.notify();
  if (!bytes) co_return fail(std::move(bytes.error()));
  net::http::ContentOptions options;
  options.cache_control = net::http::kImmutable;
  options.etag = segment->name;
  ContentPtr content = net::http::make_content(media_type(*segment), *std::move(bytes), options);
  std::erase_if(here->read, [](const auto& r) { return r.second.expired(); });
  here->read[segment->name] = content;
  co_return content;
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
  const ViewPtr told = directory_->find(live.key);
  const bool reachable = told && told->owner == live.owner && !local.live.contains(live.key);
  if (live.packager.ended() && reachable && !local.stopping) {
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
  for (auto& gone : live.packager.store().take_expired())
    if (!gone.segment->file.empty()) live.unlinks.push_back(gone.segment->file);
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

net::Task<> Library::spill(Live& live, RewindFolder& folder, Spill old) {
  const SegmentPtr segment = live.packager.store().find(old.lane, old.number);
  if (!segment || !segment->content) co_return;  // given up meanwhile
  auto write = [&folder, segment] { return folder.write(*segment); };
  const auto file = co_await disk_.run(std::move(write));
  if (file) {
    live.packager.store().spilled(old.lane, old.number, *file);
    if (live.failing) log_.info("{}: rewind files are written again", live.key.to_string());
  } else {
    if (!live.failing)
      log_.error("{}: cannot be rewound beyond segments.memory: {}", live.key.to_string(),
                 file.error().what);
    live.packager.store().lost(old.lane, old.number);
  }
  live.failing = !file;
  if (!live.over) live.packager.tell();
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
