// Weir live-streaming server. MIT licence, see LICENSE.

// weir-floor: the least that a single-threaded sender can do on this kernel: one send() per viewer
// and batch of an FLV stream that it keeps in memory, no publisher, no protocol beyond a fixed HTTP
// head. What it costs per gigabit is what a real server's cost is held against.
//   weir-floor PORT CLIP BATCH_MS    loops the clip at its own pace, to everyone who sends anything
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "load/clip.h"
#include "load/loop.h"

namespace weir::bench {
namespace {

constexpr size_t kBacklog = 4 << 20;  // a viewer that is further behind loses what comes

std::vector<uint8_t> tag_bytes(const flv::Tag& t) {
  ByteWriter w;
  w.bytes(flv::make_tag_header(t.type, t.body.size(), t.timestamp_ms));
  w.bytes(t.body);
  w.bytes(flv::make_tag_trailer(t.body.size()));
  return std::move(w.vector());
}

class Floor;

class Client final : public Handler {
 public:
  Client(Floor& floor, int fd) : floor_(floor), fd_(fd) {}
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;

  void send(ByteSpan batch);
  int fd() const { return fd_; }

 private:
  void ready(uint32_t) override;

  Floor& floor_;
  int fd_;
  bool watching_ = false;
  std::vector<uint8_t> behind_;  // what the socket had no room for
};

class Floor final : Handler {
 public:
  Floor(const Clip& clip, Time batch);
  bool listen(uint16_t port);
  void run();
  void drop(Client&);
  const std::vector<uint8_t>& preface() const { return preface_; }

 private:
  void ready(uint32_t) override;
  Time due() const {
    return start_ + round_ + std::chrono::milliseconds{clip_.tags[next_].timestamp_ms};
  }
  void send(ByteSpan);

  const Clip& clip_;
  const Time batch_;
  std::vector<std::vector<uint8_t>> tags_;
  std::vector<uint8_t> preface_, collected_;
  Loop loop_;
  int listener_ = -1;
  std::vector<std::unique_ptr<Client>> clients_, gone_;
  Time start_ = monotonic(), round_{};
  size_t next_ = 0;
};

void Client::send(ByteSpan batch) {
  if (!watching_) return;
  if (!behind_.empty()) {
    const ssize_t n = ::send(fd_, behind_.data(), behind_.size(), MSG_NOSIGNAL);
    if (n > 0) behind_.erase(behind_.begin(), behind_.begin() + n);
    if (!behind_.empty()) {
      if (behind_.size() < kBacklog) behind_.insert(behind_.end(), batch.begin(), batch.end());
      return;
    }
  }
  const ssize_t n = ::send(fd_, batch.data(), batch.size(), MSG_NOSIGNAL);
  const ByteSpan rest = batch.subspan(n > 0 ? static_cast<size_t>(n) : 0);
  behind_.assign(rest.begin(), rest.end());
}

void Client::ready(uint32_t) {
  std::array<uint8_t, 4096> request;
  const ssize_t n = recv(fd_, request.data(), request.size(), 0);
  if (n == 0 || (n < 0 && errno != EAGAIN)) return floor_.drop(*this);
  if (n < 0 || watching_) return;
  watching_ = true;
  send(floor_.preface());
}

Floor::Floor(const Clip& clip, Time batch) : clip_(clip), batch_(batch) {
  ByteWriter w;
  w.text("HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n");
  w.bytes(flv::make_file_header({.audio = true, .video = true}));
  for (const flv::Tag& t : clip.headers) w.bytes(tag_bytes(t));
  preface_ = std::move(w.vector());
  for (const flv::Tag& t : clip.tags) tags_.push_back(tag_bytes(t));
}

bool Floor::listen(uint16_t port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0 ||
      ::listen(listener_, 4096) != 0) {
    std::perror("listen");
    return false;
  }
  loop_.add(listener_, EPOLLIN, *this);
  return true;
}

void Floor::ready(uint32_t) {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    clients_.push_back(std::make_unique<Client>(*this, fd));
    loop_.add(fd, EPOLLIN, *clients_.back());
  }
}

// Kept until the turn is over: it may still stand in the loop's list of what is ready.
void Floor::drop(Client& c) {
  const auto at =
      std::find_if(clients_.begin(), clients_.end(), [&](auto& p) { return p.get() == &c; });
  if (at == clients_.end()) return;
  loop_.remove(c.fd());
  gone_.push_back(std::move(*at));
  clients_.erase(at);
}

void Floor::send(ByteSpan batch) {
  for (const auto& c : clients_) c->send(batch);
}

void Floor::run() {
  Time flush_at = start_;
  for (;;) {
    const Time now = monotonic();
    for (; due() <= now; next_ = (next_ + 1) % tags_.size()) {
      const auto& tag = tags_[next_];
      if (batch_ > 0ns)
        collected_.insert(collected_.end(), tag.begin(), tag.end());
      else
        send(tag);
      if (next_ + 1 == tags_.size()) round_ += clip_.length;
    }
    if (batch_ > 0ns && now >= flush_at) {
      if (!collected_.empty()) send(collected_);
      collected_.clear();
      flush_at = now + batch_;
    }
    const Time until = batch_ > 0ns ? std::min(due(), flush_at) : due();
    loop_.turn(std::max(0ns, until - monotonic()));
    gone_.clear();
  }
}

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: weir-floor PORT CLIP BATCH_MS\n", stderr);
    return 2;
  }
  raise_file_limit();
  const auto clip = read_clip(argv[2]);
  if (!clip) {
    std::fprintf(stderr, "%s\n", clip.error().what.c_str());
    return 2;
  }
  Floor floor(*clip, std::chrono::milliseconds{std::atol(argv[3])});
  if (!floor.listen(static_cast<uint16_t>(std::atoi(argv[1])))) return 1;
  floor.run();
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) { return weir::bench::main(argc, argv); }
