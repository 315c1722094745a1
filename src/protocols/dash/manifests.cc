// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/dash/manifests.h"

#include <algorithm>

#include "net/http/gzip.h"
#include "protocols/dash/mpd.h"

namespace weir::dash {

using net::http::ContentPtr;
using segments::View;
using segments::Window;

namespace {

struct Hash {
  uint64_t value = 14695981039346656037u;
  void add(uint64_t more) { value = (value ^ more) * 1099511628211u; }
  void add(std::string_view text) { add(std::hash<std::string_view>{}(text)); }
};

void add_window(Hash& hash, const Window& w) {
  hash.add(w.id);
  hash.add(w.first_listed < w.segments->size() ? (*w.segments)[w.first_listed]->number : 0);
  hash.add(w.segments->empty() ? 0 : w.segments->back()->number);
  hash.add(w.peak_rate);
  if (!w.open) return;
  hash.add(w.open->number);
  if (w.open->init) hash.add(w.open->init->name);
  // Before the first segment is complete a rate is told by parts.
  if (w.peak_rate == 0) hash.add(w.open->parts.empty() ? 0 : 1);
}

// What a manifest depends on, but for the configuration: changes with segments, not with parts.
uint64_t version_of(const Sources& sources, const DashConfig& config) {
  Hash hash;
  hash.add(static_cast<uint64_t>(Time(config.latency).count()));
  for (const auto& [key, view] : sources) {
    hash.add(key.name);
    hash.add(key.rendition);
    hash.add(view->owner);
    hash.add(view->ended ? 1 : 0);
    for (const auto& w : view->lanes) add_window(hash, *w);
  }
  return hash.value;
}

ContentPtr content_of(const std::string& text) {
  const Bytes body = Bytes::copy(text);
  net::http::ContentOptions options;
  options.cache_control = net::http::kNoCache;
  options.gzip = net::http::gzip(body);
  return net::http::make_content(kMpdType, body, options);
}

}  // namespace

bool Manifests::Made::is_good(const Sources& sources, const DashConfig& config) const {
  const View& source = *sources.front().second;
  const bool quiet =
      !source.ended && lag_of(source, net::Core::here().clock().wall()) > longest_lag;
  return content && owner == source.owner && quiet == silent &&
         version == version_of(sources, config);
}

Manifests::Manifests(net::Cores& cores, const segments::Library& library,
                     std::shared_ptr<const DashConfig> config)
    : cores_(cores),
      library_(library),
      locals_(std::make_shared<std::vector<Local>>(static_cast<size_t>(cores.size()))) {
  for (Local& l : *locals_) l.config = config;
}

Manifests::~Manifests() = default;

void Manifests::reconfigure(std::shared_ptr<const DashConfig> config) {
  for (int i = 0; i < cores_.size(); ++i)
    cores_[i].post(
        [locals = locals_, i, config] { (*locals)[static_cast<size_t>(i)].config = config; });
}

Manifests::Local& Manifests::local() {
  return (*locals_)[static_cast<size_t>(net::Core::here().index())];
}

net::Task<ContentPtr> Manifests::get(StreamKey key) {
  net::Core& here = net::Core::here();
  const Sources sources = find(key, *local().config);
  if (sources.empty()) co_return nullptr;
  const View& source = *sources.front().second;
  const auto it = local().made.find(key);
  if (it != local().made.end() && it->second.is_good(sources, *local().config))
    co_return it->second.content;
  net::Core* home = source.home ? source.home : &here;
  if (home != &here) co_await net::on(*home);
  Made made = make(key);
  if (home != &here) co_await net::on(here);
  if (!made.content) co_return nullptr;
  Local& mine = local();
  mine.made[key] = made;
  sweep(mine);
  co_return std::move(made.content);
}

// The stream with its renditions, then those whose names are its own and a suffix.
Sources Manifests::find(const StreamKey& key, const DashConfig& config) const {
  Sources found = library_.directory().renditions(key);
  if (found.empty() || !found.front().first.rendition.empty()) return {};
  for (const std::string& suffix : config.variants)
    for (auto& one : library_.directory().renditions({key.app, key.name + suffix, {}}))
      found.push_back(std::move(one));
  return found;
}

// On the stream's home core.
Manifests::Made Manifests::make(const StreamKey& key) {
  Local& mine = local();
  const Sources sources = find(key, *mine.config);
  if (sources.empty()) return {};
  const View& source = *sources.front().second;
  const segments::SegmentsConfig& config = library_.config();
  std::unique_ptr<Planned>& slot = mine.planned[key];
  if (!slot || slot->owner != source.owner) {
    slot = std::make_unique<Planned>(config.duration);
    slot->owner = source.owner;
  }
  Planned& planned = *slot;
  if (planned.made.is_good(sources, *mine.config)) return planned.made;
  const WallTime now = net::Core::here().clock().wall();
  planned.planner.update(sources, now);
  const MpdOptions options{.latency = mine.config->latency, .rewind = config.rewind};
  const auto write = [&] {
    return write_mpd(sources, planned.planner.periods(), options, planned.published);
  };
  std::string text = write();
  if (text.empty()) return {};
  planned.made.owner = source.owner;
  planned.made.version = version_of(sources, *mine.config);
  planned.made.longest_lag = planned.planner.longest_lag();
  planned.made.silent = planned.planner.silent();
  if (planned.made.content && text == planned.text) return planned.made;
  planned.published = now;
  planned.text = write();
  planned.made.content = content_of(planned.text);
  return planned.made;
}

// Forgets streams that are gone, whenever there are twice as many as were left the last time.
void Manifests::sweep(Local& mine) {
  if (mine.made.size() + mine.planned.size() < mine.sweep_at) return;
  const auto gone = [this](const auto& entry) { return !library_.directory().find(entry.first); };
  std::erase_if(mine.made, gone);
  std::erase_if(mine.planned, gone);
  mine.sweep_at = std::max<size_t>(64, 2 * (mine.made.size() + mine.planned.size()));
}

}  // namespace weir::dash
