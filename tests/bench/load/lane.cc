// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/lane.h"

namespace weir::bench {
namespace {

void settle(std::vector<Time>& waiting, Time birth, Samples& samples) {
  for (const Time t : waiting) samples.add(t - birth);
  waiting = {};
}

}  // namespace

Lane::Lane(const std::string& path, std::string_view id, const std::string& host, Kind kind)
    : kind_(kind),
      base_("GET " + path + "/"),
      id_(id),
      tail_(" HTTP/1.1\r\nHost: " + host + "\r\n\r\n"),
      join_(base_ + id_ + ".m3u8" + tail_) {}

const std::string& Lane::reload_request(PartId next) {
  if (reload_.empty() || next != reload_next_) {
    reload_next_ = next;
    reload_ = base_ + id_ + ".m3u8?_HLS_msn=" + std::to_string(next.msn) +
              "&_HLS_part=" + std::to_string(next.part) + "&_HLS_skip=YES" + tail_;
  }
  return reload_;
}

std::string Lane::media_request(std::string_view name) const {
  return base_ + std::string(name) + tail_;
}

std::optional<size_t> Lane::enter(const NamedPart& named, Time now) {
  if (parts_.empty() || parts_.back().id < named.id) {
    parts_.push_back({.id = named.id, .request = media_request(named.name), .announced = now});
    if (parts_.size() > kMost) {
      parts_.pop_front();
      ++first_;
    }
    return end() - 1;
  }
  for (size_t n = end(); n-- > first_;)
    if (part(n).id == named.id) return n;
  return std::nullopt;
}

std::optional<Time> Lane::birth(const PartId& id) const {
  for (size_t n = end(); n-- > first_ && part(n).id >= id;)
    if (part(n).id == id) return part(n).birth;
  return std::nullopt;
}

void Lane::listed(size_t number, Time now) {
  if (kind_ == Kind::untimed || !has(number)) return;
  Part& p = at(number);
  if (p.birth)
    playlist_latency.add(now - *p.birth);
  else
    p.listed.push_back(now);
}

void Lane::fetched(size_t number, Time now) {
  if (kind_ == Kind::untimed || !has(number)) return;
  Part& p = at(number);
  if (p.birth)
    part_latency.add(now - *p.birth);
  else
    p.fetched.push_back(now);
}

bool Lane::wants_stamp(size_t number) const {
  return kind_ == Kind::timed && has(number) && !part(number).stamp_seen;
}

void Lane::stamp(size_t number, Time sent) {
  if (!wants_stamp(number)) return;
  at(number).stamp_seen = true;
  if (number == first_) return;
  Part& before = at(number - 1);
  before.birth = sent;
  settle(before.listed, sent, playlist_latency);
  settle(before.fetched, sent, part_latency);
}

}  // namespace weir::bench
