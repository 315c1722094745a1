// Weir live-streaming server. MIT licence, see LICENSE.

// Player: the part of a low-latency HLS viewer that follows one media playlist: waits for each
// playlist, then gets every part that is new in it, on one connection; begins behind the newest
// part. Owned by the command, on the one thread; what it learns goes to the Lane that all players
// of this playlist share. Leaves out headers (a player gets them once). Spec: RFC
// 8216bis 6.2.5.2, 6.3.
#pragma once

#include "load/asker.h"
#include "load/lane.h"

namespace weir::bench {

class Player final : public Asker {
 public:
  Player(Loop& loop, Traffic& traffic, Lane& lane) : Asker(loop, traffic), lane_(lane) {}

  // Has had a part.
  bool settled() const { return parts_ > 0; }
  uint64_t playlists() const { return playlists_; }
  uint64_t parts() const { return parts_; }
  // Whether, since the last call, it got a part more than 1 s after it was first announced to
  // anybody, or still has not got one that old.
  bool take_behind(Time now);
  // What the newest playlist announces; the name is empty before the first.
  PartId hint() const { return hint_; }
  const std::string& hint_name() const { return hint_name_; }

 private:
  void connected() override;
  void answered(const AnswerSkim&, Time now) override;
  bool curious() const override { return fetching_ && lane_.wants_stamp(next_); }
  void some_body(ByteSpan) override;
  void got_playlist(ByteSpan text, Time now);
  void got_part(Time now);
  void go_on();
  bool is_late(Time now) const;

  Lane& lane_;
  PartId known_, hint_;
  std::string hint_name_;
  size_t next_ = 0, listed_ = 0;  // the next part to get; behind the last that may be asked for
  bool joined_ = false, fetching_ = false, behind_ = false;
  uint64_t playlists_ = 0, parts_ = 0;
};

}  // namespace weir::bench
