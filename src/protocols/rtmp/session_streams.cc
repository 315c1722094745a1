// Weir live-streaming server. MIT licence, see LICENSE.
// The part of a session that publishes and plays.
#include "protocols/rtmp/chunk_writer.h"
#include "protocols/rtmp/control.h"
#include "protocols/rtmp/session.h"

namespace weir::rtmp {
namespace {

bool is_false(const flv::Value& v) { return v.get<bool>() && !*v.get<bool>(); }

}  // namespace

// publish(name, type): whatever the type, it is live. publish(false) stops.
net::Task<Result<>> Session::publish(const Command& call, uint32_t stream_id) {
  if (is_false(call.arg(0))) {
    close_stream(stream_id);
    co_return Result<>{};
  }
  CO_TRY(const auto ns, stream_at(stream_id));
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

void Session::end_publish(NetStream& ns, hub::Ending how) {
  const auto& repaired = ns.publish->repaired();
  log_.info("{} {} dropped={} jumps={} reordered={}",
            how == hub::Ending::clean ? "unpublished" : "lost as publisher of",
            ns.publish->key().to_string(), ns.publish->dropped(), repaired.jumps,
            repaired.reordered);
  ns.publish->end(how);
  ns.publish.reset();
}

void Session::unpublish(uint32_t stream_id, NetStream& ns) {
  end_publish(ns, hub::Ending::clean);
  status(stream_id, "NetStream.Unpublish.Success", "Stop publishing");
}

void Session::unpublish_by_name(std::string_view name) {
  std::string query;
  const auto key = key_of(name, query);
  for (auto& [id, ns] : streams_)
    if (key && ns->publish && ns->publish->key() == *key) unpublish(id, *ns);
}

Result<std::shared_ptr<Session::Play>> Session::wanted(const Command& call, uint32_t stream_id,
                                                       NetStream& ns) {
  // play2 names the stream inside its parameter object.
  const flv::Value* name = &call.arg(0);
  if (const auto* inside = name->find("streamName")) name = inside;
  std::string query;
  TRY(auto key, key_of(name->as_string(""), query));
  if (ns.publish) return fail(Code::busy, "Stream already in use");
  auto play = std::make_shared<Play>();
  play->key = std::move(key);
  play->peer = new_peer(std::move(query));
  play->form = {stream_id, chunk_size_out_, ns.audio, ns.video, multitrack_};
  return play;
}

// play(name, start, duration, reset). play(false) stops.
net::Task<Result<>> Session::play(const Command& call, uint32_t stream_id) {
  if (is_false(call.arg(0))) {
    close_stream(stream_id);
    co_return Result<>{};
  }
  CO_TRY(const auto ns, stream_at(stream_id));
  auto play = wanted(call, stream_id, *ns);
  if (!play) {
    status(stream_id, "NetStream.Play.StreamNotFound", play.error().what, "error");
    co_return Result<>{};
  }
  if (ns->play) close_stream(stream_id);
  auto subscription = co_await hub_.subscribe((*play)->key, (*play)->peer);
  if (!subscription) {
    status(stream_id, "NetStream.Play.StreamNotFound", "No such stream", "error");
    co_return fail(std::move(subscription.error()));
  }
  (*play)->subscription.emplace(*std::move(subscription));
  log_.info("playing {}", (*play)->key.to_string());
  say(make_user_control({UserControlEvent::stream_begin, stream_id}));
  const flv::Value& reset = call.arg(3);
  if (!is_false(reset) && reset.as_number(1) != 0)
    status(stream_id, "NetStream.Play.Reset", "Playing and resetting stream");
  status(stream_id, "NetStream.Play.Start", "Start live");
  say(sample_access(stream_id));
  ns->play = *std::move(play);
  ns->changed.notify();
  if (!std::exchange(ns->has_task, true)) players_.spawn(player(stream_id, ns));
  co_return Result<>{};
}

void Session::pause(const Command& call, uint32_t stream_id) {
  const auto it = streams_.find(stream_id);
  if (it == streams_.end() || !it->second->play) return;
  Play& play = *it->second->play;
  const bool before = std::exchange(play.paused, call.arg(0).as_bool());
  if (play.paused) {
    status(stream_id, "NetStream.Pause.Notify", "Paused live");
  } else {
    status(stream_id, "NetStream.Unpause.Notify", "Unpaused live");
  }
  if (play.paused != before) altered(*it->second);
}

// A live stream has one position; the player is told that it is there.
void Session::seek(uint32_t stream_id) {
  const auto it = streams_.find(stream_id);
  if (it == streams_.end() || !it->second->play) return;
  status(stream_id, "NetStream.Seek.Notify", "Seeking");
}

// receiveAudio and receiveVideo, which may also come before play.
void Session::receive(Kind kind, const Command& call, uint32_t stream_id) {
  const auto it = streams_.find(stream_id);
  if (it == streams_.end()) return;
  NetStream& ns = *it->second;
  const bool on = call.arg(0).as_bool(true);
  const bool audio = kind == Kind::audio;
  const bool before = std::exchange(audio ? ns.audio : ns.video, on);
  if (!ns.play || before == on) return;
  (audio ? ns.play->form.audio : ns.play->form.video) = on;
  if (on) {  // RTMP 1.0 7.2.2.4, 7.2.2.5
    status(stream_id, "NetStream.Seek.Notify", "Seeking");
    status(stream_id, "NetStream.Play.Start", "Start live");
  }
  altered(ns);
}

void Session::altered(NetStream& ns) {
  ++ns.play->changes;
  ns.changed.notify();
  interrupt(*ns.play, "player changed its mind");
}

void Session::close_stream(uint32_t stream_id) {
  const auto it = streams_.find(stream_id);
  if (it == streams_.end()) return;
  NetStream& ns = *it->second;
  if (ns.publish) unpublish(stream_id, ns);
  if (!ns.play) return;
  log_.info("stopped playing {}", ns.play->key.to_string());
  interrupt(*ns.play, "player stopped");
  ns.play.reset();
  ns.changed.notify();
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

}  // namespace weir::rtmp
