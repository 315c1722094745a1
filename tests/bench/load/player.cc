// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/player.h"

#include <utility>

#include "load/stamp.h"

namespace weir::bench {
namespace {

constexpr Time kBehind = 1s;
constexpr int kOk = 200;

// Of all players: one answer is looked at after the other.
PlaylistEnd& scratch() {
  static PlaylistEnd end;
  return end;
}

}  // namespace

void Player::connected() { ask(lane_.join_request(), AnswerSkim::Body::kept); }

void Player::answered(const AnswerSkim& answer, Time now) {
  if (answer.status() != kOk)
    return end((fetching_ ? "a part: HTTP " : "a playlist: HTTP ") +
               std::to_string(answer.status()));
  if (fetching_) return got_part(now);
  got_playlist(answer.body(), now);
}

void Player::some_body(ByteSpan bytes) {
  if (const auto sent = find_stamp(bytes)) lane_.stamp(next_, *sent);
}

void Player::got_playlist(ByteSpan text, Time now) {
  ++playlists_;
  PlaylistEnd& news = scratch();
  if (!skim_playlist({reinterpret_cast<const char*>(text.data()), text.size()}, known_, news))
    return end("a playlist without parts or without a hint");
  if (news.fresh.empty()) return end("a playlist that has not what was waited for");
  const bool joining = !std::exchange(joined_, true);
  for (const NamedPart& part : news.fresh) {
    const auto number = lane_.enter(part, now);
    if (!number) return end("fell too far behind");
    // Who joins gets a list of things long born.
    if (!joining) lane_.listed(*number, now);
    listed_ = *number + 1;
  }
  if (joining) next_ = listed_;
  known_ = news.fresh.back().id;
  hint_ = news.hint.id;
  hint_name_ = news.hint.name;
  go_on();
}

void Player::got_part(Time now) {
  ++parts_;
  lane_.fetched(next_, now);
  behind_ |= is_late(now);
  ++next_;
  go_on();
}

void Player::go_on() {
  fetching_ = next_ < listed_;
  if (!fetching_) return ask(lane_.reload_request(hint_), AnswerSkim::Body::kept);
  if (!lane_.has(next_)) return end("fell too far behind");
  ask(lane_.part(next_).request, AnswerSkim::Body::counted);
}

bool Player::is_late(Time now) const {
  return joined_ && lane_.has(next_) && now - lane_.part(next_).announced > kBehind;
}

bool Player::take_behind(Time now) { return std::exchange(behind_, false) || is_late(now); }

}  // namespace weir::bench
