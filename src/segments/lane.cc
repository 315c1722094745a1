// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/lane.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weir::segments {
namespace {

// What rates are measured over while no target duration is promised.
constexpr Time kUsualTarget{2s};

ContentPtr make_media(std::string_view type, Bytes data, const std::string& name) {
  return net::http::make_content(type, std::move(data),
                                 {.cache_control = net::http::kImmutable, .etag = name});
}

size_t held_bytes(const Segment& s) { return s.content ? s.content->size() : 0; }

struct Sum {
  uint64_t bytes = 0, frames = 0;
  Time time{};

  double frame_rate() const {
    if (time <= 0ns) return 0;
    return static_cast<double>(frames) * 1e9 / static_cast<double>(time.count());
  }
};

}  // namespace

Lane::Lane(std::string id, std::string token) : id_(std::move(id)), token_(std::move(token)) {}

std::string_view Lane::type() const {
  if (is_ts()) return "video/mp2t";
  return is_video() ? "video/mp4" : "audio/mp4";
}

void Lane::set_init(const Track& track, Bytes header) {
  tracks_ = std::make_shared<const std::vector<Track>>(1, track);
  // Even when it is the same as the one before: names of segments go by it, and what is named by a
  // manifest from before a publisher's return must not be media from after it.
  auto init = std::make_shared<Init>();
  init->number = inits_++;
  init->name = init_name(token_, id_, init->number);
  init->track = track;
  init->content = make_media(type(), std::move(header), init->name);
  init_ = std::move(init);
}

void Lane::set_part_target(Time target) {
  part_target_ = target;
  touch();
}

void Lane::set_target_duration(Time target) {
  target_duration_ = target;
  peak_rate_ = 0;
  for (size_t i = 0; i < done_.size(); ++i) peak_rate_ = std::max(peak_rate_, measure_at(i));
  segments_changed_ = true;
  touch();
}

SegmentHead Lane::head(uint64_t number, Time start, WallTime wall) const {
  SegmentHead h;
  h.number = number;
  h.start = start;
  h.wall = wall;
  h.init = init_;
  h.name = segment_name(token_, id_, h.init_number(), number);
  h.tracks = tracks_;
  return h;
}

void Lane::open(SegmentHead head) {
  if (!first_) first_ = head.number;
  open_.emplace();
  static_cast<SegmentHead&>(*open_) = std::move(head);
  touch();
}

bool Lane::add_part(MadePart made) {
  if (!open_) return false;
  auto part = std::make_shared<Part>();
  part->start = made.start;
  part->duration = made.duration;
  part->independent = made.independent;
  part->frames = made.frames;
  bytes_ += made.data.size();
  part->content =
      make_media(type(), std::move(made.data), name_of_part(*open_, open_->parts.size()));
  // Cuts are at keyframes of the main video; another lane's first frame need not be one.
  if (open_->parts.empty()) open_->independent = part->independent;
  open_->parts.push_back(std::move(part));
  touch();
  return true;
}

Time Lane::open_end() const {
  if (!open_) return {};
  if (open_->parts.empty()) return open_->start;
  return open_->parts.back()->start + open_->parts.back()->duration;
}

std::string Lane::name_of_part(const SegmentHead& s, size_t part) const {
  return part_name(token_, id_, s.init_number(), s.number, part);
}

// One copy of all bytes; the parts become slices of it.
std::vector<PartPtr> Lane::join(const OpenSegment& from, Bytes& whole) const {
  const auto& parts = from.parts;
  size_t size = 0;
  for (const auto& p : parts) size += p->content->size();
  std::vector<uint8_t> joined;
  joined.reserve(size);
  for (const auto& p : parts)
    for (const auto& piece : p->content->body())
      joined.insert(joined.end(), piece.begin(), piece.end());
  whole = Bytes::take(std::move(joined));

  std::vector<PartPtr> slices;
  slices.reserve(parts.size());
  size_t at = 0;
  for (const auto& p : parts) {
    auto slice = std::make_shared<Part>(*p);
    const size_t n = p->content->size();
    slice->content = make_media(type(), whole.slice(at, n), name_of_part(from, slices.size()));
    at += n;
    slices.push_back(std::move(slice));
  }
  return slices;
}

