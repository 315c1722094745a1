// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/tcp.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/pollable.h"
#include "net/signal.h"

namespace weir::net {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<Address> numeric(std::string host, uint16_t port) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  Address a;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&a.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&a.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    a.size = sizeof *v4;
    return a;
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    a.size = sizeof *v6;
    return a;
  }
  return fail(Code::protocol, "\"" + host + "\" is not a numeric address");
}

uint16_t port_of(Address& a) {
  return a.storage.ss_family == AF_INET6
             ? ntohs(reinterpret_cast<sockaddr_in6*>(&a.storage)->sin6_port)
             : ntohs(reinterpret_cast<sockaddr_in*>(&a.storage)->sin_port);
}

// IPv4-mapped IPv6 addresses read as IPv4: rules and logs mean the same peer.
std::string text_of(Address& a) {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (a.storage.ss_family == AF_INET6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&a.storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
      inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, buffer, sizeof buffer);
    else
      inet_ntop(AF_INET6, &v6->sin6_addr, buffer, sizeof buffer);
  } else {
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&a.storage)->sin_addr, buffer,
              sizeof buffer);
  }
  return buffer;
}

Error system_error(std::string_view doing) {
  return {Code::io, std::string(doing) + ": " + std::strerror(errno)};
}

// An interrupted call has left no edge to wait for: it is made again.
template <class F>
ssize_t uninterrupted(F call) {
  for (;;) {
    const ssize_t n = call();
    if (n >= 0 || errno != EINTR) return n;
  }
}

Io io_of(ssize_t n) {
  if (n > 0) return {Io::Status::ok, static_cast<size_t>(n)};
  if (n == 0) return {Io::Status::closed};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {Io::Status::would_block};
  if (errno == ECONNRESET || errno == EPIPE) return {Io::Status::closed};
  return {Io::Status::failed, 0, errno};
}

// After so many connections in one go the core turns to its other work.
constexpr int kAcceptsInARow = 64;

class TcpStream final : public ByteStream {
 public:
  TcpStream(Core& core, int fd, Address& remote) : poll_(core, fd), address_(text_of(remote)) {
    peer_ = (address_.find(':') != std::string::npos ? "[" + address_ + "]" : address_) + ":" +
            std::to_string(port_of(remote));
  }
  Io try_read(std::span<uint8_t> into) override {
    if (poll_.closed()) return {Io::Status::closed};
    return io_of(uninterrupted([&] { return recv(poll_.fd(), into.data(), into.size(), 0); }));
  }
  Io try_write(std::span<const iovec> pieces) override {
    if (poll_.closed()) return {Io::Status::closed};
    // The usual case; the kernel has less to copy and check than with sendmsg.
    if (pieces.size() == 1) {
      return io_of(uninterrupted(
          [&] { return ::send(poll_.fd(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL); }));
    }
    msghdr m{};
    m.msg_iov = const_cast<iovec*>(pieces.data());
    m.msg_iovlen = std::min<size_t>(pieces.size(), 1024);
    return io_of(uninterrupted([&] { return sendmsg(poll_.fd(), &m, MSG_NOSIGNAL); }));
  }
  void wait_readable(Waiter& w) override { poll_.wait_readable(w); }
  void wait_writable(Waiter& w) override { poll_.wait_writable(w); }
  void close() override { poll_.close(); }
  const std::string& peer() const override { return peer_; }
  const std::string& peer_address() const override { return address_; }
  int64_t unsent() const override {
    int n = 0;
    if (poll_.closed() || ioctl(poll_.fd(), SIOCOUTQ, &n) != 0) return -1;
    return n;
  }

 private:
  Pollable poll_;
  std::string address_, peer_;
};

}  // namespace

struct TcpListener::State {
  State(Core& c, int fd, TcpOptions o) : core(c), poll(c, fd), options(o), retry(c) {}
  Core& core;
  Pollable poll;
  TcpOptions options;
  uint16_t port = 0;
  Signal retry;
  int in_a_row = 0;
  struct Readable final : Waiter {
    explicit Readable(Pollable& p) : poll(p) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) {
      waiting = h;
      poll.wait_readable(*this);
    }
    void await_resume() const {}
    void ready() override { waiting.resume(); }
    Pollable& poll;
    std::coroutine_handle<> waiting;
  };
};

TcpListener::TcpListener(std::unique_ptr<State> s) : state_(std::move(s)) {}
TcpListener::~TcpListener() = default;

Result<std::unique_ptr<TcpListener>> TcpListener::open(Core& core, const std::string& host,
                                                       uint16_t port, TcpOptions options) {
  TRY(Address a, numeric(host.empty() ? "0.0.0.0" : host, port));
  const int fd = socket(a.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(system_error("socket"));
  const int one = 1, zero = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (!options.first) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (a.storage.ss_family == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  // The first lets the others in between bind and listen: socket(7), SO_REUSEPORT.
  if (bind(fd, a.get(), a.size) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0 || ::listen(fd, 4096) != 0) {
    auto e = system_error("listen on " + host + ":" + std::to_string(port));
    ::close(fd);
    return fail(std::move(e));
  }
  getsockname(fd, a.get(), &a.size);
  auto state = std::make_unique<State>(core, fd, options);
  state->port = port_of(a);
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(state)));
}

uint16_t TcpListener::port() const { return state_->port; }

void TcpListener::close() {
  state_->poll.close();
  state_->retry.notify();
}

Task<Result<std::unique_ptr<ByteStream>>> TcpListener::accept() {
  for (;;) {
    if (state_->poll.closed()) co_return fail(Code::closed, "listener closed");
    if (++state_->in_a_row > kAcceptsInARow) {
      state_->in_a_row = 0;
      co_await on(state_->core);
      continue;
    }
    Address remote;
    const int fd =
        accept4(state_->poll.fd(), remote.get(), &remote.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      const int one = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      if (state_->options.send_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &state_->options.send_buffer, sizeof(int));
      co_return std::make_unique<TcpStream>(state_->core, fd, remote);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      state_->in_a_row = 0;
      State::Readable readable(state_->poll);
      co_await readable;
    } else if (errno != ECONNABORTED && errno != EINTR) {
      // Mostly out of descriptors: the connection stays in the kernel's queue until one is free.
      co_await state_->retry.wait_for(50ms);
    }
  }
}

Task<Result<std::unique_ptr<ByteStream>>> dial_tcp(Core& core, std::string host, uint16_t port,
                                                   std::string local) {
  CO_TRY(Address remote, numeric(host, port));
  const int fd = socket(remote.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(system_error("socket"));
  auto stream = std::make_unique<TcpStream>(core, fd, remote);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (!local.empty()) {
    CO_TRY(Address from, numeric(local, 0));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, from.get(), from.size) != 0) co_return fail(system_error("bind " + local));
  }
  if (connect(fd, remote.get(), remote.size) != 0) {
    if (errno != EINPROGRESS) co_return fail(system_error("connect to " + stream->peer()));
    co_await stream->writable();
    int problem = 0;
    socklen_t size = sizeof problem;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size);
    errno = problem;
    if (problem != 0) co_return fail(system_error("connect to " + stream->peer()));
  }
  co_return stream;
}

}  // namespace weir::net
