// Weir live-streaming server. MIT licence, see LICENSE.
#include "hub/ring.h"

#include <algorithm>

namespace weir::hub {

Ring::Ring(net::Core& core, RingLimits limits) : core_(core), limits_(limits), changed_(core) {}

size_t cost_of(const Entry& e) {
  constexpr size_t kPacket = sizeof(Packet) + 64, kInfo = sizeof(StreamInfo) + 64;
  if (e.packet) return kPacket + e.packet->payload.size();
  if (!e.info) return 0;
  size_t cost = kInfo;
  for (const Track& t : e.info->tracks) cost += sizeof t + t.config.size();
  return cost;
}

bool is_join_point(const StreamInfo* info, const Packet& p) {
  if (!info) return false;
  if (const Track* video = info->main_video()) return p.keyframe && p.track == video->id;
  const Track* audio = info->first(Kind::audio);
  return !audio || p.track == audio->id;
}

void Ring::append(uint64_t first, const Batch& batch) {
  core_.check();
  if (first != end()) drop_all(first);
  for (const Entry& e : batch) add(e);
  trim();
  tell();
}

void Ring::tell() {
  changed_.notify();
  for (size_t i = 0; i < listeners_.size(); ++i) listeners_[i]->on_append();
}

void Ring::add(const Entry& e) {
  bytes_ += cost_of(e);
  if (e.info) {
    info_ = e.info;
    if (!tail_info_) tail_info_ = e.info;
  } else if (e.packet) {
    newest_ = std::max(newest_, e.packet->dts);
    if (is_join_point(info_.get(), *e.packet)) joins_.push_back({end(), info_});
  } else {
    end_ = e.end;
  }
  entries_.push_back(e);
}

void Ring::drop_all(uint64_t next) {
  entries_.clear();
  joins_.clear();
  bytes_ = 0;
  begin_ = next;
  tail_info_ = info_;
}

void Ring::trim() {
  // The span rule never cuts into the newest group of pictures: joins need it. The byte rule may.
  const uint64_t newest_join = joins_.empty() ? end() : joins_.back().at;
  while (entries_.size() > 1) {
    const Entry& e = entries_.front();
    // An info goes with the packet behind it, so that nobody is behind for want of it.
    const auto packet = std::ranges::find_if(entries_, [](const Entry& x) { return !!x.packet; });
    const bool old = packet == entries_.end() || newest_ - packet->packet->dts > limits_.span;
    if (bytes_ <= limits_.bytes && !(old && begin_ < newest_join)) break;
    bytes_ -= cost_of(e);
    if (e.info) tail_info_ = e.info;
    entries_.pop_front();
    ++begin_;
    while (!joins_.empty() && joins_.front().at < begin_) joins_.pop_front();
  }
}

std::optional<Event> Ring::next(Cursor& c, Join join) const {
  if (!c.joined && (end() == 1 || (join == Join::oldest && begin_ == 1))) {
    c.at = 1;
    c.joined = c.lead = true;
  }
  if (!c.joined || c.at < begin_) {
    if (joins_.empty()) {
      if (end_) return Event(*end_);
      return std::nullopt;
    }
    const JoinPoint& point = join == Join::oldest && !c.joined ? joins_.front() : joins_.back();
    if (c.joined) c.skipped += point.at - c.at;
    c.at = point.at;
    c.joined = c.check_info = true;
    if (c.skipped) return Event(Gap{std::exchange(c.skipped, 0)});
  }
  if (c.lead) skip_to_decodable(c);
  if (c.at >= end()) return std::nullopt;
  if (std::exchange(c.check_info, false)) {
    const auto point = std::lower_bound(joins_.begin(), joins_.end(), c.at,
                                        [](const JoinPoint& p, uint64_t at) { return p.at < at; });
    if (point != joins_.end() && point->info->version != c.info_version) {
      c.info_version = point->info->version;
      return Event(point->info);
    }
  }
  const Entry& e = entries_[c.at - begin_];
  ++c.at;
  if (e.packet) return Event(e.packet);
  if (e.end) return Event(*e.end);
  c.info_version = e.info->version;
  return Event(e.info);
}

// Sound before the first keyframe is of use, pictures are not.
void Ring::skip_to_decodable(Cursor& c) const {
  const Track* video = info_ ? info_->main_video() : nullptr;
  for (; c.at < end(); ++c.at) {
    const Entry& e = entries_[c.at - begin_];
    if (!e.packet || (video && e.packet->track != video->id)) return;
    if (is_join_point(info_.get(), *e.packet)) {
      c.lead = false;
      return;
    }
  }
}

Ring::Snapshot Ring::snapshot() const {
  return {begin_, tail_info_, {entries_.begin(), entries_.end()}};
}

void Ring::restore(const Snapshot& s) {
  drop_all(s.first);
  info_ = tail_info_ = s.info;
  for (const Entry& e : s.events) add(e);
  tell();
}

void Ring::unlisten(RingListener& l) { std::erase(listeners_, &l); }

}  // namespace weir::hub
