// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/check.h"

namespace weir::bench {
namespace {

Result<sockaddr_in> numeric(const std::string& host, uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &a.sin_addr) != 1)
    return fail(Code::protocol, host + " is not a numeric IPv4 address");
  return a;
}

std::unexpected<Error> give_up(int fd, std::string doing) {
  doing += std::string(": ") + std::strerror(errno);
  close(fd);
  return fail(Code::io, std::move(doing));
}

}  // namespace

Time monotonic() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::chrono::seconds{t.tv_sec} + Time{t.tv_nsec};
}

void sleep_until(Time when) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(when);
  const timespec t{seconds.count(), (when - seconds).count()};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
  }
}

Result<Address> split_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  Address a{text.substr(0, colon)};
  if (colon == std::string::npos ||
      std::from_chars(text.data() + colon + 1, text.data() + text.size(), a.port).ec != std::errc{})
    return fail(Code::protocol, text + " is not HOST:PORT");
  return a;
}

Result<int> start_connect(const Address& to, const std::string& local) {
  TRY(const sockaddr_in remote, numeric(to.host, to.port));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(Code::io, std::string("socket: ") + std::strerror(errno));
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (!local.empty()) {
    auto from = numeric(local, 0);
    if (!from) return give_up(fd, "source " + local);
    // The port is chosen at connect(), where the whole four-tuple counts: more of them per source.
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&*from), sizeof *from) != 0)
      return give_up(fd, "bind " + local);
  }
  if (connect(fd, reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0 &&
      errno != EINPROGRESS)
    return give_up(fd, "connect");
  return fd;
}

void raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) { CHECK(epoll_ >= 0, "epoll is there"); }
Loop::~Loop() { close(epoll_); }

void Loop::add(int fd, uint32_t events, Handler& h) {
  epoll_event e{.events = events, .data = {.ptr = &h}};
  CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e) == 0, "a new descriptor can be watched");
}

void Loop::change(int fd, uint32_t events, Handler& h) {
  epoll_event e{.events = events, .data = {.ptr = &h}};
  CHECK(epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &e) == 0, "a watched descriptor can be changed");
}

void Loop::remove(int fd) { epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

size_t Loop::turn(Time most) {
  std::array<epoll_event, 128> events;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(most).count();
  const int n = epoll_wait(epoll_, events.data(), events.size(), static_cast<int>(ms));
  for (int i = 0; i < n; ++i)
    static_cast<Handler*>(events[static_cast<size_t>(i)].data.ptr)
        ->ready(events[static_cast<size_t>(i)].events);
  return static_cast<size_t>(std::max(n, 0));
}

}  // namespace weir::bench
