// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/streams.h"

#include "protocols/hls/disk.h"
#include "segments/packager.h"

namespace weir::hls {
namespace {

segments::Packager::Options packager_options(const HlsConfig& c) {
  return {.target = c.segment, .window = c.window, .max_bytes = c.max_bytes.bytes};
}

// How long an ended stream stays: a player that is a window behind must still reach the end.
Time linger(const segments::Window& w) {
  Time sum = w.target_duration;
  for (const auto& s : w.listed) sum += s->duration;
  return sum;
}

}  // namespace

// One stream, in the frame of serve(), on its home core.
struct Streams::Live {
  Live(Streams& streams, net::Core& core, StreamKey k, uint64_t o,
       std::shared_ptr<const HlsConfig> c)
      : key(std::move(k)),
        owner(o),
        config(std::move(c)),
        changed(core),
        packager(streams.hub_, key, packager_options(*config), core.clock(),
                 [this, &streams](segments::Update u) { update(streams, std::move(u)); }) {}

  void update(Streams& streams, segments::Update u) {
    view = make_view(std::move(u.window), u.carried, view.get());
    streams.directory_->publish(key, owner, view);
    changed.notify();
  }

  StreamKey key;
  uint64_t owner;
  std::shared_ptr<const HlsConfig> config;
  ViewPtr view;
  net::Signal changed;  // the view, or over
  bool over = false;
  bool forget = false;  // over for good: its files may go
  segments::Packager packager;
};

Streams::Streams(hub::Hub& hub, net::BlockingPool& disk, std::shared_ptr<const HlsConfig> config)
    : hub_(hub), disk_(disk), directory_(std::make_shared<Directory>(hub.cores())) {
  net::Cores& cores = hub.cores();
  for (int i = 0; i < cores.size(); ++i) locals_.push_back(std::make_unique<Local>(cores[i]));
  configs_.assign(locals_.size(), config);
}

Streams::~Streams() = default;

Streams::Local* Streams::local() {
  return locals_[static_cast<size_t>(net::Core::here().index())].get();
}

void Streams::on_published(const StreamKey& key, const hub::PeerPtr&) {
  Local* l = local();
  // A publisher that returned finds its stream packaged already.
  if (!l || l->stopping || l->live.contains(key)) return;
  const auto& config = configs_[static_cast<size_t>(net::Core::here().index())];
  l->group.spawn(serve(*l, key, next_owner_.fetch_add(1), config));
}

void Streams::on_ended(const StreamKey& key) {
  // The name is free: whoever publishes it next is another stream, though this one lingers.
  if (Local* l = local()) l->live.erase(key);
}

void Streams::reconfigure(std::shared_ptr<const HlsConfig> config) {
  net::Cores& cores = hub_.cores();
  for (int i = 0; i < cores.size(); ++i)
    cores[i].post([this, i, config] { configs_[static_cast<size_t>(i)] = config; });
}

net::Task<> Streams::serve(Local& local, StreamKey key, uint64_t owner,
                           std::shared_ptr<const HlsConfig> config) {
  net::Core& core = net::Core::here();
  Live live(*this, core, std::move(key), owner, std::move(config));
  local.live[live.key] = &live;
  co_await net::both(core, package(local, live), keep_files(live));
}

net::Task<> Streams::package(Local& local, Live& live) {
  co_await live.packager.run();
  if (const auto it = local.live.find(live.key); it != local.live.end() && it->second == &live)
    local.live.erase(it);
  const bool ended = live.view->window->ended;
  if (ended && !local.stopping) co_await local.stopped.wait_for(linger(*live.view->window));
  live.forget = ended && directory_->remove(live.key, live.owner);
  live.over = true;
  live.changed.notify();
}

net::Task<> Streams::keep_files(Live& live) {
  if (live.config->path.empty()) co_return;
  FolderWriter folder(folder_of(live.config->path, live.key),
                      live.config->cleanup ? Cleanup::remove : Cleanup::keep);
  ViewPtr written;
  bool failing = false;
  while (!live.over) {
    if (live.view == written) {
      co_await live.changed.wait();
      continue;
    }
    written = live.view;
    auto job = [&folder, view = written] { return folder.write(*view); };
    const Result<> done = co_await disk_.run(std::move(job));
    if (!done && !failing)
      log_.warn("{}: files are not written: {}", live.key.to_string(), done.error().what);
    if (done && failing) log_.info("{}: files are written again", live.key.to_string());
    failing = !done;
  }
  if (!live.forget) co_return;
  auto job = [&folder] { return folder.remove(); };
  const Result<> gone = co_await disk_.run(std::move(job));
  if (!gone) log_.warn("{}: files are left: {}", live.key.to_string(), gone.error().what);
}

net::Task<> Streams::stop() {
  net::Core& mine = net::Core::here();
  net::Cores& cores = hub_.cores();
  for (int i = 0; i < cores.size(); ++i) {
    if (&cores[i] != &net::Core::here()) co_await net::on(cores[i]);
    auto& slot = locals_[static_cast<size_t>(i)];
    if (!slot) continue;
    slot->stopping = true;
    for (const auto& [key, live] : slot->live) live->packager.stop();
    slot->stopped.notify();
    co_await slot->group.close();
    slot.reset();  // here, where its group and signal live
  }
  if (&mine != &net::Core::here()) co_await net::on(mine);
}

}  // namespace weir::hls
