// Weir live-streaming server. MIT licence, see LICENSE.

// For tests only: a stream's views made by hand, segment by segment, so that plans and texts can be
// compared exactly. Times are of the stream; its first incarnation begins at kEpoch.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "containers/mpegts/fixture.h"
#include "protocols/dash/periods.h"

namespace weir::dash::testing {

inline constexpr WallTime kEpoch{std::chrono::seconds{1'750'000'000}};  // 2025-06-15T15:06:40Z

class FakeStream {
 public:
  explicit FakeStream(StreamKey key = {"live", "s", {}}, std::string token = "tok",
                      uint64_t first = 100)
      : key_(std::move(key)), token_(std::move(token)), number_(first) {}

  // From the next segment on; another track of that id has another header.
  void lane(const std::string& id, const Track& track) {
    Lane& l = lanes_[id];
    const uint64_t name = inits_++;
    l.init = std::make_shared<segments::Init>(
        segments::Init{segments::init_name(token_, id, name), name, track, nullptr});
    l.live = true;
  }
  void drop(const std::string& id) { lanes_[id].live = false; }
  // The publisher was away: the stream's time stands still, the wall clock does not.
  void away(Time time) {
    shift_ += time;
    discontinuity_ = true;
  }
  // Media lost or skipped by the encoder: both clocks go on.
  void skip(Time time) { now_ += time; }

  // The segment that follows begins, in all lanes that live.
  void open() {
    for (auto& [id, l] : lanes_) {
      if (!l.live) continue;
      segments::OpenSegment head;
      head.number = number_;
      head.name = segments::segment_name(token_, id, l.init->number, number_);
      head.start = now_;
      head.wall = kEpoch + now_ + shift_;
      head.discontinuity = discontinuity_;
      head.init = l.init;
      l.open = std::move(head);
    }
    discontinuity_ = false;
  }
  void open_only(const std::string& id) {
    std::map<std::string, Lane> others;
    for (auto& [other, l] : lanes_)
      if (other != id) others[other] = std::exchange(l, {});
    const bool discontinuity = discontinuity_;
    open();
    discontinuity_ = discontinuity;
    for (auto& [other, l] : others) lanes_[other] = std::move(l);
  }
  // It ends.
  void close(Time duration) {
    for (auto& [id, l] : lanes_) {
      if (!l.open) continue;
      auto s = std::make_shared<segments::Segment>();
      static_cast<segments::SegmentHead&>(*s) = *l.open;
      s->duration = duration;
      if (l.segments.empty()) l.first_number = s->number;
      l.segments.push_back(std::move(s));
      l.open.reset();
    }
    now_ += duration;
    ++number_;
    for (auto& [id, l] : lanes_)
      while (l.segments.size() > window_) l.segments.erase(l.segments.begin());
  }
  void segment(Time duration) {
    open();
    close(duration);
  }
  void segments(int count, Time duration) {
    for (int i = 0; i < count; ++i) segment(duration);
  }
  void make_gap(const std::string& id) {
    auto& last = lanes_[id].segments.back();
    auto gap = std::make_shared<segments::Segment>(*last);
    gap->gap = true;
    last = gap;
  }
  void end() { ended_ = true; }
  void rate(const std::string& id, uint64_t peak) { lanes_[id].peak = peak; }
  void window(size_t count) { window_ = count; }
  uint64_t number() const { return number_; }
  // The wall clock, as long as all comes in time.
  WallTime now() const { return kEpoch + now_ + shift_; }

  segments::ViewPtr view() const {
    auto v = std::make_shared<segments::View>();
    v->owner = 1;
    v->token = token_;
    v->first_epoch = kEpoch;
    v->ended = ended_;
    v->target_duration = 2s;
    auto info = std::make_shared<StreamInfo>();
    for (const char kind : {'v', 'a'})
      for (const auto& [id, l] : lanes_) {
        if (id.front() != kind) continue;
        if (l.live) info->tracks.push_back(l.init->track);
        if (l.segments.empty() && !l.open) continue;
        auto w = std::make_shared<segments::Window>();
        w->id = id;
        w->segments = std::make_shared<const std::vector<segments::SegmentPtr>>(l.segments);
        w->open = l.open;
        w->first_number = l.first_number;
        w->part_target = 200ms;
        w->peak_rate = l.peak;
        w->ended = ended_;
        v->lanes.push_back(std::move(w));
      }
    v->info = std::move(info);
    return v;
  }
  Sources sources() const { return {{key_, view()}}; }
  const StreamKey& key() const { return key_; }

 private:
  struct Lane {
    segments::InitPtr init;
    bool live = false;
    std::vector<segments::SegmentPtr> segments;
    std::optional<segments::OpenSegment> open;
    uint64_t first_number = 0, peak = 0;
  };
  StreamKey key_;
  std::string token_;
  std::map<std::string, Lane> lanes_;
  uint64_t number_, inits_ = 0;
  Time now_{}, shift_{};
  size_t window_ = 300;
  bool discontinuity_ = false, ended_ = false;
};

inline Track picture(int width = 1280, int height = 720, double rate = 25) {
  Track t = mpegts::fixture::h264_track();
  t.params = VideoParams{width, height, rate};
  return t;
}

inline Track sound(std::string language = {}) {
  Track t = mpegts::fixture::aac_track();
  t.language = std::move(language);
  return t;
}

// 1280x720 and stereo sound.
inline FakeStream picture_and_sound() {
  FakeStream s;
  s.lane("v1", picture());
  s.lane("a1", sound());
  s.rate("v1", 2'900'000);
  s.rate("a1", 130'000);
  return s;
}

}  // namespace weir::dash::testing
