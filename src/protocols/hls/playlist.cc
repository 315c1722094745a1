// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/playlist.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace weir::hls {
namespace {

using segments::OpenSegment;
using segments::Part;
using segments::Segment;
using segments::SegmentHead;
using segments::Window;
using std::chrono::microseconds;

// 4.4.3.8: a skip boundary is at least six target durations, a hold-back three.
constexpr int kSkipAfter = 6, kHoldBack = 3;

int64_t us_floor(Time t) { return std::chrono::floor<microseconds>(t).count(); }
int64_t us_ceil(Time t) { return std::chrono::ceil<microseconds>(t).count(); }

// The printed length of what lies between two instants. At most ceil(duration), so that a part is
// never printed longer than a part target that was rounded up.
int64_t printed(Time start, Time duration) { return us_floor(start + duration) - us_floor(start); }

Time parts_duration(const std::optional<OpenSegment>& open) {
  Time sum{};
  if (open)
    for (const auto& p : open->parts) sum += p->duration;
  return sum;
}

size_t listed_count(const Window& w) { return w.segments->size() - w.first_listed; }

// Of the first entry that is not padding.
uint64_t first_listed_number(const Window& w) {
  if (listed_count(w) > 0) return (*w.segments)[w.first_listed]->number;
  if (w.open) return w.open->number;
  return w.segments->empty() ? 0 : w.segments->back()->number + 1;
}

const SegmentHead* first_listed(const Window& w) {
  if (listed_count(w) > 0) return (*w.segments)[w.first_listed].get();
  return w.open ? &*w.open : nullptr;
}

// The first segment whose parts are named: it begins within three target durations of the end, so
// that no part older than that is (6.2.2).
size_t first_with_parts(const Window& w) {
  Time behind = parts_duration(w.open);
  size_t i = w.segments->size();
  for (; i > w.first_listed; --i) {
    behind += (*w.segments)[i - 1]->duration;
    if (behind > kHoldBack * w.target_duration) break;
  }
  return i;
}

void append_digits(std::string& out, int64_t value, int digits) {
  char text[8];
  for (int i = digits; i-- > 0; value /= 10) text[i] = static_cast<char>('0' + value % 10);
  out.append(text, static_cast<size_t>(digits));
}

class Writer {
 public:
  Writer() { out_.reserve(4096); }

  template <class... A>
  void line(fmt::format_string<A...> f, A&&... a) {
    fmt::format_to(std::back_inserter(out_), f, std::forward<A>(a)...);
    out_ += '\n';
  }
  void text(std::string_view s) { out_ += s; }

  void seconds(int64_t us) {
    fmt::format_to(std::back_inserter(out_), "{}", us / 1'000'000);
    out_ += '.';
    append_digits(out_, us % 1'000'000, 6);
  }

