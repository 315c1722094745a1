// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/boundaries.h"

#include <algorithm>

namespace weir::segments {
namespace {

// RFC 8216 4.3.3.1: EXTINF rounded to the nearest second is at most the target duration. Segments
// may be this much longer; the rest up to half a second is for clocks that are not exact.
constexpr Time kOver = 400ms;
constexpr Time kMargin = 300ms;
constexpr Time kLongestSound = 120ms;  // no codec has longer frames; a longer step is a hole

Time whole_seconds_up(Time t) { return std::chrono::ceil<std::chrono::seconds>(t); }

bool same_track(const Track& x, const Track& y) {
  if (x.id != y.id || x.codec != y.codec || x.config != y.config) return false;
  const auto *ax = x.audio(), *ay = y.audio();
  if (ax && ay) return *ax == *ay;
  const auto *vx = x.video(), *vy = y.video();
  // Codecs without a configuration tell their size in the first keyframe: that is no change.
  return !vx || !vy || vx->width == 0 || vy->width == 0 ||
         (vx->width == vy->width && vx->height == vy->height);
}

std::vector<const Track*> media_of(const StreamInfo& info) {
  std::vector<const Track*> tracks;
  for (const auto& t : info.tracks)
    if (t.kind() != Kind::data) tracks.push_back(&t);
  return tracks;
}

}  // namespace

bool same_media(const StreamInfo& a, const StreamInfo& b) {
  const auto x = media_of(a), y = media_of(b);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](const Track* p, const Track* q) { return same_track(*p, *q); });
}

Boundaries::Boundaries(Options options) : options_(options) {}

bool Boundaries::info(const StreamInfoPtr& info) {
  if (!info) return false;
  const bool changed =
      info_ && (info->incarnation != info_->incarnation || !same_media(*info_, *info));
  const bool first = !info_;
  info_ = info;
  if (!changed && !first) return false;
  const Track* main = info->main_video();
  main_video_ = main ? std::optional(main->id) : std::nullopt;
  if (open_) longest_ = std::max(longest_, std::min(end_ - last_->start, options_.longest));
  discontinuity_ = last_.has_value();
  open_ = false;
  clock_.reset();
  early_sound_.reset();
  last_picture_.reset();
  last_sound_.reset();
  last_other_.reset();
  last_keyframe_.reset();
  gop_ = Time{};
  pace_ = Pace();
  return changed;
}

std::optional<Cut> Boundaries::packet(const Packet& p) {
  const Track* track = info_ ? info_->find(p.track) : nullptr;
  if (!track || track->kind() == Kind::data) return {};
  bytes_ += p.payload.size();
  if (track->kind() == Kind::audio) return sound(p);
  return p.track == main_video_ ? picture(p) : other_picture(p);
}

// The main picture is not shown any more, or never was.
bool Boundaries::is_gone(Time at) const {
  return !last_picture_ || at - *last_picture_ > kPictureGone;
}

// Where a cut is that cannot wait for the main picture: what is ahead of that waits in the lanes.
Time Boundaries::cut_by_other(Time at) const {
  return std::max(last_->start, is_gone(at) ? at : std::min(at, *last_picture_));
}

// Other cameras follow the main one; they cut in its place while it is gone.
std::optional<Cut> Boundaries::other_picture(const Packet& p) {
  if (!open_) return {};
  keyframe_ = false;
  const Time at = p.keyframe ? p.pts : p.dts;
  const Time step = std::clamp(at - last_other_.value_or(at), Time{}, kHole);
  last_other_ = at;
  const Time wanted = options_.duration - options_.duration / 20;
  const bool late = p.keyframe ? at - last_->start >= wanted : at + step > due();
  if (bytes_ > options_.max_bytes || (late && is_gone(at)))
    return cut(cut_by_other(at), By::other, Hole::no);
  return {};
}

std::optional<Cut> Boundaries::picture(const Packet& p) {
  if (!last_keyframe_ && !p.keyframe) return {};
  keyframe_ = p.keyframe;
  const Time at = clock_.take(p);
  const bool lost = p.keyframe && pace_.step() > 0ns && at - end_ > kHole;
  if (last_picture_ && !lost) pace_.add(at - *last_picture_);
  if (p.keyframe && last_keyframe_ && !lost) {
    gop_ = at - *last_keyframe_;
    longest_ = std::max(longest_, std::min(gop_, options_.longest));
  }
  std::optional<Cut> made;
  if (!open_)
    made = cut(std::min(at, early_sound_.value_or(at)), By::picture, Hole::no);
  else if (lost || is_cut(at))
    made = cut(at, By::picture, lost ? Hole::yes : Hole::no);
  last_picture_ = at;
  if (p.keyframe) last_keyframe_ = at;
  end_ = at + (p.duration > 0ns ? p.duration : pace_.step());
  ++pictures_;
  return made;
}

