// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/store.h"

#include <algorithm>
#include <utility>

namespace weir::segments {
namespace {

// 2025-01-01T00:00:00Z: counting from here keeps numbers below 2^31 for decades, which some players
// need.
constexpr WallTime kEpoch{std::chrono::seconds{1'735'689'600}};

Time since_epoch(WallTime now) { return std::max(now - kEpoch, Time{0}); }

}  // namespace

uint64_t first_number(WallTime now, Time target) {
  return static_cast<uint64_t>(since_epoch(now) * 2 / std::max(target, Time{100ms}));
}

uint64_t first_discontinuity(WallTime now) {
  return static_cast<uint64_t>(since_epoch(now) / std::chrono::seconds{10});
}

std::string name_token(WallTime now) {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  auto ms = static_cast<uint64_t>(since_epoch(now) / 1ms);
  std::string s;
  do {
    s.insert(s.begin(), kDigits[ms % 36]);
    ms /= 36;
  } while (ms != 0);
  return s;
}

SegmentPtr Window::find(std::string_view name) const {
  // Newest first: that is what nearly everybody asks for.
  for (auto it = listed.rbegin(); it != listed.rend(); ++it)
    if ((*it)->name == name) return *it;
  for (auto it = lingering.rbegin(); it != lingering.rend(); ++it)
    if ((*it)->name == name) return *it;
  return nullptr;
}

SegmentStore::SegmentStore(Options options)
    : options_(std::move(options)),
      next_number_(options_.first_number),
      discontinuity_sequence_(options_.first_discontinuity) {
  rebuild();
}

SegmentPtr SegmentStore::add(MadeSegment made, Time target_duration) {
  target_duration_ = target_duration;
  auto segment = std::make_shared<Segment>();
  static_cast<MadeSegment&>(*segment) = std::move(made);
  segment->number = next_number_++;
  segment->name = options_.token + "-" + std::to_string(segment->number) + options_.extension;
  bytes_ += segment->data.size();
  listed_time_ += segment->duration;
  listed_.push_back(segment);
  measure();
  trim();
  rebuild();
  return segment;
}

void SegmentStore::end() {
  ended_ = true;
  rebuild();
}

std::vector<SegmentPtr> SegmentStore::take_expired() { return std::exchange(expired_, {}); }

// RFC 8216 4.3.4.2: the peak is the largest rate of any run of segments that lasts between half and
// one and a half target durations.
void SegmentStore::measure() {
  uint64_t bytes = 0;
  Time time{};
  for (auto it = listed_.rbegin(); it != listed_.rend(); ++it) {
    bytes += (*it)->data.size();
    time += (*it)->duration;
    if (time * 2 > target_duration_ * 3) break;
    if (time * 2 >= target_duration_) peak_rate_ = std::max(peak_rate_, bit_rate(bytes, time));
  }
}

void SegmentStore::trim() {
  // RFC 8216 6.2.2: a live playlist is never shorter than three target durations.
  const Time keep = std::max(options_.window, 3 * target_duration_);
  while (listed_.size() > 1 && listed_time_ - listed_.front()->duration >= keep) unlist_front();
  // The same clause: available for its own duration and that of the longest playlist that named it.
  while (!lingering_.empty()) {
    const Time first = lingering_.front()->duration;
    if (lingering_time_ - first < listed_time_ + first) break;
    expire_front();
  }
  const auto over = [this] {
    return bytes_ > options_.max_bytes ||
           listed_.size() + lingering_.size() > options_.max_segments;
  };
  while (over() && !lingering_.empty()) expire_front();
  while (over() && listed_.size() > 1) {
    unlist_front();
    expire_front();
  }
}

void SegmentStore::unlist_front() {
  const SegmentPtr s = listed_.front();
  listed_.pop_front();
  listed_time_ -= s->duration;
  // RFC 8216 6.2.1: counts the discontinuity tags that have left the playlist.
  if (s->discontinuity) ++discontinuity_sequence_;
  lingering_.push_back(s);
  lingering_time_ += s->duration;
}

void SegmentStore::expire_front() {
  const SegmentPtr s = lingering_.front();
  lingering_.pop_front();
  lingering_time_ -= s->duration;
  bytes_ -= s->data.size();
  expired_.push_back(s);
}

void SegmentStore::rebuild() {
  auto w = std::make_shared<Window>();
  w->listed.assign(listed_.begin(), listed_.end());
  w->lingering.assign(lingering_.begin(), lingering_.end());
  w->discontinuity_sequence = discontinuity_sequence_;
  w->target_duration = target_duration_;
  uint64_t bytes = 0, pictures = 0;
  for (const auto& s : listed_) {
    bytes += s->data.size();
    pictures += s->pictures;
  }
  w->average_rate = bit_rate(bytes, listed_time_);
  w->peak_rate = std::max(peak_rate_, w->average_rate);
  if (listed_time_ > 0ns)
    w->picture_rate =
        static_cast<double>(pictures) * 1e9 / static_cast<double>(listed_time_.count());
  w->ended = ended_;
  window_ = std::move(w);
}

}  // namespace weir::segments
