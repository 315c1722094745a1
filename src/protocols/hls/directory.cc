// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/directory.h"

#include <algorithm>

#include "net/http/gzip.h"
#include "protocols/hls/playlist.h"

namespace weir::hls {
namespace {

using net::http::ContentPtr;

ContentPtr playlist_content(std::string text) {
  const Bytes body = Bytes::take(std::move(text));
  net::http::ContentOptions options;
  options.cache_control = net::http::kNoCache;
  options.gzip = net::http::gzip(body);
  return net::http::make_content(kPlaylistType, body, options);
}

ContentPtr segment_content(const segments::Segment& s) {
  net::http::ContentOptions options;
  options.cache_control = net::http::kImmutable;
  options.etag = s.name;  // never used twice
  return net::http::make_content(kSegmentType, s.data, options);
}

}  // namespace

ContentPtr View::find(std::string_view name) const {
  // Newest first: that is what nearly everybody asks for.
  for (auto it = contents.rbegin(); it != contents.rend(); ++it)
    if (it->first->name == name) return it->second;
  return nullptr;
}

ViewPtr make_view(segments::WindowPtr window, const Result<>& carried, const View* before) {
  auto view = std::make_shared<View>();
  const auto add = [&](const segments::SegmentPtr& s) {
    ContentPtr content = before ? before->find(s->name) : nullptr;
    view->contents.emplace_back(s, content ? std::move(content) : segment_content(*s));
  };
  view->contents.reserve(window->lingering.size() + window->listed.size());
  for (const auto& s : window->lingering) add(s);
  for (const auto& s : window->listed) add(s);
  if (!window->listed.empty()) {
    view->media = playlist_content(media_playlist(*window));
    view->multivariant = playlist_content(multivariant_playlist(*window, "ts.m3u8"));
  } else if (!carried) {
    view->nothing = carried.error().what;
  } else if (window->ended) {
    view->nothing = "the stream ended before its first segment";
  }
  view->window = std::move(window);
  return view;
}

Directory::Directory(net::Cores& cores)
    : cores_(cores), locals_(std::make_shared<Locals>(static_cast<size_t>(cores.size()))) {}

void Directory::publish(const StreamKey& key, uint64_t owner, ViewPtr view) {
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
  net::Core& here = net::Core::here();
  auto& entries = locals[static_cast<size_t>(here.index())].entries;
  const auto it = entries.find(key);
  if (it != entries.end() && it->second->owner > owner) return false;
  if (!view) {
    if (it == entries.end()) return false;
    it->second->view = nullptr;
    it->second->changed.notify();
    entries.erase(it);
    return true;
  }
  auto& entry = entries[key];
  if (!entry) entry = std::make_shared<Entry>(here);
  entry->owner = owner;
  entry->view = view;
  entry->changed.notify();
  return true;
}

std::shared_ptr<Directory::Entry> Directory::entry(const StreamKey& key) const {
  const auto& entries = (*locals_)[static_cast<size_t>(net::Core::here().index())].entries;
  const auto it = entries.find(key);
  return it == entries.end() ? nullptr : it->second;
}

ViewPtr Directory::find(const StreamKey& key) const {
  const auto present = entry(key);
  return present ? present->view : nullptr;
}

net::Task<ViewPtr> Directory::wait(StreamKey key, Time limit) const {
  // Kept alive here: the entry may be removed, and its signal with it, while this waits.
  const std::shared_ptr<Entry> present = entry(key);
  if (!present) co_return nullptr;
  net::Core& here = net::Core::here();
  const Time until = here.now() + limit;
  for (;;) {
    const ViewPtr& view = present->view;
    const Time left = until - here.now();
    if (!view || view->media || !view->nothing.empty() || left <= 0ns) co_return view;
    co_await present->changed.wait_for(left);
  }
}

size_t Directory::size() const {
  return (*locals_)[static_cast<size_t>(net::Core::here().index())].entries.size();
}

}  // namespace weir::hls
