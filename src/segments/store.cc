// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/store.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "segments/lane.h"

namespace weir::segments {
namespace {

// 2025-01-01T00:00:00Z: counting from here keeps numbers below 2^31 for decades, which some players
// need.
constexpr WallTime kEpoch{std::chrono::seconds{1'735'689'600}};
constexpr Time kUsualTarget{2s};  // while none is promised
// A lane this far behind is late, not gone: its media may still come.
constexpr Time kPatience{1s};
// What manifests stop listing may still be asked for. RFC 8216 6.2.2 wants its own duration and
// that of the longest playlist that named it, which would double a rewind of ten minutes or hours;
// a player that is live, or reloads the playlist at all, has asked for it within this time.
constexpr Time kLinger{12s};

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

Store::Store(Options options)
    : options_(std::move(options)),
      past_discontinuities_(options_.first_discontinuity),
      next_number_(options_.first_number) {}

Store::~Store() = default;

void Store::info(const StreamInfoPtr& info) { info_ = info; }

SegmentPtr Store::find(const std::string& lane, uint64_t number) const {
  const auto it = lanes_.find(lane);
  return it == lanes_.end() ? nullptr : it->second->find(number);
}

Lane& Store::lane(const std::string& id) {
  auto& lane = lanes_[id];
  if (!lane) {
    lane = std::make_unique<Lane>(id, options_.token);
    lane->set_target_duration(target_duration_);
  }
  return *lane;
}

Lane* Store::find_lane(const std::string& id) {
  const auto it = lanes_.find(id);
  return it == lanes_.end() ? nullptr : it->second.get();
}

// With a disk, the TS lane stays in memory and is therefore listed for less time than the others.
bool Store::own_range(const Lane& lane) const { return options_.disk && lane.is_ts(); }

Store::Range& Store::range(const Lane& lane) { return own_range(lane) ? ts_range_ : range_; }

WallTime Store::wall(Time t) const { return (info_ ? info_->epoch : WallTime{}) + t; }

void Store::touch() {
  for (const auto& [id, lane] : lanes_) lane->touch();
}

void Store::init(const std::string& id, const Track& track, Bytes header) {
  lane(id).set_init(track, std::move(header));
}

// The number of a segment that begins; none when it was given out already.
std::optional<uint64_t> Store::accept(Lane& lane, const Cut& cut, Time start) {
  const uint64_t number = options_.first_number + cut.ordinal;
  if (cut.discontinuity) {
    const auto at = std::ranges::lower_bound(discontinuities_, number);
    if (at == discontinuities_.end() || *at != number) discontinuities_.insert(at, number);
  }
  if (number < lane.next()) return {};
  fill(lane, number, start);
  next_number_ = std::max(next_number_, number + 1);
  return number;
}

void Store::open(const std::string& id, const Cut& cut, Time start) {
  Lane& l = lane(id);
  if (l.opened()) finish(l, start);
  const auto number = accept(l, cut, start);
  if (!number) return;
  SegmentHead head = l.head(*number, start, wall(start));
  head.discontinuity = cut.discontinuity;
  head.independent = cut.independent || !l.is_video();
  l.open(std::move(head));
  trim();  // of what filled a hole
}

void Store::part(const std::string& id, MadePart part) {
  const uint32_t frames = part.frames;
  Lane* lane = find_lane(id);
  if (!lane || !lane->add_part(std::move(part))) dropped_ += frames;
  fit();
}

void Store::close(const std::string& id, Time end) {
  Lane* lane = find_lane(id);
  if (lane && lane->opened()) finish(*lane, end);
}

void Store::add(MadeTs made) {
  Lane& l = lane("ts");
  const auto number = accept(l, made.cut, made.cut.start);
  if (!number) {
    dropped_ += made.pictures;
    return;
  }
  auto s = std::make_shared<Segment>();
  // The other lanes know its wall-clock time better: the info may have changed since it began.
  const Lane* other = other_with(l, *number);
  const SegmentPtr twin = other ? other->find(*number) : nullptr;
  const Time start = made.cut.start;
  static_cast<SegmentHead&>(*s) =
      l.head(*number, start, twin ? twin->wall + (start - twin->start) : wall(start));
  s->discontinuity = made.cut.discontinuity;
  s->independent = made.cut.independent;
  s->tracks = std::move(made.tracks);
  s->duration = std::max(made.end - start, Time{0});
  s->frames = made.pictures;
  s->content = net::http::make_content("video/mp2t", std::move(made.data),
                                       {.cache_control = net::http::kImmutable, .etag = s->name});
  l.append(std::move(s));
  catch_up(l);
  trim();
}

void Store::finish(Lane& lane, Time end) {
  lane.close(end);
  catch_up(lane);
  trim();
}

const Lane* Store::other_with(const Lane& lane, uint64_t number) const {
  const Lane* found = nullptr;
  for (const auto& [id, other] : lanes_) {
    if (other.get() == &lane) continue;
    if (other->find(number)) return other.get();
    if (other->opened() && other->opened()->number == number) found = other.get();
  }
  return found;
}

// Nothing came for this number: times as another lane has them, or an even share of the hole.
std::shared_ptr<Segment> Store::make_gap(Lane& lane, uint64_t until, Time until_start) const {
  const uint64_t number = lane.next();
  const Segment& last = *lane.back();
  Time start = last.start + last.duration;
  WallTime wall = last.wall + last.duration;
  std::optional<Time> duration;
  if (const Lane* other = other_with(lane, number)) {
    const SegmentPtr twin = other->find(number);
    const SegmentHead& head = twin ? static_cast<const SegmentHead&>(*twin) : *other->opened();
    start = head.start;
    wall = head.wall;
    if (twin) duration = twin->duration;
  }
  auto gap = std::make_shared<Segment>();
  static_cast<SegmentHead&>(*gap) = lane.head(number, start, wall);
  if (lane.is_ts()) gap->tracks = last.tracks;
  gap->discontinuity = std::ranges::binary_search(discontinuities_, number);
  gap->gap = true;
  const auto share = static_cast<Time::rep>(until - number);
  gap->duration = duration.value_or(std::max(until_start - start, Time{0}) / share);
  return gap;
}

void Store::fill(Lane& lane, uint64_t until, Time until_start) {
  if (!lane.has_segments()) return;  // it begins here
  if (until > lane.next() && until - lane.next() >= options_.max_segments) {
    expire(lane, until);  // nothing of it is left to be joined to
    return;
  }
  while (lane.next() < until) lane.append(make_gap(lane, until, until_start));
}

// Lanes that fell behind follow the one that has just completed a segment, one segment behind it.
void Store::catch_up(const Lane& leader) {
  const uint64_t until = std::min(leader.back()->number, leader.first_younger(kPatience));
  for (const auto& [id, lane] : lanes_) {
    Lane& l = *lane;
    if (&l == &leader || !l.has_something()) continue;
    if (l.opened() && l.opened()->number < until) {
      // What is open ended long ago; its end is where the next one begins elsewhere.
      const SegmentPtr next = leader.find(l.opened()->number + 1);
      l.close(std::max(l.open_end(), next ? next->start : Time{}));
    }
    const SegmentPtr end = leader.find(until);
    if (!l.opened() && l.next() < until) fill(l, until, end ? end->start : leader.back()->start);
  }
}

void Store::set_target_duration(Time target) {
  target_duration_ = target;
  for (const auto& [id, lane] : lanes_) lane->set_target_duration(target);
  trim();
}

void Store::set_part_target(const std::string& id, Time target) {
  lane(id).set_part_target(target);
}

void Store::end() {
  for (const auto& [id, lane] : lanes_) {
    if (!lane->opened()) continue;
    if (lane->opened()->parts.empty())
      lane->drop_open();
    else
      lane->close(lane->open_end());
  }
  ended_ = true;
  trim();
  touch();
}

// RFC 8216 6.2.1: counts the discontinuity tags that have left the playlist; by number, so that it
// is the same in all lanes.
uint64_t Store::discontinuities_before(uint64_t number) const {
  const auto at = std::ranges::lower_bound(discontinuities_, number);
  return past_discontinuities_ + static_cast<uint64_t>(at - discontinuities_.begin());
}

WindowPtr Store::window(Lane& lane) {
  const uint64_t listed = lane.first_listed(range(lane).listed);
  return lane.window(listed, discontinuities_before(listed), ended_);
}

std::vector<WindowPtr> Store::lanes() {
  std::vector<Lane*> there;
  for (const auto& [id, lane] : lanes_)
    if (!lane->is_ts() && lane->has_something()) there.push_back(lane.get());
  // "v2" before "v10" before "a1".
  std::ranges::sort(there, {}, [](const Lane* l) {
    return std::tuple(!l->is_video(), l->id().size(), std::string_view(l->id()));
  });
  std::vector<WindowPtr> windows;
  for (Lane* lane : there) windows.push_back(window(*lane));
  return windows;
}

WindowPtr Store::ts() {
  Lane* lane = find_lane("ts");
  return lane && lane->has_something() ? window(*lane) : nullptr;
}

size_t Store::bytes() const {
  size_t n = 0;
  for (const auto& [id, lane] : lanes_) n += lane->bytes();
  return n;
}

void Store::trim() {
  const Time target = target_duration_ > 0ns ? target_duration_ : kUsualTarget;
  for (const auto& [id, lane] : lanes_) lane->drop_parts(4 * target);
  advance(false, std::max(options_.rewind, three_targets()));
  if (options_.disk) advance(true, std::max({options_.memory, kLinger, three_targets()}));
  choose_spills();
  fit();
  for (const auto& [id, lane] : lanes_) forget_gaps(*lane);

  uint64_t kept = next_number_;
  for (const auto& [id, lane] : lanes_)
    if (lane->has_segments() || lane->opened()) kept = std::min(kept, lane->first_listed(0));
  while (!discontinuities_.empty() && discontinuities_.front() < kept) {
    discontinuities_.pop_front();
    ++past_discontinuities_;
  }
}

// Moves the window of the lanes that share a range; the lane that needs the oldest number decides.
void Store::advance(bool own, Time keep) {
  Range& r = own ? ts_range_ : range_;
  const Range before = r;
  const Time linger = std::max(kLinger, three_targets());
  std::vector<Lane*> lanes;
  for (const auto& [id, lane] : lanes_)
    if (own_range(*lane) == own && lane->has_segments()) lanes.push_back(lane.get());
  if (lanes.empty()) return;
  uint64_t listed = UINT64_MAX, kept = UINT64_MAX, end = 0;
  for (const Lane* lane : lanes) {
    listed = std::min(listed, lane->first_within(keep));
    end = std::max(end, lane->next());
  }
  r.listed = std::max(r.listed, listed);
  for (const Lane* lane : lanes) kept = std::min(kept, lane->first_near(r.listed, linger));
  if (end > options_.max_segments) kept = std::max(kept, end - options_.max_segments);
  r.kept = std::max(r.kept, kept);
  r.listed = std::max(r.listed, r.kept);
  for (Lane* lane : lanes) {
    if (r.listed != before.listed) lane->touch();
    expire(*lane, std::min(r.kept, lane->next() - 1));
  }
}

void Store::expire(Lane& lane, uint64_t before) {
  while (lane.has_segments() && lane.front() < before)
    expired_.push_back({lane.id(), lane.pop_front()});
}

// A lane of which nothing but gaps is left has ended; should it come back, it begins anew.
void Store::forget_gaps(Lane& lane) {
  if (lane.has_segments() && lane.only_gaps() && (!lane.opened() || lane.opened()->parts.empty()))
    expire(lane, lane.next());
}

// Over the limit the oldest of all lanes goes, by number; never what is newest in its lane.
void Store::fit() {
  while (bytes() > options_.max_bytes) {
    std::optional<uint64_t> ours, own;
    for (const auto& [id, lane] : lanes_) {
      auto& oldest = own_range(*lane) ? own : ours;
      if (const auto n = lane->oldest_held()) oldest = std::min(oldest.value_or(*n), *n);
    }
    if (!ours && !own) return;
    const bool choose_own = own && (!ours || *own < *ours);
    make_room(choose_own, choose_own ? *own : *ours);
  }
}

// Where the disk is too slow, what waits for it becomes a gap: hours before it that are on disk
// cost no memory and stay.
void Store::make_room(bool own, uint64_t number) {
  std::vector<Lane*> lanes;
  bool older = false;
  for (const auto& [id, lane] : lanes_) {
    if (own_range(*lane) != own || !lane->has_segments()) continue;
    lanes.push_back(lane.get());
    older = older || lane->front() < number;
  }
  Range& r = own ? ts_range_ : range_;
  if (!older) {
    r.kept = std::max(r.kept, number + 1);
    r.listed = std::max(r.listed, r.kept);
  }
  for (Lane* lane : lanes) {
    lane->touch();
    const SegmentPtr s = lane->find(number);
    if (!s || s == lane->back()) continue;
    if (older && s->content)
      lane->make_gap(number);
    else if (!older)
      expire(*lane, number + 1);
  }
}

// Older than `memory`, and not before their parts are dropped; or, when there is little room, the
// oldest until what has not been handed out fits into half of it.
void Store::choose_spills() {
  if (!options_.disk) return;
  const Time target = target_duration_ > 0ns ? target_duration_ : kUsualTarget;
  const Time age = std::max(options_.memory, 4 * target);
  while (true) {
    size_t waiting = 0;
    for (const auto& [id, lane] : lanes_)
      if (!lane->is_ts()) waiting += lane->unspilled_bytes();
    const bool tight = waiting > options_.max_bytes / 2;
    std::optional<uint64_t> oldest;
    Lane* from = nullptr;
    for (const auto& [id, lane] : lanes_) {
      const auto n = lane->is_ts() ? std::nullopt : lane->next_spill();
      if (!n || (!tight && *n >= lane->first_younger(age))) continue;
      if (oldest && *oldest <= *n) continue;
      oldest = n;
      from = lane.get();
    }
    if (!from) return;
    spills_.push_back({from->id(), from->take_spill()});
  }
}

std::vector<Store::Placed> Store::take_expired() { return std::exchange(expired_, {}); }

std::vector<Store::Placed> Store::take_spills() { return std::exchange(spills_, {}); }

void Store::spilled(const std::string& id, uint64_t number, std::string file) {
  Lane* lane = find_lane(id);
  const SegmentPtr s = lane ? lane->find(number) : nullptr;
  if (s && s->content) {
    lane->set_file(number, std::move(file));
    return;
  }
  // Given up meanwhile: nobody may ask for it, only the file is left.
  auto gone = std::make_shared<Segment>();
  gone->number = number;
  gone->gap = true;
  gone->file = std::move(file);
  expired_.push_back({id, std::move(gone)});
}

void Store::lost(const std::string& id, uint64_t number) {
  Lane* lane = find_lane(id);
  const SegmentPtr s = lane ? lane->find(number) : nullptr;
  if (!s || s->gap) return;
  if (!s->file.empty()) expired_.push_back({id, s});
  lane->make_gap(number);
}

}  // namespace weir::segments
