// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/client.h"

#include <array>

#include "net/tcp.h"

namespace weir::net::http {
namespace {

std::string head_of(const ClientRequest& r, const std::string& host) {
  std::string out =
      std::string(to_string(r.method)) + " " + r.target + " HTTP/1.1\r\nHost: " + host + "\r\n";
  for (const auto& h : r.headers) out += h.name + ": " + h.value + "\r\n";
  const bool has_body = !r.body.empty() || r.method == Method::post || r.method == Method::put ||
                        r.method == Method::patch;
  if (has_body) out += "Content-Length: " + std::to_string(r.body.size()) + "\r\n";
  return out + "\r\n";
}

}  // namespace

std::string_view ClientResponse::header(std::string_view name) const {
  for (const auto& h : headers)
    if (equal_ignoring_case(h.name, name)) return h.value;
  return {};
}

Client::Client(Core& core, std::unique_ptr<ByteStream> stream, Time patience)
    : stream_(std::move(stream)),
      patience_(patience),
      deadline_(core, [this] { stream_->close(); }) {}

Task<Result<std::unique_ptr<Client>>> Client::dial(Core& core, std::string address, uint16_t port,
                                                   Time patience) {
  CO_TRY(auto stream, co_await dial_tcp(core, std::move(address), port));
  co_return std::make_unique<Client>(core, std::move(stream), patience);
}

std::unexpected<Error> Client::broken(Error e) {
  usable_ = false;
  deadline_.extend(0ns);
  if (deadline_.expired()) return fail(Code::timeout, "http: no answer in time");
  return fail(std::move(e));
}

Result<> Client::parse() {
  while (!held_.empty() && !parser_->done()) {
    TRY(const size_t used, parser_->feed(held_));
    held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(used));
    if (used == 0) break;
  }
  return {};
}

Task<Result<>> Client::read_more() {
  std::array<uint8_t, 4096> buffer;
  deadline_.extend(patience_);
  const Result<size_t> n = co_await stream_->read_some(buffer);
  if (!n && (n.error().code != Code::closed || deadline_.expired())) co_return broken(n.error());
  if (!n) {
    usable_ = false;
    if (auto ended = parser_->end(); !ended) co_return broken(std::move(ended.error()));
    co_return Result<>{};
  }
  held_.insert(held_.end(), buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(*n));
  if (auto ok = parse(); !ok) co_return broken(std::move(ok.error()));
  co_return Result<>{};
}

Task<Result<ClientResponse>> Client::open(ClientRequest request) {
  if (!usable_) co_return fail(Code::closed, "http: the connection is over");
  const std::string head = head_of(request, request.host.empty() ? stream_->peer() : request.host);
  const iovec pieces[] = {{const_cast<char*>(head.data()), head.size()},
                          {const_cast<uint8_t*>(request.body.data()), request.body.size()}};
  deadline_.extend(patience_);
  const Result<> sent =
      co_await stream_->write_all(std::span(pieces).first(request.body.empty() ? 1 : 2));
  // A server may answer and close before it has read everything; what it said is still worth
  // reading.
  if (!sent && sent.error().code != Code::closed) co_return broken(sent.error());
  ClientResponse out;
  do {  // past 100 Continue
    parser_.emplace(request.method);
    if (auto ok = parse(); !ok) co_return broken(std::move(ok.error()));
    while (!parser_->head_done()) CO_TRY(co_await read_more());
    out.status = parser_->status();
  } while (out.status / 100 == 1 && out.status != 101);
  out.headers = std::move(parser_->headers());
  co_return out;
}

Task<Result<Bytes>> Client::next() {
  for (;;) {
    Bytes part = parser_->take_body();
    if (!part.empty()) co_return part;
    if (parser_->done()) break;
    CO_TRY(co_await read_more());
  }
  deadline_.extend(0ns);
  usable_ = usable_ && parser_->keep_alive();
  co_return Bytes{};
}

Task<Result<ClientResponse>> Client::fetch(ClientRequest request, size_t limit) {
  CO_TRY(ClientResponse response, co_await open(std::move(request)));
  ByteWriter body;
  for (;;) {
    CO_TRY(const Bytes part, co_await next());
    if (part.empty()) break;
    body.bytes(part);
    if (body.size() > limit)
      co_return broken(
          {Code::limit, "http: a body of more than " + std::to_string(limit) + " bytes"});
  }
  response.body = body.take();
  co_return response;
}

Client::Released Client::release() && {
  deadline_.extend(0ns);
  usable_ = false;
  return {std::move(stream_), Bytes::take(std::move(held_))};
}

}  // namespace weir::net::http
