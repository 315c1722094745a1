// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/flv/viewers.h"

#include "net/http/websocket.h"

namespace weir::flv_play {
namespace {

using net::http::Request;
using net::http::Response;

Response refusal(const Error& why) {
  switch (why.code) {
    case Code::not_found: return Response::error(404, why.what);
    case Code::denied: return Response::error(403, why.what);
    case Code::protocol: return Response::error(400, why.what);
    default: return Response::error(503, why.what).with("Retry-After", "5");
  }
}

hub::PeerPtr peer_of(const Request& r, Carrier carrier) {
  auto p = std::make_shared<hub::Peer>();
  p->protocol = carrier == Carrier::websocket ? "ws-flv" : "http-flv";
  p->address = r.peer_address;
  p->user_agent = r.header("User-Agent");
  p->query = r.query;
  return p;
}

}  // namespace

Viewers::Viewers(hub::Hub& hub, std::shared_ptr<const Config> config)
    : hub_(hub), config_(hub.cores()) {
  config_.publish(std::move(config));
  for (int i = 0; i < hub.cores().size(); ++i)
    parts_.push_back(std::make_unique<Part>(hub.cores()[i]));
}

Viewers::~Viewers() {
  for (auto& p : parts_) CHECK(!p, "viewers are stopped before they go");
}

std::shared_ptr<void> Viewers::take_seat(int most) {
  // A seat holds the count by itself: it may be given back after we are gone.
  if (count_->fetch_add(1, std::memory_order_relaxed) >= most) {
    count_->fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  return {count_.get(),
          [count = count_](void*) { count->fetch_sub(1, std::memory_order_relaxed); }};
}

net::Task<Response> Viewers::answer(Request& r) {
  const auto self = shared_from_this();
  const auto config = config_.local();
  if (!part() || part()->stopping) co_return refusal({Code::busy, "the server is stopping"});
  if (!config || !config->enabled) co_return refusal({Code::not_found, "FLV is turned off here"});
  auto key = make_stream_key(r.param("app"), r.param("stream"));
  if (!key) co_return refusal({Code::protocol, key.error().what});
  const auto carrier = net::http::wants_websocket(r) ? Carrier::websocket : Carrier::body;
  const auto form = parse_form(r, carrier);
  if (!form) co_return refusal(form.error());
  auto seat = take_seat(config->max_viewers);
  if (!seat) co_return refusal({Code::limit, "too many viewers; see flv.max_viewers"});
  auto session = Session::make({*std::move(key), *form, config->wait, peer_of(r, carrier), seat});
  const auto there = co_await session->subscribe(hub_);
  if (!there) co_return refusal(there.error());
  // When nobody takes the connection over, the session and its place in the hub go with the
  // response.
  net::http::Takeover open = [self, session](std::unique_ptr<net::ByteStream> s, Bytes early) {
    self->start(session, std::move(s), std::move(early));
  };
  if (carrier == Carrier::websocket) co_return net::http::accept_websocket(r, std::move(open));
  co_return Response::take_over("video/x-flv", std::move(open));
}

void Viewers::start(std::shared_ptr<Session> session, std::unique_ptr<net::ByteStream> stream,
                    Bytes early) {
  auto& mine = part();
  if (!mine || mine->stopping) return;
  mine->group.spawn(serve(*mine, std::move(session), std::move(stream), std::move(early)));
}

net::Task<> Viewers::serve(Part& part, std::shared_ptr<Session> session,
                           std::unique_ptr<net::ByteStream> stream, Bytes early) {
  part.open.insert(session.get());
  co_await session->run(*stream, std::move(early));
  part.open.erase(session.get());
}

net::Task<> Viewers::stop() {
  net::Core& home = net::Core::here();
  net::Cores& cores = hub_.cores();
  // All are told before the first is waited for: goodbyes take time.
  for (int i = 0; i < cores.size(); ++i) {
    co_await net::on(cores[i]);
    if (!part()) continue;
    part()->stopping = true;
    for (Session* s : part()->open) s->end({Code::closed, "the server stops"}, kGoingAway);
  }
  for (int i = 0; i < cores.size(); ++i) {
    co_await net::on(cores[i]);
    if (!part()) continue;
    co_await part()->group.close();
    part().reset();  // here, where its group lives
  }
  co_await net::on(home);
}

}  // namespace weir::flv_play