std::optional<Cut> Boundaries::sound(const Packet& p) {
  const Time at = p.pts;
  const Time step = last_sound_ ? std::clamp(at - *last_sound_, Time{}, kLongestSound) : Time{};
  const bool lost = !main_video_ && last_sound_ && at - end_ > kHole;
  last_sound_ = std::max(last_sound_.value_or(at), at);
  keyframe_ = false;
  std::optional<Cut> made;
  if (!open_) {
    if (!early_sound_) early_sound_ = at;
    if (!main_video_ || at - *early_sound_ >= options_.duration)
      made = cut(*early_sound_, By::other, Hole::no);
  } else if (bytes_ > options_.max_bytes) {
    made = cut(cut_by_other(at), By::other, Hole::no);
  } else if (pictures_ == 0) {
    if (lost || sound_cuts(at, step)) made = cut(at, By::other, lost ? Hole::yes : Hole::no);
  } else {
    // The picture stands still and cannot cut. While it is only behind, its own frames will; what
    // is ahead of the cut waits in the lanes (kSoundLead), so the cut may lie in the past.
    if (at + step > due() + (is_gone(at) ? 0ms : kSoundLead - 50ms))
      made = cut(std::min(at, std::max(due(), *last_picture_)), By::other, Hole::no);
  }
  if (!main_video_ && !lost) pace_.add(step);
  if (pictures_ == 0) end_ = std::max(end_, at + (p.duration > 0ns ? p.duration : step));
  return made;
}

// An audio stream, or a camera that is switched off.
bool Boundaries::sound_cuts(Time at, Time step) const {
  if (options_.slicing == Slicing::aligned) return cell(at) != cell(last_->start);
  return at + step / 2 - last_->start >= options_.duration;  // the frame that is nearest
}

int64_t Boundaries::cell(Time t) const {
  // Millisecond clocks: a keyframe a little early is in the cell it was meant for.
  return (t + options_.duration / 20) / options_.duration;
}

bool Boundaries::keyframe_cuts(Time at) const {
  const Time elapsed = at - last_->start;
  // Inside a group of pictures, or while there was none: each group has a segment that starts with
  // it, so that players can begin.
  if ((!last_->independent || last_by_ == By::other) && elapsed > 0ns && main_video_) return true;
  if (options_.slicing == Slicing::aligned) return cell(at) != cell(last_->start);
  // Uneven frame rates: a keyframe a little early is not worth doubling the segment's length for.
  if (elapsed >= options_.duration - options_.duration / 20) return true;
  // The next keyframe would come too late for what was promised: a shorter segment is better than a
  // cut inside the group.
  return elapsed >= options_.duration / 2 && elapsed + gop_ > limit();
}

bool Boundaries::is_cut(Time at) const {
  if (keyframe_ && keyframe_cuts(at)) return true;
  return at + pace_.step() > due() || bytes_ > options_.max_bytes;
}

Cut Boundaries::cut(Time start, By by, Hole hole) {
  Cut made;
  made.ordinal = last_ ? last_->ordinal + 1 : 0;
  made.start = start;
  made.discontinuity = discontinuity_ || hole == Hole::yes;
  made.independent = by == By::picture ? keyframe_ : !last_keyframe_;
  if (open_) {
    made.latest_end = due();
    const Time end = hole == Hole::yes ? std::min(end_, start) : start;
    longest_ = std::max(longest_, std::min(end - last_->start, options_.longest));
  }
  last_ = made;
  open_ = true;
  discontinuity_ = false;
  last_by_ = by;
  pictures_ = 0;
  bytes_ = 0;
  return made;
}

Time Boundaries::limit() const {
  return target_duration_ > 0ns ? target_duration_ + kOver : options_.longest;
}

void Boundaries::promise() {
  if (target_duration_ > 0ns) return;
  Time target = std::max(whole_seconds_up(options_.duration), Time{1s});
  target = std::max(target, whole_seconds_up(longest_ - kMargin));
  // A group of pictures longer than any before, in the making: nobody knows how long it gets.
  const Time age = open_ ? end_ - last_->start : Time{};
  if (age > options_.duration + kMargin && age > longest_)
    target = std::max(target, whole_seconds_up(2 * age));
  target_duration_ = target;
}

}  // namespace weir::segments
