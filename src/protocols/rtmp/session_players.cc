// Weir live-streaming server. MIT licence, see LICENSE.
// The tasks of a session's players.
#include "protocols/rtmp/session.h"

namespace weir::rtmp {

net::Task<> Session::player(uint32_t stream_id, std::shared_ptr<NetStream> ns) {
  while (!ns->closed) {
    const auto play = ns->play;
    if (!play || play->paused) {
      co_await ns->changed.wait();
      continue;
    }
    if (!play->subscription) {
      // After an end this waits for the next stream of that name; after a pause it joins anew.
      auto again = co_await hub_.subscribe(play->key, play->peer);
      if (ns->play != play) continue;
      if (!again) {
        status(stream_id, "NetStream.Play.StreamNotFound", "No such stream", "error");
        close_because(std::move(again.error()));
        co_return;
      }
      play->subscription.emplace(*std::move(again));
      continue;
    }
    const Error why =
        outbox_.viewer() ? co_await play_alone(*ns, *play) : co_await play_shared(*play);
    play->subscription.reset();
    if (why.code != Code::closed && why.code != Code::busy) {
      close_because(why);
      co_return;
    }
  }
}

net::Task<Error> Session::play_shared(Play& play) {
  auto fan_out = play.subscription->fan_out(
      play.form.name(), [form = play.form] { return std::make_unique<Egress>(form); });
  auto& viewer = outbox_.lend(std::move(fan_out), play.peer);
  play.shared = true;
  const uint64_t before = play.peer->bytes_out.value();
  viewer.start({});
  Error why = co_await viewer.done();
  play.shared = false;
  outbox_.take_back();
  played_bytes_ += play.peer->bytes_out.value() - before;
  co_return why;
}

// Wakes the task of this play, which looks again; another one on the same connection goes on.
void Session::interrupt(Play& play, std::string_view why) {
  if (play.shared) {
    outbox_.viewer()->stop({Code::busy, std::string(why)});
  } else if (play.subscription) {
    play.subscription->changed().notify();
  }
}

net::Task<Error> Session::play_alone(const NetStream& ns, Play& play) {
  constexpr size_t kMostWaiting = 256 * 1024;
  constexpr Time kLook = 100ms;
  Egress egress(play.form);
  StreamInfoPtr info;
  const uint32_t changes = play.changes;
  while (ns.play.get() == &play && play.changes == changes && !closing_) {
    auto event = outbox_.waiting() < kMostWaiting ? play.subscription->try_next() : std::nullopt;
    if (!event) {
      co_await play.subscription->changed().wait_for(kLook);
      continue;
    }
    ByteWriter out;
    if (auto* i = std::get_if<StreamInfoPtr>(&*event)) {
      info = *i;
      out.bytes(egress.preface(*info, {}));
    } else if (auto* p = std::get_if<PacketPtr>(&*event)) {
      egress.packet(*info, **p, out);
    } else if (std::holds_alternative<hub::End>(*event)) {
      egress.finish(out);
    }
    play.peer->bytes_out.add(out.size());
    outbox_.send(out.take());
    if (std::holds_alternative<hub::End>(*event)) co_return Error{Code::closed, "stream ended"};
  }
  co_return Error{Code::busy, "player changed its mind"};
}

}  // namespace weir::rtmp
