// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/playlists.h"

#include <algorithm>

#include "net/http/gzip.h"
#include "protocols/hls/multivariant.h"

namespace weir::hls {
namespace {

using segments::View;
using segments::Window;

// Hours of rewind are a megabyte of text: then time is worth more than a few per cent.
Bytes squeeze(const Bytes& text) { return net::http::gzip(text, text.size() > 65536 ? 1 : 6); }

// How old a text may be that says how far others are.
constexpr Time kReportsLast{250ms};

size_t core_index() { return static_cast<size_t>(net::Core::here().index()); }

// A list that fits on the tip of a stream is made again often; those of streams that are gone are
// dropped when a new one comes.
template <class Map, class Gone>
auto& entry_of(Map& map, const std::string& name, Gone gone) {
  if (const auto it = map.find(name); it != map.end()) return it->second;
  std::erase_if(map, gone);
  return map[name];
}

std::string cache_name(const StreamKey& key, std::string_view lane, const Query& q) {
  std::string name = key.to_string();
  name += '\n';  // in no key
  name += lane;
  name += handed_on(q);
  return name;
}

bool same_views(const std::vector<Member>& members,
                const std::vector<std::weak_ptr<const View>>& of) {
  return std::ranges::equal(members, of, [](const Member& m, const std::weak_ptr<const View>& v) {
    return m.view && v.lock() == m.view;
  });
}

}  // namespace

SettingsPtr settings_of(const HlsConfig& config) {
  auto settings = std::make_shared<Settings>();
  settings->format = config.format;
  settings->type = config.type;
  for (const auto& line : config.variants)
    if (auto rule = parse_variant(line)) settings->variants.push_back(*std::move(rule));
  return settings;
}

Playlists::Playlists(net::Cores& cores, const segments::Directory& directory, SettingsPtr settings)
    : directory_(directory), settings_(cores), locals_(static_cast<size_t>(cores.size())) {
  settings_.publish(std::move(settings));
}

ContentPtr Playlists::media(const StreamKey& key, const View& view, const std::string& lane,
                            const Query& q, Keep keep) {
  const segments::WindowPtr window = view.lane(lane);
  CHECK(window, "a lane that is there");
  Media& made = entry_of(locals_[core_index()].media, cache_name(key, lane, q),
                         [](const auto& e) { return e.second.of.expired(); });
  // Reports of other lanes age while this one stands still: its publisher may be away.
  const Time now = net::Core::here().now();
  if (made.of.lock() != window || (lane != "ts" && now - made.at > kReportsLast))
    made = {.of = window, .full = {}, .delta = {}, .at = now};
  const bool delta = q.skip && lane != "ts" && !window->ended && skippable(*window) > 0;
  Text& text = delta ? made.delta : made.full;
  ContentPtr& content = keep == Keep::edge ? text.edge : text.poll;
  if (content) return content;
  if (text.plain.empty()) {
    text.plain = Bytes::take(write(key, view, *window, q, delta ? Extent::delta : Extent::full));
    text.gzip = squeeze(text.plain);
  }
  const int target = static_cast<int>(window->target_duration / 1s);
  const int seconds = keep == Keep::edge ? 6 * target : target / 2;
  const std::string rule =
      seconds > 0 ? net::http::cache_for(seconds) : std::string(net::http::kNoCache);
  content = net::http::make_content(kPlaylistType, text.plain,
                                    {.cache_control = rule, .etag = text.etag, .gzip = text.gzip});
  // Made from the bytes once; the other rule's content has the same.
  text.etag = content->etag().substr(1, content->etag().size() - 2);
  return content;
}

std::string Playlists::write(const StreamKey& key, const View& view, const Window& window,
                             const Query& q, Extent extent) const {
  const PlaylistType type = q.type.value_or(settings().type);
  if (window.id == "ts") return ts_playlist(window, type);
  PlaylistOptions options;
  options.token = view.token;
  options.type = type;
  options.reports = reports(key, view, window, handed_on(q));
  for (const auto& lane : view.lanes)
    options.longest_part = std::max(options.longest_part, lane->part_target);
  return media_playlist(window, options, extent);
}

// B.1: one for each other playlist of the multivariant playlist that lists this one.
std::vector<Report> Playlists::reports(const StreamKey& key, const View& view, const Window& window,
                                       std::string_view query) const {
  std::vector<Report> list;
  const VariantRules& rules = settings().variants;
  for (const auto& member : family(directory_, head_of_family(key, rules), rules)) {
    // Of the stream itself what this very text is about, which may be older than the directory.
    const View& of = member.key == key ? view : *member.view;
    for (const auto& lane : of.lanes)
      if (lane.get() != &window && !lane->empty())
        list.push_back({playlist_uri(key, member.key, lane->id, query), newest(*lane)});
  }
  return list;
}

ContentPtr Playlists::multivariant(const StreamKey& at, const std::vector<Member>& members,
                                   const Query& q) {
  Multivariant& made =
      entry_of(locals_[core_index()].multivariants, cache_name(at, {}, q), [](const auto& e) {
        return std::ranges::all_of(e.second.of, [](const auto& v) { return v.expired(); });
      });
  if (made.content && same_views(members, made.of)) return made.content;
  const std::string text = multivariant_playlist(at, members, settings().format, handed_on(q));
  made.content = nullptr;
  if (text.empty()) return nullptr;
  made.of.clear();
  for (const auto& m : members) made.of.push_back(m.view);
  const Bytes body = Bytes::copy(text);
  made.content = net::http::make_content(
      kPlaylistType, body, {.cache_control = net::http::kNoCache, .gzip = squeeze(body)});
  return made.content;
}

size_t Playlists::size() const {
  const Local& local = locals_[core_index()];
  return local.media.size() + local.multivariants.size();
}

}  // namespace weir::hls