void Lane::close(Time end) {
  if (!open_) return;
  const OpenSegment from = *std::exchange(open_, std::nullopt);
  auto s = std::make_shared<Segment>();
  static_cast<SegmentHead&>(*s) = from;
  s->duration = std::max(end - from.start, Time{0});
  s->gap = from.parts.empty();
  if (s->gap) {
    s->independent = true;
  } else {
    Bytes whole;
    s->parts = join(from, whole);
    for (const auto& p : from.parts) {
      s->frames += p->frames;
      bytes_ -= p->content->size();  // append() counts them again
    }
    s->content = make_media(type(), std::move(whole), s->name);
  }
  append(std::move(s));
}

void Lane::drop_open() {
  if (!open_) return;
  for (const auto& p : open_->parts) bytes_ -= p->content->size();
  open_.reset();
  touch();
}

void Lane::append(std::shared_ptr<Segment> s) {
  CHECK(done_.empty() || s->number == next_, "no holes");
  if (!first_) first_ = s->number;
  s->size = held_bytes(*s);
  bytes_ += s->size;
  gaps_ += s->gap;
  total_ += s->duration;
  next_ = s->number + 1;
  done_.push_back({std::move(s), total_});
  peak_rate_ = std::max(peak_rate_, measure_at(done_.size() - 1));
  segments_changed_ = true;
  touch();
}

const Lane::Entry* Lane::entry(uint64_t number) const {
  if (done_.empty() || number < front() || number >= next_) return nullptr;
  return &done_[number - front()];
}

SegmentPtr Lane::find(uint64_t number) const {
  const Entry* e = entry(number);
  return e ? e->segment : nullptr;
}

SegmentPtr Lane::pop_front() {
  SegmentPtr s = std::move(done_.front().segment);
  done_.pop_front();
  bytes_ -= held_bytes(*s);
  gaps_ -= s->gap;
  segments_changed_ = true;
  touch();
  return s;
}

uint64_t Lane::first_within(Time keep) const {
  const auto it = std::partition_point(done_.begin() + 1, done_.end(), [&](const Entry& e) {
    return total_ - e.total + e.segment->duration >= keep;
  });
  return std::prev(it)->segment->number;
}

uint64_t Lane::first_younger(Time age) const {
  const auto it = std::partition_point(done_.begin(), done_.end(),
                                       [&](const Entry& e) { return total_ - e.total >= age; });
  return it == done_.end() ? next_ : it->segment->number;
}

uint64_t Lane::first_near(uint64_t number, Time distance) const {
  const Entry* e = entry(number);
  const Time begins = e ? e->total - e->segment->duration : number < next_ ? Time{0} : total_;
  const auto it = std::partition_point(
      done_.begin(), done_.end(), [&](const Entry& x) { return begins - x.total >= distance; });
  return std::min(number, it == done_.end() ? next_ : it->segment->number);
}

std::optional<uint64_t> Lane::oldest_held() {
  if (done_.empty()) return {};
  held_ = std::max(held_, front());
  while (held_ + 1 < next_ && !entry(held_)->segment->content) ++held_;
  return held_ + 1 < next_ ? std::optional(held_) : std::nullopt;
}

std::optional<uint64_t> Lane::next_spill() {
  if (done_.empty()) return {};
  unspilled_ = std::max(unspilled_, front());
  while (unspilled_ + 1 < next_ && !entry(unspilled_)->segment->content) ++unspilled_;
  return unspilled_ + 1 < next_ ? std::optional(unspilled_) : std::nullopt;
}

SegmentPtr Lane::take_spill() { return entry(unspilled_++)->segment; }

size_t Lane::unspilled_bytes() const {
  size_t n = 0;
  for (auto it = done_.rbegin(); it != done_.rend() && it->segment->number >= unspilled_; ++it)
    n += held_bytes(*it->segment);
  return n;
}

void Lane::replace(uint64_t number, SegmentPtr s) {
  Entry& e = done_[number - front()];
  bytes_ = bytes_ - held_bytes(*e.segment) + held_bytes(*s);
  gaps_ = gaps_ - e.segment->gap + s->gap;
  e.segment = std::move(s);
  segments_changed_ = true;
  touch();
}

