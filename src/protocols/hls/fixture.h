// Weir live-streaming server. MIT licence, see LICENSE.

// For tests only: a stream of parts and segments made with the real store, and a reader of media
// playlists that is strict about what it expects and merges deltas as players do.
#pragma once

#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "containers/mpegts/fixture.h"
#include "segments/store.h"

namespace weir::hls::fixture {

inline constexpr WallTime kEpoch{std::chrono::seconds{1'795'000'000} + 123ms};

inline segments::Store::Options store_options(Time rewind = std::chrono::minutes{10}) {
  segments::Store::Options o;
  o.rewind = rewind;
  o.memory = rewind;
  o.first_number = 59'000'000;
  o.first_discontinuity = 7;
  o.token = "k3v9x2a";
  return o;
}

// Lanes v1 and, when asked, a1 with parts of its own length.
struct Lanes {
  explicit Lanes(segments::Store::Options o = store_options(), bool with_sound = false)
      : store(std::move(o)), sound(with_sound) {
    auto first = std::make_shared<StreamInfo>();
    first->epoch = kEpoch;
    first->tracks = {mpegts::fixture::h264_track(), mpegts::fixture::aac_track()};
    store.info(first);
    store.init("v1", first->tracks[0], Bytes::copy("video header"));
    if (sound) store.init("a1", first->tracks[1], Bytes::copy("audio header"));
    store.set_target_duration(2s);
    store.set_part_target("v1", 200ms);
    if (sound) store.set_part_target("a1", kSoundPart);
  }

  // Ends the segment, if there is one, and begins the next; nothing when that has just happened.
  void begin(bool discontinuity = false, bool independent = true) {
    if (begun && begun_at == at) return;
    if (begun) store.close("v1", at);
    const segments::Cut cut{ordinal++, at, discontinuity, independent};
    store.open("v1", cut, at);
    if (sound) {
      if (begun) store.close("a1", heard);
      store.open("a1", cut, heard);
    }
    begun = true;
    begun_at = at;
  }
  void part(Time duration = 200ms, bool independent = false, size_t bytes = 5000) {
    const auto data = [&](size_t n) { return Bytes::take(std::vector<uint8_t>(n, 'x')); };
    store.part("v1", {data(bytes), at, duration, independent, 5});
    at += duration;
    for (; sound && heard + kSoundPart <= at; heard += kSoundPart)
      store.part("a1", {data(2400), heard, kSoundPart, true, 9});
  }
  void segment(Time duration = 2s, bool discontinuity = false) {
    begin(discontinuity);
    for (Time left = duration; left > 0ns; left -= 200ms)
      part(std::min<Time>(left, 200ms), left == duration);
  }
  void finish() {
    store.close("v1", at);
    if (sound) store.close("a1", heard);
    store.end();
  }

  segments::WindowPtr lane(std::string_view id) {
    for (const auto& w : store.lanes())
      if (w->id == id) return w;
    return nullptr;
  }
  segments::WindowPtr v1() { return lane("v1"); }
  segments::WindowPtr a1() { return lane("a1"); }

  // Nine frames of AAC at 44.1 kHz: no whole number of anything.
  static constexpr Time kSoundPart{208'979'591};

  segments::Store store;
  bool sound, begun = false;
  uint64_t ordinal = 0;
  Time at{}, begun_at{}, heard{};
};

struct ReadPart {
  std::string uri;
  int64_t us = 0;
  bool independent = false;
  bool operator==(const ReadPart&) const = default;
};

struct ReadSegment {
  uint64_t number = 0;
  std::string uri, map, date;
  int64_t us = 0;
  bool gap = false, discontinuity = false;
  std::vector<ReadPart> parts;
  bool operator==(const ReadSegment&) const = default;
};

struct ReadPlaylist {
  std::map<std::string, std::string> head;  // tags that appear once, by name
  uint64_t first = 0, skipped = 0;
  std::vector<ReadSegment> segments;
  ReadSegment open;  // what follows the last URI
  std::string hint;
  std::map<std::string, std::string> reports;  // by URI: the other attributes
  bool ended = false;

  uint64_t last() const { return first + skipped + segments.size() - 1; }
};

inline std::string attribute(const std::string& list, const std::string& name) {
  const std::string text = "," + list;
  const size_t at = text.find("," + name + "=");
  if (at == std::string::npos) return {};
  const size_t from = at + name.size() + 2;
  if (text[from] == '"') return text.substr(from + 1, text.find('"', from + 1) - from - 1);
  return text.substr(from, text.find(',', from) - from);
}

// "2.000000"
inline int64_t microseconds_of(const std::string& seconds) {
  const size_t dot = seconds.find('.');
  EXPECT_EQ(seconds.size() - dot, 7u) << seconds;
  return std::stoll(seconds.substr(0, dot)) * 1'000'000 + std::stoll(seconds.substr(dot + 1));
}

inline void read_line(ReadPlaylist& p, const std::string& line, ReadSegment& now) {
  const size_t colon = std::min(line.find(':'), line.size());
  const std::string tag = line.substr(0, colon);
  const std::string value = colon < line.size() ? line.substr(colon + 1) : "";
  if (tag == "#EXT-X-MAP") {
    now.map = attribute(value, "URI");
  } else if (tag == "#EXT-X-DISCONTINUITY") {
    now.discontinuity = true;
  } else if (tag == "#EXT-X-GAP") {
    now.gap = true;
  } else if (tag == "#EXT-X-PROGRAM-DATE-TIME") {
    now.date = value;
  } else if (tag == "#EXT-X-PART") {
    now.parts.push_back({attribute(value, "URI"), microseconds_of(attribute(value, "DURATION")),
                         attribute(value, "INDEPENDENT") == "YES"});
  } else if (tag == "#EXTINF") {
    now.us = microseconds_of(value.substr(0, value.size() - 1));
  } else if (tag == "#EXT-X-PRELOAD-HINT") {
    EXPECT_EQ(attribute(value, "TYPE"), "PART");
    EXPECT_TRUE(p.hint.empty()) << "two hints";
    p.hint = attribute(value, "URI");
  } else if (tag == "#EXT-X-RENDITION-REPORT") {
    p.reports[attribute(value, "URI")] = value;
  } else if (tag == "#EXT-X-SKIP") {
    p.skipped = std::stoull(attribute(value, "SKIPPED-SEGMENTS"));
  } else if (tag == "#EXT-X-ENDLIST") {
    p.ended = true;
  } else if (line.starts_with("#")) {
    EXPECT_TRUE(p.head.emplace(tag, value).second) << "twice: " << line;
  } else {
    now.uri = line;
    p.segments.push_back(std::move(now));
    now = {};
  }
}

inline ReadPlaylist read(const std::string& text) {
  ReadPlaylist p;
  ReadSegment now;
  EXPECT_TRUE(text.starts_with("#EXTM3U\n")) << text;
  EXPECT_TRUE(text.ends_with("\n"));
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    read_line(p, text.substr(at, end - at), now);
    at = end + 1;
  }
  p.open = std::move(now);
  p.first = std::stoull(p.head["#EXT-X-MEDIA-SEQUENCE"]);
  for (size_t i = 0; i < p.segments.size(); ++i) p.segments[i].number = p.first + p.skipped + i;
  return p;
}

// What a player knows that had `before` and got this delta.
inline ReadPlaylist merge(const ReadPlaylist& before, ReadPlaylist delta) {
  std::vector<ReadSegment> all;
  for (uint64_t n = delta.first; n < delta.first + delta.skipped; ++n) {
    EXPECT_GE(n, before.first) << "skipped what the player never had";
    if (n < before.first || n > before.last()) continue;
    all.push_back(before.segments[n - before.first]);
    all.back().parts.clear();
  }
  EXPECT_EQ(all.size(), delta.skipped);
  all.insert(all.end(), delta.segments.begin(), delta.segments.end());
  delta.segments = std::move(all);
  delta.skipped = 0;
  return delta;
}

}  // namespace weir::hls::fixture
