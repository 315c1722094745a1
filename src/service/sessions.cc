// Weir live-streaming server. MIT licence, see LICENSE.
#include "service/sessions.h"

namespace weir::service {

Sessions::~Sessions() {
  for (auto& part : parts_) CHECK(!part, "sessions are stopped before they go");
}

net::Task<Result<>> Sessions::listen(Endpoint endpoint, int max_sessions) {
  net::Core& home = net::Core::here();
  parts_.resize(static_cast<size_t>(cores_.size()));
  port_ = endpoint.port;
  for (int i = 0; i < cores_.size(); ++i) {
    co_await net::on(cores_[i]);
    auto listener = net::TcpListener::open(cores_[i], endpoint.host, port_, {.first = i == 0});
    if (!listener) {
      co_await net::on(home);
      co_await stop();  // the cores before this one listen already
      co_return std::unexpected(std::move(listener.error()));
    }
    port_ = (*listener)->port();
    auto part = std::make_unique<Part>(cores_[i]);
    part->listener = *std::move(listener);
    part->group.spawn(accept_loop(*part, max_sessions));
    parts_[static_cast<size_t>(i)] = std::move(part);
  }
  co_await net::on(home);
  co_return Result<>{};
}

net::Task<> Sessions::accept_loop(Part& part, int max_sessions) {
  for (;;) {
    auto stream = co_await part.listener->accept();
    if (!stream) co_return;
    // Over the limit the connection is closed at once, before anything is kept for it.
    if (count_->fetch_add(1, std::memory_order_relaxed) >= static_cast<size_t>(max_sessions)) {
      count_->fetch_sub(1, std::memory_order_relaxed);
      continue;
    }
    part.group.spawn(one(part, *std::move(stream)));
  }
}

net::Task<> Sessions::one(Part& part, std::unique_ptr<net::ByteStream> stream) {
  part.open.insert(stream.get());
  co_await serve_(*stream);
  part.open.erase(stream.get());
  count_->fetch_sub(1, std::memory_order_relaxed);
}

net::Task<> Sessions::drain() {
  net::Core& home = net::Core::here();
  for (int i = 0; i < cores_.size() && static_cast<size_t>(i) < parts_.size(); ++i) {
    co_await net::on(cores_[i]);
    if (auto& part = parts_[static_cast<size_t>(i)]) part->listener->close();
  }
  co_await net::on(home);
}

net::Task<> Sessions::stop() {
  net::Core& home = net::Core::here();
  for (int i = 0; i < cores_.size() && static_cast<size_t>(i) < parts_.size(); ++i) {
    auto& part = parts_[static_cast<size_t>(i)];
    if (!part) continue;
    co_await net::on(cores_[i]);
    part->listener->close();
    for (net::ByteStream* s : part->open) s->close();
    co_await part->group.close();
    part.reset();
  }
  co_await net::on(home);
}

}  // namespace weir::service
