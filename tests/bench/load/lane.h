// Weir live-streaming server. MIT licence, see LICENSE.

// Lane: what all viewers of one media playlist find out together: which parts there are, in order,
// the texts of the requests for them, when each was born, and how long after that each viewer had
// it. A part is complete once the frame behind it has come, so the stamp of the next part's first
// frame is its birth; what was measured before that is known waits. Owned by the command, on the
// one thread. Bounded: kMost parts.
#pragma once

#include <deque>
#include <string>

#include "load/playlist_skim.h"
#include "load/samples.h"

namespace weir::bench {

class Lane {
 public:
  // timed: it carries stamps. Sound does not.
  enum class Kind { timed, untimed };
  struct Part {
    PartId id;
    std::string request;  // for its bytes
    Time announced{};     // to the first viewer
    bool stamp_seen = false;
    std::optional<Time> birth;
    std::vector<Time> listed, fetched;  // while there is no birth
  };

  // `path`: "/live/name"; `id`: "v1".
  Lane(const std::string& path, std::string_view id, const std::string& host, Kind kind);

  const std::string& join_request() const { return join_; }
  // Blocks until the playlist has this part; a delta.
  const std::string& reload_request(PartId next);
  std::string media_request(std::string_view name) const;

  // Numbers of parts: 0, 1, 2 ... as they were first announced. nullopt for one that is too old.
  std::optional<size_t> enter(const NamedPart&, Time now);
  size_t end() const { return first_ + parts_.size(); }
  bool has(size_t number) const { return number >= first_ && number < end(); }
  const Part& part(size_t number) const { return parts_[number - first_]; }
  std::optional<Time> birth(const PartId&) const;

  // A viewer had it in its playlist, or had its last byte, just now.
  void listed(size_t number, Time now);
  void fetched(size_t number, Time now);
  bool wants_stamp(size_t number) const;
  // The first frame of this part was sent then.
  void stamp(size_t number, Time sent);

  Samples playlist_latency, part_latency;

 private:
  static constexpr size_t kMost = 512;
  Part& at(size_t number) { return parts_[number - first_]; }

  Kind kind_;
  std::string base_, id_, tail_;
  std::string join_, reload_;
  PartId reload_next_;
  std::deque<Part> parts_;
  size_t first_ = 0;
};

}  // namespace weir::bench