  // As format_utc(), which is asked once an hour only: hours of rewind are thousands of lines.
  void date_time(WallTime t) {
    const int64_t ms = std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count();
    const int64_t hour = ms / 3'600'000;
    if (hour != hour_) {
      hour_ = hour;
      day_and_hour_ = format_utc(t).substr(0, 14);
    }
    text("#EXT-X-PROGRAM-DATE-TIME:");
    text(day_and_hour_);
    append_digits(out_, ms / 60'000 % 60, 2);
    out_ += ':';
    append_digits(out_, ms / 1000 % 60, 2);
    out_ += '.';
    append_digits(out_, ms % 1000, 3);
    text("Z\n");
  }

  void init(const segments::InitPtr& init) {
    if (!init || init == init_) return;
    init_ = init;
    line("#EXT-X-MAP:URI=\"{}\"", init->name);
  }
  void known(const segments::InitPtr& init) { init_ = init; }

  // What applies to a segment and must stand before its first part (4.4.4.9).
  void begin(const SegmentHead& s) {
    if (s.discontinuity) text("#EXT-X-DISCONTINUITY\n");
    init(s.init);
    date_time(s.wall);
  }

  void end(const Segment& s) {
    if (s.gap) text("#EXT-X-GAP\n");
    text("#EXTINF:");
    seconds(printed(s.start, s.duration));
    text(",\n");
    text(s.name);
    out_ += '\n';
  }

  void parts(std::string_view token, std::string_view lane, const SegmentHead& s,
             const std::vector<segments::PartPtr>& parts) {
    for (size_t i = 0; i < parts.size(); ++i) {
      text("#EXT-X-PART:DURATION=");
      seconds(printed(parts[i]->start, parts[i]->duration));
      text(",URI=\"");
      text(segments::part_name(token, lane, s.init_number(), s.number, i));
      text(parts[i]->independent ? "\",INDEPENDENT=YES\n" : "\"\n");
    }
  }

  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  segments::InitPtr init_;
  int64_t hour_ = -1;
  std::string day_and_hour_;
};

void write_head(Writer& out, const Window& w, const PlaylistOptions& o, size_t padded) {
  const int64_t target = w.target_duration / 1s;
  // EXT-X-SKIP needs version 9; the list says the same whether it has one or not.
  out.text("#EXTM3U\n#EXT-X-VERSION:9\n");
  if (o.type == PlaylistType::event && is_whole(w)) out.text("#EXT-X-PLAYLIST-TYPE:EVENT\n");
  out.line("#EXT-X-TARGETDURATION:{}", target);
  out.text("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,");
  out.text(fmt::format("CAN-SKIP-UNTIL={},HOLD-BACK={}", kSkipAfter * target, kHoldBack * target));
  if (w.part_target > 0ns) {
    const int64_t part = us_ceil(w.part_target);
    // Three part targets are asked for at least; half of one more is what a part takes to travel
    // and be decoded before its pictures are due.
    const int64_t hold_back = 7 * std::max(part, us_ceil(o.longest_part)) / 2;
    const int64_t ms = (hold_back + 999) / 1000;
    out.line(",PART-HOLD-BACK={}.{:03}", ms / 1000, ms % 1000);
    out.text("#EXT-X-PART-INF:PART-TARGET=");
    out.seconds(part);
  }
  out.text("\n");
  out.line("#EXT-X-MEDIA-SEQUENCE:{}", first_listed_number(w) - padded);
  out.line("#EXT-X-DISCONTINUITY-SEQUENCE:{}", w.discontinuity_sequence);
}

void write_padding(Writer& out, const Window& w, size_t count) {
  const SegmentHead* first = first_listed(w);
  if (!first || count == 0) return;
  out.init(first->init);
  for (size_t left = count; left > 0; --left) {
    out.date_time(first->wall - static_cast<int>(left) * w.target_duration);
    out.text("#EXT-X-GAP\n#EXTINF:");
    out.seconds(us_floor(w.target_duration));
    out.line(",\ngap-{}.m4s", first->number - left);
  }
}

void write_segments(Writer& out, const Window& w, const PlaylistOptions& o, size_t from) {
  const size_t with_parts = first_with_parts(w);
  for (size_t i = from; i < w.segments->size(); ++i) {
    const Segment& s = *(*w.segments)[i];
    out.begin(s);
    // After the end nobody waits for parts; hls.js (1.7) would wait for sound as long as the last
    // one.
    if (i >= with_parts && w.part_target > 0ns && !w.ended) out.parts(o.token, w.id, s, s.parts);
    out.end(s);
  }
}

void write_open(Writer& out, const Window& w, const PlaylistOptions& o) {
  if (w.ended || w.part_target == 0ns || !w.open || w.open->parts.empty()) return;
  out.begin(*w.open);
  out.parts(o.token, w.id, *w.open, w.open->parts);
}

void write_hint(Writer& out, const Window& w, const PlaylistOptions& o) {
  // While the tip is held a hint would name a part of the segment behind the one that is told last:
  // shaka (5.2) takes it for one of that segment, appends it twice and loses the pictures after it.
  if (w.ended || w.part_target == 0ns || tip_is_held(w)) return;
  // What begins with another header has another name: the hint is not met then.
  const SegmentHead& newest =
      w.open ? static_cast<const SegmentHead&>(*w.open) : *w.segments->back();
  const uint64_t number = w.open ? newest.number : newest.number + 1;
  out.line("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}\"",
           segments::part_name(o.token, w.id, newest.init_number(), number,
                               w.open ? w.open->parts.size() : 0));
}

void write_report(Writer& out, const Report& r) {
  out.text(fmt::format("#EXT-X-RENDITION-REPORT:URI=\"{}\",LAST-MSN={}", r.uri, r.newest.msn));
  if (r.newest.part) out.text(fmt::format(",LAST-PART={}", *r.newest.part));
  out.text("\n");
}

// With the newest segment as if it were still being made, see tip_is_held().
Window as_told(const Window& w) {
  if (!tip_is_held(w)) return w;
  const Segment& tip = *w.segments->back();
  Window told = w;
  told.segments = std::make_shared<const std::vector<segments::SegmentPtr>>(
      w.segments->begin(), std::prev(w.segments->end()));
  told.open.emplace();
  static_cast<SegmentHead&>(*told.open) = tip;
  told.open->parts = tip.parts;
  return told;
}

}  // namespace

bool is_whole(const Window& w) { return first_listed_number(w) == w.first_number; }

size_t padding(const Window& w, PlaylistType type) {
  // After the end a list may be as short as it is.
  if (type == PlaylistType::event || w.ended || w.target_duration <= 0ns || !is_whole(w)) return 0;
  const Time wanted = kHoldBack * w.target_duration;
  Time listed{};
  for (size_t i = w.first_listed; i < w.segments->size() && listed < wanted; ++i)
    listed += (*w.segments)[i]->duration;
  if (listed >= wanted) return 0;
  const auto missing =
      static_cast<uint64_t>((wanted - listed + w.target_duration - 1ns) / w.target_duration);
  return std::min(missing, w.first_number);
}

size_t skippable(const Window& w) {
  Time behind{};  // from the end of segment i - 1 to the end of the last
  // One that is told as parts is not there to skip from.
  for (size_t i = w.segments->size() - (tip_is_held(w) ? 1 : 0); i > w.first_listed; --i) {
    if (behind >= kSkipAfter * w.target_duration) return i - w.first_listed;
    behind += (*w.segments)[i - 1]->duration;
  }
  return 0;
}

std::string media_playlist(const Window& now, const PlaylistOptions& o, Extent extent) {
  const Window w = as_told(now);
  Writer out;
  const size_t padded = padding(w, o.type);
  const size_t skipped = extent == Extent::delta && !w.ended ? skippable(w) : 0;
  write_head(out, w, o, padded);
  if (skipped > 0) {
    out.line("#EXT-X-SKIP:SKIPPED-SEGMENTS={}", skipped + padded);
    out.known((*w.segments)[w.first_listed + skipped - 1]->init);
  } else {
    write_padding(out, w, padded);
  }
  write_segments(out, w, o, w.first_listed + skipped);
  write_open(out, w, o);
  write_hint(out, now, o);
  for (const auto& report : o.reports) write_report(out, report);
  if (w.ended) out.text("#EXT-X-ENDLIST\n");
  return out.take();
}

std::string ts_playlist(const Window& w, PlaylistType type) {
  Writer out;
  out.text("#EXTM3U\n#EXT-X-VERSION:3\n");
  if (type == PlaylistType::event && is_whole(w)) out.text("#EXT-X-PLAYLIST-TYPE:EVENT\n");
  out.line("#EXT-X-TARGETDURATION:{}", w.target_duration / 1s);
  out.line("#EXT-X-MEDIA-SEQUENCE:{}", first_listed_number(w));
  out.line("#EXT-X-DISCONTINUITY-SEQUENCE:{}", w.discontinuity_sequence);
  for (size_t i = w.first_listed; i < w.segments->size(); ++i) {
    out.begin(*(*w.segments)[i]);
    out.end(*(*w.segments)[i]);
  }
  if (w.ended) out.text("#EXT-X-ENDLIST\n");
  return out.take();
}

}  // namespace weir::hls
