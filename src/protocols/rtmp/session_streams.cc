// Weir live-streaming server. MIT licence, see LICENSE.
// The part of a session that publishes and plays.
#include "protocols/rtmp/chunk_writer.h"
#include "protocols/rtmp/control.h"
#include "protocols/rtmp/session.h"

namespace weir::rtmp {

net::Task<Result<>> Session::publish(const Command& call, uint32_t stream_id) {
  const auto it = streams_.find(stream_id);
  if (it == streams_.end()) co_return fail(Code::protocol, "publish on a stream that was not created");
  auto ns = it->second;
  std::string query;
  const auto key = key_of(call.arg(0).as_string(""), query);
  if (!key) {
    status(stream_id, "NetStream.Publish.BadName", key.error().what, "error");
    co_return Result<>{};
  }
  if (ns->publish || ns->play) {
    status(stream_id, "NetStream.Publish.BadConnection", "Stream already in use", "error");
    co_return Result<>{};
  }
  ns->peer = new_peer(std::move(query));
  auto publication = co_await hub_.publish(*key, ns->peer);
  if (!publication) {
    log_.warn("publish {} refused: {}", key->to_string(), publication.error().what);
    // The connection is kept: the encoder may try again under another name.
    status(stream_id, "NetStream.Publish.BadName",
           publication.error().code == Code::busy ? "Already publishing" : publication.error().what,
           "error");
    co_return Result<>{};
  }
  ns->publish = std::make_unique<Ingest>(*std::move(publication));
  log_.info("publishing {}", key->to_string());
  status(stream_id, "NetStream.Publish.Start", "Start publishing");
  co_return Result<>{};
}

void Session::unpublish(uint32_t stream_id, NetStream& ns) {
  const auto& dropped = ns.publish->dropped();
  const auto& repaired = ns.publish->repaired();
  log_.info("unpublished {} dropped={} jumps={} reordered={}", ns.publish->key().to_string(),
            dropped.total(), repaired.jumps, repaired.reordered);
  ns.publish->end(hub::Ending::clean);
  ns.publish.reset();
  status(stream_id, "NetStream.Unpublish.Success", "Stop publishing");
}

net::Task<Result<>> Session::play(const Command& call, uint32_t stream_id) {
  const auto it = streams_.find(stream_id);
  if (it == streams_.end()) co_return fail(Code::protocol, "play on a stream that was not created");
  auto ns = it->second;
  // play2 names the stream inside its parameter object.
  const flv::Value* name = &call.arg(0);
  if (const auto* inside = name->find("streamName")) name = inside;
  std::string query;
  const auto key = key_of(name->as_string(""), query);
  if (!key || ns->publish) {
    status(stream_id, "NetStream.Play.StreamNotFound", key ? "Stream already in use" : key.error().what,
           "error");
    co_return Result<>{};
  }
  if (ns->play) close_stream(stream_id);
  auto play = std::make_shared<Play>();
  play->key = *key;
  play->peer = new_peer(std::move(query));
  play->form = {stream_id, chunk_size_out_, true, true, multitrack_};
  auto subscription = co_await hub_.subscribe(*key, play->peer);
  if (!subscription) {
    status(stream_id, "NetStream.Play.StreamNotFound", "No such stream", "error");
    co_return fail(std::move(subscription.error()));
  }
  play->subscription.emplace(*std::move(subscription));
  log_.info("playing {}", key->to_string());
  say(make_user_control({UserControlEvent::stream_begin, stream_id}));
  if (call.args.size() < 4 || call.arg(3).as_number(1) != 0)
    status(stream_id, "NetStream.Play.Reset", "Playing and resetting stream");
  status(stream_id, "NetStream.Play.Start", "Start live");
  say(sample_access(stream_id));
  ns->play = std::move(play);
  ns->changed.notify();
  if (!std::exchange(ns->has_task, true)) players_.spawn(player(stream_id, ns));
  co_return Result<>{};
}

void Session::play_option(const Command& call, uint32_t stream_id) {
  const auto it = streams_.find(stream_id);
  if (it == streams_.end() || !it->second->play) return;
  Play& play = *it->second->play;
  const bool* flag = call.arg(0).get<bool>();
  if (call.name == "seek") {
    // A live stream has one position; the player is told that it is there.
    status(stream_id, "NetStream.Seek.Notify", "Seeking");
    return;
  }
  if (call.name == "receiveAudio" || call.name == "receiveVideo") {
    (call.name == "receiveAudio" ? play.form.audio : play.form.video) = !flag || *flag;
  } else {
    play.paused = flag && *flag;
    if (play.paused) {
      status(stream_id, "NetStream.Pause.Notify", "Paused live");
    } else {
      status(stream_id, "NetStream.Unpause.Notify", "Unpaused live");
    }
  }
  it->second->changed.notify();
  if (auto* viewer = outbox_.viewer()) viewer->stop({Code::busy, "player changed its mind"});
}

void Session::close_stream(uint32_t stream_id) {
  const auto it = streams_.find(stream_id);
  if (it == streams_.end()) return;
  NetStream& ns = *it->second;
  if (ns.publish) unpublish(stream_id, ns);
  if (!ns.play) return;
  log_.info("stopped playing {}", ns.play->key.to_string());
  ns.play.reset();
  ns.changed.notify();
  if (auto* viewer = outbox_.viewer()) viewer->stop({Code::busy, "player stopped"});
  status(stream_id, "NetStream.Play.Stop", "Stop live");
}

void Session::delete_stream(uint32_t stream_id) {
  close_stream(stream_id);
  const auto it = streams_.find(stream_id);
  if (it == streams_.end()) return;
  it->second->closed = true;
  it->second->changed.notify();
  streams_.erase(it);
}

net::Task<> Session::player(uint32_t stream_id, std::shared_ptr<NetStream> ns) {
  while (!ns->closed) {
    const auto play = ns->play;
    if (!play || play->paused) {
      co_await ns->changed.wait();
      continue;
    }
    if (!play->subscription) {
      // The stream had ended; wait for the next one under its name.
      auto again = co_await hub_.subscribe(play->key, play->peer);
      if (ns->play != play) continue;
      if (!again) {
        status(stream_id, "NetStream.Play.StreamNotFound", "No such stream", "error");
        close_because(std::move(again.error()));
        co_return;
      }
      play->subscription.emplace(*std::move(again));
    }
    const Error why = outbox_.viewer() ? co_await play_alone(*ns, *play) : co_await play_shared(*play);
    if (why.code == Code::closed) {
      play->subscription.reset();
    } else if (why.code != Code::busy) {
      close_because(why);
      co_return;
    }
  }
}

net::Task<Error> Session::play_shared(Play& play) {
  auto fan_out = play.subscription->fan_out(
      play.form.name(), [form = play.form] { return std::make_unique<Egress>(form); });
  auto& viewer = outbox_.lend(std::move(fan_out), play.peer);
  const uint64_t before = play.peer->bytes_out.value();
  viewer.start({});
  const Error why = co_await viewer.done();
  outbox_.take_back();
  played_bytes_ += play.peer->bytes_out.value() - before;
  co_return why;
}

net::Task<Error> Session::play_alone(const NetStream& ns, Play& play) {
  constexpr size_t kMostWaiting = 256 * 1024;
  constexpr Time kLook = 100ms;
  Egress egress(play.form);
  StreamInfoPtr info;
  while (ns.play.get() == &play && !play.paused && !closing_) {
    auto event = outbox_.waiting() < kMostWaiting ? play.subscription->try_next() : std::nullopt;
    if (!event) {
      co_await play.subscription->changed().wait_for(kLook);
      continue;
    }
    ByteWriter out;
    if (auto* i = std::get_if<StreamInfoPtr>(&*event)) {
      info = *i;
      outbox_.send(egress.preface(*info, {}));
    } else if (auto* p = std::get_if<PacketPtr>(&*event)) {
      egress.packet(*info, **p, out);
    } else if (std::holds_alternative<hub::End>(*event)) {
      egress.finish(out);
      outbox_.send(out.take());
      co_return Error{Code::closed, "stream ended"};
    }
    if (out.size() > 0) outbox_.send(out.take());
  }
  co_return Error{Code::busy, "player changed its mind"};
}

}  // namespace weir::rtmp
