// Weir live-streaming server. MIT licence, see LICENSE.

// For tests of the store only: made-up media for its lanes, and what its windows say in few words.
// Leaves out streams that come through a hub (fixture.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "segments/store.h"

namespace weir::segments {

inline constexpr WallTime kEpoch{std::chrono::seconds{1'795'000'000}};

// Made-up media: segment `ordinal` of a lane is from ordinal * length on, in two parts.
class Feed {
 public:
  explicit Feed(Store::Options options, Time length = 2s) : store(options), length_(length) {
    StreamInfo info;
    info.epoch = kEpoch;
    store.info(std::make_shared<const StreamInfo>(std::move(info)));
  }

  void init(const std::string& lane, std::string_view header) {
    Track track;
    track.codec = lane[0] == 'v' ? Codec::h264 : Codec::aac;
    store.init(lane, track, Bytes::copy(header));
  }
  void open(const std::string& lane, uint64_t ordinal, bool discontinuity = false) {
    store.open(lane, {ordinal, at(ordinal), discontinuity, true}, at(ordinal));
  }
  void part(const std::string& lane, uint64_t ordinal, size_t index, size_t bytes = 500) {
    const std::vector<uint8_t> data(bytes, static_cast<uint8_t>(ordinal * 2 + index));
    const Time half = length_ / 2;
    store.part(lane, {Bytes::copy(data), at(ordinal) + half * static_cast<int>(index), half,
                      index == 0, static_cast<uint32_t>(half / 40ms)});
  }
  void close(const std::string& lane, uint64_t ordinal) { store.close(lane, at(ordinal + 1)); }

  void segment(const std::string& lane, uint64_t ordinal, size_t bytes = 1000,
               bool discontinuity = false) {
    open(lane, ordinal, discontinuity);
    part(lane, ordinal, 0, bytes / 2);
    part(lane, ordinal, 1, bytes - bytes / 2);
    close(lane, ordinal);
  }
  // [from, to) of every lane.
  void run(const std::vector<std::string>& lanes, uint64_t from, uint64_t to, size_t bytes = 1000) {
    for (uint64_t i = from; i < to; ++i)
      for (const auto& lane : lanes) lane == "ts" ? ts(i, bytes) : segment(lane, i, bytes);
  }
  void ts(uint64_t ordinal, size_t bytes = 1000, bool discontinuity = false) {
    MadeTs made;
    made.cut = {ordinal, at(ordinal), discontinuity, true};
    made.end = at(ordinal + 1);
    made.data = Bytes::take(std::vector<uint8_t>(bytes, 0x47));
    made.pictures = static_cast<uint32_t>(length_ / 40ms);
    store.add(std::move(made));
  }
  Time at(uint64_t ordinal) const { return length_ * static_cast<int64_t>(ordinal); }

  WindowPtr window(const std::string& lane) {
    if (lane == "ts") return store.ts();
    for (const auto& w : store.lanes())
      if (w->id == lane) return w;
    return nullptr;
  }
  std::vector<std::string> ids() {
    std::vector<std::string> ids;
    for (const auto& w : store.lanes()) ids.push_back(w->id);
    return ids;
  }
  // Answers every spill; how many.
  size_t to_disk() {
    const auto all = store.take_spills();
    for (const auto& s : all)
      store.spilled(s.lane, s.segment->number, "/rewind/" + s.segment->name);
    return all.size();
  }

  Store store;

 private:
  Time length_;
};

inline std::vector<uint64_t> listed(const WindowPtr& w) {
  std::vector<uint64_t> n;
  for (size_t i = w->first_listed; i < w->segments->size(); ++i)
    n.push_back((*w->segments)[i]->number);
  return n;
}

inline std::vector<uint64_t> gaps(const WindowPtr& w) {
  std::vector<uint64_t> n;
  for (const auto& s : *w->segments)
    if (s->gap) n.push_back(s->number);
  return n;
}

inline uint64_t oldest(const WindowPtr& w) { return w->segments->front()->number; }
inline uint64_t newest(const WindowPtr& w) { return w->segments->back()->number; }

inline bool without_holes(const WindowPtr& w) {
  for (size_t i = 0; i < w->segments->size(); ++i)
    if ((*w->segments)[i]->number != oldest(w) + i) return false;
  return true;
}

}  // namespace weir::segments
