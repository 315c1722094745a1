// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/reload.h"

namespace weir::hls {
namespace {

using segments::Window;

// Parts of the segment that is complete, or that is in the making.
struct Edge {
  std::optional<uint64_t> complete;  // the newest complete segment
  size_t complete_parts = 0;
  std::optional<uint64_t> open;  // only with a part inside
  size_t open_parts = 0;
};

Edge edge_of(const Window& w) {
  Edge e;
  if (tip_is_held(w)) {
    const auto& all = *w.segments;
    if (all.size() > 1) {
      e.complete = all[all.size() - 2]->number;
      e.complete_parts = all[all.size() - 2]->parts.size();
    }
    e.open = all.back()->number;
    e.open_parts = all.back()->parts.size();
    return e;
  }
  if (!w.segments->empty()) {
    e.complete = w.segments->back()->number;
    e.complete_parts = w.segments->back()->parts.size();
  }
  if (w.open && !w.open->parts.empty()) {
    e.open = w.open->number;
    e.open_parts = w.open->parts.size();
  }
  return e;
}

bool has(const Edge& e, const Query& q) {
  if (e.complete && *e.complete > *q.msn) return true;
  if (!q.part) return e.complete == q.msn;
  // A part beyond the end of its segment is the first of the one that follows.
  if (e.complete == q.msn && *q.part < e.complete_parts) return true;
  if (!e.open) return false;
  return *e.open > *q.msn || (*e.open == *q.msn && *q.part < e.open_parts);
}

// "Advance Part Limit"
uint64_t advance_part_limit(Time part_target) {
  if (part_target <= 0ns || part_target >= 1s) return 3;
  return static_cast<uint64_t>((3s + part_target - 1ns) / part_target);
}

bool is_too_far(const Window& w, const Edge& e, const Query& q) {
  // What is in the making before anything is complete counts as the one behind the last.
  const uint64_t next = e.complete ? *e.complete + 1
                        : e.open   ? *e.open
                        : w.open   ? w.open->number
                                   : 0;
  if (*q.msn > next && *q.msn - next > 1) return true;
  if (!q.part) return false;
  const size_t there = e.open == q.msn ? e.open_parts : e.complete == q.msn ? e.complete_parts : 0;
  return *q.part >= there && *q.part - there >= advance_part_limit(w.part_target);
}

}  // namespace

bool tip_is_held(const Window& w) {
  return !w.ended && w.open && w.open->parts.empty() && !w.segments->empty() &&
         !w.segments->back()->parts.empty();
}

Reload reload(const Window& w, const Query& q) {
  // ENDLIST: both directives are to be ignored.
  if (!q.msn || w.ended) return Reload::answer;
  const Edge e = edge_of(w);
  if (has(e, q)) return Reload::answer;
  return is_too_far(w, e, q) ? Reload::too_far : Reload::wait;
}

Newest newest(const Window& w) {
  const Edge e = edge_of(w);
  if (e.open) return {*e.open, e.open_parts - 1};
  Newest n{e.complete.value_or(w.open ? w.open->number : 0), std::nullopt};
  if (e.complete_parts > 0) n.part = e.complete_parts - 1;
  return n;
}

bool is_of_the_edge(const Window& w, const Query& q) {
  if (!q.msn || w.ended) return false;
  const Edge e = edge_of(w);
  if (!q.part) return e.complete == q.msn && (!e.open || e.open_parts == 1);
  const Newest n = newest(w);
  if (n.msn == *q.msn) return n.part == q.part;
  // Asked for beyond the end of its segment.
  return n.msn == *q.msn + 1 && n.part == 0u && e.complete == q.msn && *q.part >= e.complete_parts;
}

}  // namespace weir::hls
