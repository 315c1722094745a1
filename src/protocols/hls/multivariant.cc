// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/multivariant.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "codecs/registry.h"
#include "protocols/hls/reload.h"

namespace weir::hls {
namespace {

using segments::SegmentHead;
using segments::Window;
using segments::WindowPtr;

// The newest segment, also when it is only begun: it says what the tracks are now.
const SegmentHead* newest_head(const Window& w) {
  if (w.open) return &*w.open;
  return w.segments->empty() ? nullptr : w.segments->back().get();
}

std::vector<Track> tracks_of(const Window& w) {
  const SegmentHead* head = newest_head(w);
  if (!head) return {};
  if (head->init) return {head->init->track};
  return head->tracks ? *head->tracks : std::vector<Track>{};
}

const Track* first_video(const std::vector<Track>& tracks) {
  const auto it = std::ranges::find_if(tracks, [](const Track& t) { return t.video(); });
  return it == tracks.end() ? nullptr : &*it;
}

void add_codecs(std::string& list, const std::vector<Track>& tracks) {
  for (const auto& track : tracks) {
    const std::string one = codecs::rfc6381(track);
    if (one.empty() || ("," + list + ",").find("," + one + ",") != std::string::npos) continue;
    list += (list.empty() ? "" : ",") + one;
  }
}

bool all_independent(const Window& w) {
  return (!w.open || w.open->independent) &&
         std::ranges::all_of(*w.segments, [](const auto& s) { return s->independent; });
}

// Nothing has come for this lane in three segments: the publisher that returned has no such track
// any more, and a player would wait for it in vain. What has ended is listed with all it had.
bool has_stopped(const segments::View& v, const Window& w) {
  constexpr uint64_t kLate = 3;
  return !v.ended && std::ranges::any_of(v.lanes, [&](const WindowPtr& other) {
    return newest(*other).msn >= newest(w).msn + kLate;
  });
}

bool is_listed(const segments::View& v, const Window& w) {
  return !w.empty() && !has_stopped(v, w);
}

// A publisher may say anything; what is no language tag (RFC 5646) is no language.
std::string language_of(const Track& track) {
  const bool sane = std::ranges::all_of(track.language, [](char c) {
    return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  return sane ? track.language : std::string();
}

// One lane of sound.
struct Sound {
  WindowPtr lane;
  StreamKey key;
  Track track;
  std::string name;
};

struct Group {
  std::string id;
  std::vector<Sound> members;
};

// "en", "Audio 2", and never one name twice in a group.
void name_members(Group& group) {
  for (size_t i = 0; i < group.members.size(); ++i) {
    Sound& sound = group.members[i];
    const std::string& language = sound.track.language;
    sound.name = language.empty() ? fmt::format("Audio {}", i + 1) : language;
    for (size_t j = 0; j < i; ++j)
      if (group.members[j].name == sound.name) sound.name = fmt::format("{} {}", language, i + 1);
  }
}

// 4.4.6.1.1: all groups must have the same members. Where codecs differ in that, they are one
// group.
bool same_members(const std::vector<Group>& groups) {
  return std::ranges::all_of(groups, [&](const Group& g) {
    return std::ranges::equal(g.members, groups.front().members, {}, &Sound::name, &Sound::name);
  });
}

std::string group_id(std::string_view what, const Member& m, const StreamKey& at) {
  std::string id(what);
  if (m.key.name != at.name) id += m.key.name.substr(std::min(at.name.size(), m.key.name.size()));
  if (!m.key.rendition.empty()) id += "@" + m.key.rendition;
  std::erase(id, '"');
  return id;
}

std::vector<Group> groups_of(const Member& m, const StreamKey& at) {
  std::vector<Group> groups;
  Group all{group_id("audio", m, at), {}};
  for (const auto& lane : m.view->lanes) {
    const auto tracks = tracks_of(*lane);
    if (!is_listed(*m.view, *lane) || tracks.empty() || !tracks.front().audio()) continue;
    const std::string id = group_id(to_string(tracks.front().codec), m, at);
    auto it = std::ranges::find(groups, id, &Group::id);
    if (it == groups.end()) it = groups.insert(groups.end(), {id, {}});
    Track track = tracks.front();
    track.language = language_of(track);
    it->members.push_back({lane, m.key, std::move(track), {}});
    all.members.push_back(it->members.back());
  }
  for (auto& group : groups) name_members(group);
  if (groups.empty() || same_members(groups)) return groups;
  name_members(all);
  return {std::move(all)};
}

class Writer {
 public:
  Writer(const StreamKey& at, std::string_view query) : at_(at), query_(query) {}

  void member(const Member& m, const std::vector<Group>& own, const std::vector<Group>& borrowed) {
    bool picture = false;
    for (const auto& lane : m.view->lanes) {
      const auto tracks = tracks_of(*lane);
      if (!is_listed(*m.view, *lane) || !first_video(tracks)) continue;
      picture = true;
      const auto& sound = own.empty() ? borrowed : own;
      if (sound.empty()) variant(m, *lane, tracks, nullptr);
      for (const auto& group : sound) variant(m, *lane, tracks, &group);
    }
    if (picture) return;
    for (const auto& group : own) {
      const Sound& first = group.members.front();
      variant(m, *first.lane, {first.track},
              own.size() + group.members.size() > 2 ? &group : nullptr);
    }
  }

  void variant(const Member& m, const Window& lane, const std::vector<Track>& tracks,
               const Group* group) {
    std::string codecs;
    add_codecs(codecs, tracks);
    uint64_t peak = announced_rate(lane), average = lane.average_rate;
    if (group) {
      uint64_t sound_peak = 0, sound_average = 0;
      for (const auto& sound : group->members) {
        add_codecs(codecs, {sound.track});
        if (sound.lane.get() == &lane) continue;  // it is the variant
        sound_peak = std::max(sound_peak, announced_rate(*sound.lane));
        sound_average = std::max(sound_average, sound.lane->average_rate);
      }
      // A variant of sound alone plays one lane or the other.
      peak = first_video(tracks) ? peak + sound_peak : std::max(peak, sound_peak);
      average = first_video(tracks) ? average + sound_average : std::max(average, sound_average);
      use(*group);
    }
    std::vector<Attribute> attributes{{"BANDWIDTH", std::to_string(peak)}};
    if (average > 0)
      attributes.push_back({"AVERAGE-BANDWIDTH", std::to_string(std::min(average, peak))});
    if (!codecs.empty()) attributes.push_back({"CODECS", "\"" + codecs + "\""});
    add_picture(attributes, lane, tracks);
    if (m.rule) override_with(attributes, m.rule->attributes);
    if (group) override_with(attributes, {{"AUDIO", "\"" + group->id + "\""}});
    independent_ = independent_ && all_independent(lane);
    write(attributes, playlist_uri(at_, m.key, lane.id, query_));
  }

  std::string take() {
    if (variants_.empty()) return {};
    std::string out = "#EXTM3U\n#EXT-X-VERSION:9\n";
    if (independent_) out += "#EXT-X-INDEPENDENT-SEGMENTS\n";
    return out + media_ + variants_;
  }

  // EXT-X-VERSION of a list of transport streams is lower.
  std::string take_plain() {
    if (variants_.empty()) return {};
    return "#EXTM3U\n#EXT-X-VERSION:3\n" + variants_;
  }

 private:
  static void add_picture(std::vector<Attribute>& attributes, const Window& lane,
                          const std::vector<Track>& tracks) {
    const Track* track = first_video(tracks);
    if (!track) return;
    const VideoParams& video = *track->video();
    if (video.width > 0 && video.height > 0)
      attributes.push_back({"RESOLUTION", fmt::format("{}x{}", video.width, video.height)});
    const double rate = video.frame_rate > 0 ? video.frame_rate : lane.frame_rate;
    if (rate > 0) attributes.push_back({"FRAME-RATE", fmt::format("{:.3f}", rate)});
  }

  static void override_with(std::vector<Attribute>& attributes, const std::vector<Attribute>& by) {
    for (const auto& a : by) {
      const auto it = std::ranges::find(attributes, a.name, &Attribute::name);
      if (it == attributes.end())
        attributes.push_back(a);
      else
        it->value = a.value;
    }
    // An average above a peak that was set is no average of that.
    const auto has = [&](std::string_view n) {
      return std::ranges::find(by, n, &Attribute::name) != by.end();
    };
    if (has("BANDWIDTH") && !has("AVERAGE-BANDWIDTH"))
      std::erase_if(attributes, [](const auto& a) { return a.name == "AVERAGE-BANDWIDTH"; });
  }

  void write(const std::vector<Attribute>& attributes, const std::string& uri) {
    variants_ += "#EXT-X-STREAM-INF:";
    for (const auto& a : attributes) {
      if (&a != &attributes.front()) variants_ += ',';
      variants_ += a.name + '=' + a.value;
    }
    variants_ += '\n' + uri + '\n';
  }

  void use(const Group& group) {
    if (std::ranges::find(used_, group.id) != used_.end()) return;
    used_.push_back(group.id);
    std::vector<std::string> languages;
    for (const auto& sound : group.members) {
      const bool first = &sound == &group.members.front();
      const bool fresh = std::ranges::find(languages, sound.track.language) == languages.end();
      languages.push_back(sound.track.language);
      independent_ = independent_ && all_independent(*sound.lane);
      auto to = std::back_inserter(media_);
      fmt::format_to(to, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{}\",NAME=\"{}\"", group.id,
                     sound.name);
      if (!sound.track.language.empty())
        fmt::format_to(to, ",LANGUAGE=\"{}\"", sound.track.language);
      // Players choose by language: AUTOSELECT must not leave them two of one.
      fmt::format_to(to, ",DEFAULT={},AUTOSELECT={}", first ? "YES" : "NO", fresh ? "YES" : "NO");
      const AudioParams* params = sound.track.audio();
      if (params && params->channels > 0) fmt::format_to(to, ",CHANNELS=\"{}\"", params->channels);
      fmt::format_to(to, ",URI=\"{}\"\n", playlist_uri(at_, sound.key, sound.lane->id, query_));
    }
  }

  const StreamKey& at_;
  std::string_view query_;
  std::string media_, variants_;
  std::vector<std::string> used_;
  bool independent_ = true;
};

}  // namespace

uint64_t announced_rate(const Window& w) {
  // So far nothing but the beginning of a segment may be known: a keyframe, or black.
  constexpr size_t kEnough = 3;
  constexpr uint64_t kUnknown = 1'000'000;
  if (w.segments->size() >= kEnough) return w.peak_rate + w.peak_rate / 5;
  return w.peak_rate > 0 ? 2 * w.peak_rate : kUnknown;
}

std::string multivariant_playlist(const StreamKey& at, const std::vector<Member>& members,
                                  Format format, std::string_view query) {
  Writer out(at, query);
  if (format == Format::ts) {
    for (const auto& m : members)
      if (m.view && m.view->ts && !m.view->ts->segments->empty())
        out.variant(m, *m.view->ts, tracks_of(*m.view->ts), nullptr);
    return out.take_plain();
  }
  std::vector<Group> source;  // the sound of a stream, for its renditions without
  std::string source_name;
  for (const auto& m : members) {
    if (!m.view) continue;
    const auto own = groups_of(m, at);
    if (m.key.name != source_name || source.empty()) source = own;
    source_name = m.key.name;
    out.member(m, own, source);
  }
  return out.take();
}

}  // namespace weir::hls