void Lane::set_file(uint64_t number, std::string file) {
  auto s = std::make_shared<Segment>(*find(number));
  s->content.reset();
  s->parts.clear();  // they are slices of what is given up here
  s->file = std::move(file);
  replace(number, std::move(s));
}

void Lane::make_gap(uint64_t number) {
  auto s = std::make_shared<Segment>(*find(number));
  s->gap = s->independent = true;
  s->frames = 0;
  s->size = 0;
  s->content.reset();
  s->parts.clear();
  s->file.clear();
  replace(number, std::move(s));
}

void Lane::drop_parts(Time age) {
  if (done_.empty()) return;
  for (with_parts_ = std::max(with_parts_, front()); with_parts_ < next_; ++with_parts_) {
    const Entry& e = *entry(with_parts_);
    if (total_ - e.total <= age) return;
    if (e.segment->parts.empty()) continue;
    auto s = std::make_shared<Segment>(*e.segment);
    s->parts.clear();
    replace(with_parts_, std::move(s));
  }
}

// RFC 8216 4.3.4.2: the peak is the largest rate of any run of segments that lasts between half and
// one and a half target durations. Of the runs that end with this segment; a gap is in none.
uint64_t Lane::measure_at(size_t newest) const {
  const Time target = target_duration_ > 0ns ? target_duration_ : kUsualTarget;
  uint64_t peak = 0;
  Sum sum;
  for (size_t i = newest + 1; i-- > 0 && !done_[i].segment->gap;) {
    sum.bytes += done_[i].segment->size;
    sum.time += done_[i].segment->duration;
    if (sum.time * 2 > target * 3) break;
    if (sum.time * 2 >= target) peak = std::max(peak, bit_rate(sum.bytes, sum.time));
  }
  return peak;
}

// Over what is listed; over the parts so far while there is nothing complete to go by.
void Lane::measure_listed(Window& w) const {
  Sum sum;
  for (size_t i = w.first_listed; i < w.segments->size(); ++i) {
    const Segment& s = *(*w.segments)[i];
    if (s.gap) continue;
    sum.bytes += s.size;
    sum.frames += s.frames;
    sum.time += s.duration;
  }
  if (sum.time <= 0ns && open_)
    for (const auto& p : open_->parts) {
      sum.bytes += p->content->size();
      sum.frames += p->frames;
      sum.time += p->duration;
    }
  w.average_rate = bit_rate(sum.bytes, sum.time);
  w.peak_rate = std::max(peak_rate_, w.average_rate);
  if (is_video() || is_ts()) w.frame_rate = sum.frame_rate();
}

uint64_t Lane::first_listed(uint64_t listed) const {
  if (done_.empty()) return open_ ? open_->number : listed;
  return std::clamp(listed, front(), next_ - 1);
}

WindowPtr Lane::window(uint64_t listed, uint64_t discontinuity_sequence, bool ended) {
  if (window_ && !changed_) return window_;
  auto w = std::make_shared<Window>();
  w->id = id_;
  if (segments_changed_ || !window_) {
    std::vector<SegmentPtr> all;
    all.reserve(done_.size());
    for (const auto& e : done_) all.push_back(e.segment);
    w->segments = std::make_shared<const std::vector<SegmentPtr>>(std::move(all));
  } else {
    w->segments = window_->segments;
  }
  if (!done_.empty()) w->first_listed = first_listed(listed) - front();
  w->open = open_;
  w->discontinuity_sequence = discontinuity_sequence;
  w->first_number = first_.value_or(0);
  w->target_duration = target_duration_;
  w->part_target = part_target_;
  const bool same = window_ && !segments_changed_ && window_->first_listed == w->first_listed &&
                    window_->average_rate > 0 && !only_gaps();
  if (same) {
    w->average_rate = window_->average_rate;
    w->peak_rate = window_->peak_rate;
    w->frame_rate = window_->frame_rate;
  } else {
    measure_listed(*w);
  }
  w->ended = ended;
  changed_ = segments_changed_ = false;
  window_ = std::move(w);
  return window_;
}

}  // namespace weir::segments
