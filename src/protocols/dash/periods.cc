// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/dash/periods.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>

#include "containers/mp4/writer.h"

namespace weir::dash {

using segments::SegmentHead;
using segments::SegmentPtr;
using segments::View;
using segments::ViewPtr;
using segments::Window;
using segments::WindowPtr;

namespace {

// A player that plays 1.5 s behind has about 1.3 s in its buffer when it asks for a segment at the
// time the grid gives: this part of a 2 s segment leaves it half a second.
constexpr int kTolerance = 40;  // percent of the nominal duration
// A stream that leaves its grid this often within so many segments is irregular. Two are what a
// change of the keyframe interval may cost.
constexpr size_t kDrifts = 3;
constexpr uint64_t kDriftSpan = 12;
// How many segments the nominal duration is the mean of: their times are often whole milliseconds.
constexpr int kMeasured = 10;
// A publisher's clock may put its return in front of what came before.
constexpr Time kShortest = 100ms;
// A frame of sound, or of a slow picture.
constexpr Time kAligned = 50ms;
// Less than a grid of 2 s needs to promise a segment that is not coming: that one would have to be
// begun and complete.
constexpr Time kSilence = 1700ms;

bool is_gap(const Window& w, uint64_t number) {
  const SegmentPtr* s = w.find(number);
  return s && (*s)->gap;
}

uint64_t newest(const Window& w) {
  if (w.open) return w.open->number;
  return w.segments->empty() ? 0 : w.segments->back()->number;
}

uint64_t newest(const View& v) {
  uint64_t number = 0;
  for (const auto& w : v.lanes) number = std::max(number, newest(*w));
  return number;
}

uint64_t first_listed(const View& v) {
  uint64_t number = newest(v);
  for (const auto& w : v.lanes)
    if (w->first_listed < w->segments->size())
      number = std::min(number, (*w->segments)[w->first_listed]->number);
  return number;
}

std::optional<uint64_t> newest_complete(const View& v) {
  std::optional<uint64_t> number;
  for (const auto& w : v.lanes)
    for (auto it = w->segments->rbegin(); it != w->segments->rend(); ++it)
      if (!(*it)->gap) {
        number = std::max(number.value_or(0), (*it)->number);
        break;
      }
  return number;
}

const SegmentHead* head_with_media(const Window& w, uint64_t number) {
  const SegmentHead* head = find_head(w, number);
  return head && head->init && !is_gap(w, number) ? head : nullptr;
}

// The rendition's segment that begins when that one of the source does: the newest that begins
// early enough. Where a publisher's return turned the clock back the search may miss it; then the
// rendition joins a segment later.
const SegmentHead* aligned_head(const Window& w, const SegmentHead& main, Time nominal) {
  const auto begun = [&](const SegmentHead& head) { return head.wall < main.wall + nominal / 2; };
  const SegmentHead* head = w.open && begun(*w.open) ? &*w.open : nullptr;
  if (!head) {
    const auto& all = *w.segments;
    const auto after = std::ranges::partition_point(
        all, [&](const SegmentPtr& segment) { return begun(*segment); });
    if (after != all.begin()) head = std::prev(after)->get();
  }
  if (!head || head->wall < main.wall - nominal / 2) return nullptr;
  return head_with_media(w, head->number);
}

// A measured rate is near what was meant: 29.96 is 30000/1001.
double nearest_rate(double rate) {
  for (const double whole : {24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 120.0})
    for (const double meant : {whole, whole * 1000 / 1001})
      if (std::abs(rate - meant) < meant * 0.0005) return meant;
  return std::round(rate) > 0 && std::abs(rate - std::round(rate)) < 0.01 * rate ? std::round(rate)
                                                                                 : rate;
}

// Two digits, upwards: changes seldom.
uint64_t round_up(uint64_t rate) {
  uint64_t unit = 1;
  while (rate / unit >= 100) unit *= 10;
  return (rate + unit - 1) / unit * unit;
}

uint64_t rate_of(const Window& w) {
  uint64_t bytes = 0;
  Time duration{};
  if (w.peak_rate > 0 || !w.open) return w.peak_rate;
  for (const auto& part : w.open->parts) {
    if (!part->content) continue;
    bytes += part->content->size();
    duration += part->duration;
  }
  return segments::bit_rate(bytes, duration);
}

WallTime newest_media(const View& v) {
  WallTime newest{};
  for (const auto& w : v.lanes) {
    if (!w->segments->empty())
      newest = std::max(newest, w->segments->back()->wall + w->segments->back()->duration);
    if (!w->open) continue;
    newest = std::max(newest, w->open->wall);
    if (w->open->parts.empty()) continue;
    const auto& part = *w->open->parts.back();
    newest = std::max(newest, w->open->wall + (part.start + part.duration - w->open->start));
  }
  return newest;
}

}  // namespace

Time lag_of(const View& v, WallTime now) { return now - newest_media(v); }

const SegmentHead* find_head(const Window& w, uint64_t number) {
  if (w.open && w.open->number == number) return &*w.open;
  const SegmentPtr* s = w.find(number);
  return s ? s->get() : nullptr;
}

struct Planner::Found {
  StreamKey stream;
  const View* view;
  const Window* window;
  const SegmentHead* head;
};

// The lanes that have media in this segment, the one that sets the pace first.
std::vector<Planner::Found> Planner::find_lanes(const Sources& sources, uint64_t number) const {
  std::vector<Found> found;
  const auto& [key, source] = sources.front();
  for (const auto& w : source->lanes)
    if (const auto* head = head_with_media(*w, number))
      found.push_back({key, source.get(), w.get(), head});
  if (found.empty() || found.front().head->init->track.kind() != Kind::video) return found;
  // Renditions go between the source's pictures and its sound.
  const SegmentHead& main = *found.front().head;
  std::vector<Found> renditions;
  for (size_t i = 1; i < sources.size(); ++i)
    for (const auto& w : sources[i].second->lanes) {
      const auto* head = aligned_head(*w, main, nominal());
      if (head && head->init->track.codec == main.init->track.codec)
        renditions.push_back({sources[i].first, sources[i].second.get(), w.get(), head});
    }
  const auto sound = std::ranges::find_if(
      found, [](const Found& f) { return f.head->init->track.kind() != Kind::video; });
  found.insert(sound, renditions.begin(), renditions.end());
  return found;
}

// Whether all that will be in this segment has begun: lanes are told one after the other, and a
// Period that was announced gets no further Representation. Who has none by the time the segment is
// complete is not waited for.
bool Planner::is_known(const Sources& sources, uint64_t number) const {
  const View& source = *sources.front().second;
  for (const auto& w : source.lanes)
    if (w->find(number)) return true;
  std::array<int, 2> count{};
  for (const Track& t : source.info ? source.info->tracks : std::vector<Track>{}) {
    if (t.kind() == Kind::data || !mp4::carries(t)) continue;
    const bool video = t.kind() == Kind::video;
    const int index = ++count[video ? 0 : 1];
    const WindowPtr w = source.lane((video ? "v" : "a") + std::to_string(index));
    if (!w || newest(*w) < number) return false;
  }
  const auto found = find_lanes(sources, number);
  return std::ranges::all_of(sources, [&](const auto& s) {
    return s.second->ended || s.second->lanes.empty() ||
           std::ranges::find(found, s.first, &Found::stream) != found.end();
  });
}

void Planner::update(const Sources& sources, WallTime now) {
  const View& source = *sources.front().second;
  if (source.lanes.empty()) return;
  const uint64_t listed = first_listed(source);
  forget(listed);
  next_ = std::max(next_, listed);
  for (; next_ <= newest(source); ++next_) {
    if (!periods_.empty() && !is_known(sources, next_)) break;
    look(sources, next_);
  }
  silent_ = listen(source, now);
  if (source.ended) finish(sources);
  // The segment in the making is the last then. It may go on later, but what follows it cannot be
  // where the grid has it. Periods of listed segments promise nothing.
  if (silent_ && !periods_.empty() && !periods_.back().last &&
      periods_.back().addressing == Addressing::number && newest(source) + 1 == next_)
    close(source, next_ - 1);
  follow_rates(sources);
}

void Planner::forget(uint64_t first_listed) {
  std::erase_if(periods_, [&](const Period& p) { return p.last && *p.last < first_listed; });
}

void Planner::look(const Sources& sources, uint64_t number) {
  const auto found = find_lanes(sources, number);
  if (found.empty()) return;
  const SegmentHead& main = *found.front().head;
  const bool other =
      periods_.empty() || periods_.back().last || main.discontinuity || differs(found);
  if (!other && !has_drifted(main)) return;
  if (!other && periods_.back().measured) {
    drifts_.push_back(number);
    std::erase_if(drifts_, [&](uint64_t n) { return n + kDriftSpan < number; });
    irregular_ = irregular_ || drifts_.size() >= kDrifts;
  }
  begin(*sources.front().second, found);
}

bool Planner::differs(const std::vector<Found>& found) const {
  return std::ranges::any_of(found, [&](const Found& f) {
    return std::ranges::none_of(periods_.back().lanes, [&](const PlannedLane& lane) {
      return lane.stream == f.stream && lane.lane == f.window->id &&
             lane.init->name == f.head->init->name;
    });
  });
}

bool Planner::has_drifted(const SegmentHead& main) const {
  const Period& p = periods_.back();
  if (p.addressing == Addressing::timeline) return false;
  const Time meant = static_cast<int64_t>(main.number - p.first) * p.nominal;
  return std::chrono::abs((main.wall - p.wall) - meant) * 100 > p.nominal * kTolerance;
}

void Planner::begin(const View& source, const std::vector<Found>& found) {
  const Found& main = found.front();
  Period p;
  p.first = main.head->number;
  p.wall = main.head->wall;
  p.addressing = irregular_ ? Addressing::timeline : Addressing::number;
  choose_nominal(p, main);
  Time start = std::max(main.head->wall - source.first_epoch, Time{0});
  if (!periods_.empty()) {
    start = std::max(start, periods_.back().start + kShortest);
    close(source, periods_.back().last.value_or(p.first - 1));
    for (PlannedLane& lane : periods_.back().lanes)
      for (const Found& f : found)
        if (lane.stream == f.stream && lane.lane == f.window->id && f.head->number > lane.first &&
            lane.stream != main.stream)
          lane.last = f.head->number - 1;
  }
  // What the text can say.
  p.start = std::chrono::floor<std::chrono::microseconds>(start);
  if (!periods_.empty()) periods_.back().end = std::min(periods_.back().end, p.start);
  for (const Found& f : found) {
    PlannedLane lane{.stream = f.stream,
                     .lane = f.window->id,
                     .token = f.view->token,
                     .init = f.head->init,
                     .first = f.head->number};
    lane.media = f.head->start - (f.head->wall - p.wall) - (start - p.start);
    lane.aligned = std::chrono::abs(f.head->wall - p.wall) < kAligned;
    lane.part = f.window->part_target;
    if (const auto* video = f.head->init->track.video())
      lane.frame_rate =
          nearest_rate(video->frame_rate > 0 ? video->frame_rate : f.window->frame_rate);
    p.lanes.push_back(std::move(lane));
  }
  periods_.push_back(std::move(p));
}

void Planner::choose_nominal(Period& p, const Found& main) const {
  const Window& w = *main.window;
  Time sum{};
  int count = 0;
  const auto add = [&](uint64_t number) {
    const SegmentPtr* s = w.find(number);
    if (!s || (*s)->gap || (*s)->init != main.head->init) return false;
    if (w.ended && number == newest(w) && count > 0) return false;  // cut off
    sum += (*s)->duration;
    return ++count < kMeasured;
  };
  const auto continues = [&](uint64_t number) {
    const SegmentHead* head = find_head(w, number);
    return head && !head->discontinuity;
  };
  for (uint64_t n = p.first; add(n) && continues(n + 1);) ++n;
  if (count == 0)
    for (uint64_t n = p.first; continues(n) && add(n - 1);) --n;
  p.measured = count > 0;
  p.nominal = count > 0 ? sum / count : nominal();
  if (p.nominal < kShortest) p.nominal = kShortest;
}

void Planner::close(const View& source, uint64_t last) {
  Period& p = periods_.back();
  p.last = last;
  for (PlannedLane& lane : p.lanes)
    if (lane.stream == p.lanes.front().stream) lane.last = lane.first + (last - p.first);
  p.end = p.start + static_cast<int64_t>(last + 1 - p.first) * p.nominal;
  for (const auto& w : source.lanes)
    if (const SegmentPtr* s = w->find(last); s && !(*s)->gap) {
      p.end = p.start + ((*s)->wall + (*s)->duration - p.wall);
      return;
    }
}

void Planner::finish(const Sources& sources) {
  if (periods_.empty()) return;
  const auto last = newest_complete(*sources.front().second);
  if (!last || *last < periods_.back().first) {
    periods_.pop_back();
    return;
  }
  close(*sources.front().second, *last);
  for (PlannedLane& lane : periods_.back().lanes)
    for (const auto& [key, view] : sources)
      if (key == lane.stream && !lane.last && view->ended) lane.last = newest_complete(*view);
}

Time Planner::longest_lag() const { return usual_lag_.value_or(Time{0}) + kSilence; }

// The usual lag is the least that was seen, and may creep up: an encoder's clock may be slow, not
// by a hundredth. When media flows again after a silence, its lag is the usual one.
bool Planner::listen(const View& source, WallTime now) {
  const Time lag = lag_of(source, now);
  const WallTime newest = newest_media(source);
  if (!usual_lag_ || (silent_ && newest != newest_))
    usual_lag_ = lag;
  else
    usual_lag_ = std::min(lag, *usual_lag_ + (now - heard_) / 100);
  heard_ = now;
  newest_ = newest;
  return !source.ended && lag > longest_lag();
}

// A rate that is announced holds until it is exceeded, or nearly; all Periods say the same, for
// players compare them.
void Planner::follow_rates(const Sources& sources) {
  for (const auto& [key, view] : sources)
    for (const auto& w : view->lanes) {
      Rate& rate = rates_[{key, w->id}];
      uint64_t now = rate_of(*w);
      if (now == 0) now = w->id.starts_with('v') ? 2'000'000 : 128'000;
      // Until then it is a guess, too high when the first part is a keyframe and little more.
      if (w->peak_rate > 0 && !std::exchange(rate.measured, true)) rate.announced = 0;
      if (now + now / 20 > rate.announced) rate.announced = round_up(now + now / 4);
    }
  for (Period& p : periods_)
    for (PlannedLane& lane : p.lanes)
      if (const auto it = rates_.find({lane.stream, lane.lane}); it != rates_.end())
        lane.bandwidth = it->second.announced;
}

}  // namespace weir::dash
