// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/directory.h"

#include <algorithm>

namespace weir::segments {

WindowPtr View::lane(std::string_view id) const {
  for (const auto& w : lanes)
    if (w->id == id) return w;
  return ts && ts->id == id ? ts : nullptr;
}

struct Directory::Entry {
  explicit Entry(net::Core& core) : core(core), any(core) {}

  net::Signal& signal(const std::string& lane) {
    if (lane.empty()) return any;
    auto& of_lane = lanes[lane];
    if (!of_lane) of_lane = std::make_unique<net::Signal>(core);
    return *of_lane;
  }
  // Wakes those whose lane differs in the new view; everybody when the stream itself does.
  void change(ViewPtr next) {
    const ViewPtr before = std::exchange(view, std::move(next));
    if (!before || !view || before->owner != view->owner || view->ended) return wake();
    for (const auto& [id, waiting] : lanes)
      if (before->lane(id) != view->lane(id)) waiting->notify();
    any.notify();
  }

  void wake() {
    for (const auto& [id, waiting] : lanes) waiting->notify();
    any.notify();
  }

  net::Core& core;
  ViewPtr view;
  net::Signal any;
  std::map<std::string, std::unique_ptr<net::Signal>> lanes;  // those that were ever waited for
};

struct Directory::Local {
  std::map<StreamKey, std::shared_ptr<Entry>> entries;
  size_t waiting = 0;
  bool closed = false;

  std::shared_ptr<Entry> find(const StreamKey& key) const {
    const auto it = entries.find(key);
    return it == entries.end() ? nullptr : it->second;
  }
};

namespace {

size_t core_index() { return static_cast<size_t>(net::Core::here().index()); }

}  // namespace

Directory::Directory(net::Cores& cores)
    : cores_(cores), locals_(std::make_shared<Locals>(static_cast<size_t>(cores.size()))) {}

void Directory::publish(const StreamKey& key, ViewPtr view) {
  const uint64_t owner = view->owner;
  post_all(key, owner, view);
}

bool Directory::remove(const StreamKey& key, uint64_t owner) {
  return post_all(key, owner, nullptr);
}

bool Directory::post_all(const StreamKey& key, uint64_t owner, const ViewPtr& view) {
  const int mine = net::Core::here().index();
  for (int i = 0; i < cores_.size(); ++i)
    if (i != mine)
      cores_[i].post([locals = locals_, key, owner, view] { set(*locals, key, owner, view); });
  return set(*locals_, key, owner, view);
}

bool Directory::set(Locals& locals, const StreamKey& key, uint64_t owner, const ViewPtr& view) {
  auto& entries = locals[core_index()].entries;
  const auto it = entries.find(key);
  if (it != entries.end() && it->second->view->owner > owner) return false;
  if (!view) {
    if (it == entries.end()) return false;
    it->second->change(nullptr);
    entries.erase(it);
    return true;
  }
  auto& entry = entries[key];
  if (!entry) entry = std::make_shared<Entry>(net::Core::here());
  entry->change(view);
  return true;
}

ViewPtr Directory::find(const StreamKey& key) const {
  const auto entry = (*locals_)[core_index()].find(key);
  return entry ? entry->view : nullptr;
}

std::vector<std::pair<StreamKey, ViewPtr>> Directory::renditions(const StreamKey& key) const {
  const auto& entries = (*locals_)[core_index()].entries;
  std::vector<std::pair<StreamKey, ViewPtr>> found;
  // Keys are in order of app, name, rendition: the source, whose rendition is empty, comes first.
  for (auto it = entries.lower_bound({key.app, key.name, {}}); it != entries.end(); ++it) {
    if (it->first.app != key.app || it->first.name != key.name) break;
    found.emplace_back(it->first, it->second->view);
  }
  return found;
}

net::Task<ViewPtr> Directory::wait(StreamKey key, std::string lane, Time limit,
                                   Predicate done) const {
  struct Counted {
    explicit Counted(size_t& n) : count(n) { ++count; }
    ~Counted() { --count; }
    size_t& count;
  };
  // Kept alive here: the entry may be removed, and its signals with it, while this waits.
  const std::shared_ptr<Locals> locals = locals_;
  Local& local = (*locals)[core_index()];
  const std::shared_ptr<Entry> entry = local.find(key);
  if (!entry) co_return nullptr;
  const Counted counted(local.waiting);
  const Time until = entry->core.now() + limit;
  for (;;) {
    const ViewPtr view = entry->view;
    const Time left = until - entry->core.now();
    if (!view || left <= 0ns || local.closed || done(*view)) co_return view;
    co_await entry->signal(lane).wait_for(left);
  }
}

void Directory::close() {
  const auto close_here = [locals = locals_] {
    Local& local = (*locals)[core_index()];
    local.closed = true;
    for (const auto& [key, entry] : local.entries) entry->wake();
  };
  for (int i = 0; i < cores_.size(); ++i) cores_[i].post(close_here);
}

size_t Directory::waiting() const { return (*locals_)[core_index()].waiting; }

size_t Directory::size() const { return (*locals_)[core_index()].entries.size(); }

}  // namespace weir::segments
