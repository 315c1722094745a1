// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/viewer.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "load/stamp.h"

namespace weir::bench {
namespace {

constexpr size_t kHttpHead = 16 * 1024;
constexpr uint8_t kVideo = 9;

// Adobe FLV 10.1 E.4.3.1: a keyframe that is no sequence header.
bool is_keyframe(ByteSpan head) { return head.size() > 1 && head[0] >> 4 == 1 && head[1] == 1; }

// All viewers are served one after the other, so they share what they read into.
std::span<uint8_t> read_buffer() {
  static std::vector<uint8_t> buffer(256 * 1024);
  return buffer;
}

}  // namespace

void Viewer::start(const std::string& source) {
  const auto fd = start_connect(target_.server, source);
  if (!fd) return end(fd.error().what);
  fd_ = *fd;
  loop_.add(fd_, EPOLLOUT, *this);
}

void Viewer::close() {
  if (fd_ < 0) return;
  loop_.remove(fd_);
  ::close(fd_);
  fd_ = -1;
}

void Viewer::end(std::string why) {
  close();
  if (ended_) return;
  ended_ = true;
  ++totals_.ended;
  totals_.why = std::move(why);
}

void Viewer::settle() {
  if (settled_) return;
  settled_ = true;
  ++totals_.settled;
}

void Viewer::ready(uint32_t) {
  if (fd_ < 0) return;
  if (connecting_) connected();
  if (fd_ < 0) return;
  const auto buffer = read_buffer();
  const ssize_t n = recv(fd_, buffer.data(), buffer.size(), 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return end(n == 0 ? "closed by the server" : std::strerror(errno));
  now_ = monotonic();
  bytes_ += static_cast<uint64_t>(n);
  totals_.bytes += static_cast<uint64_t>(n);
  read(buffer.first(static_cast<size_t>(n)));
}

void Viewer::connected() {
  int problem = 0;
  socklen_t size = sizeof problem;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &problem, &size);
  if (problem != 0) return end(std::strerror(problem));
  connecting_ = false;
  connected_at_ = monotonic();
  loop_.change(fd_, EPOLLIN, *this);
  if (target_.kind == Target::Kind::rtmp)
    rtmp_.emplace(RtmpClient::Role::play, target_.server, split_path(target_.path));
  send();
}

// Requests are small and the socket is empty: they go out whole or something is wrong.
void Viewer::send() {
  std::string request;
  ByteSpan out;
  if (rtmp_) {
    out = rtmp_->out();
  } else {
    request = "GET " + target_.path + " HTTP/1.1\r\nHost: " + target_.server.host + "\r\n\r\n";
    out = as_bytes(request);
  }
  if (out.empty()) return;
  if (::send(fd_, out.data(), out.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(out.size()))
    return end("a request was not taken whole");
  if (rtmp_) rtmp_->out().clear();
}

void Viewer::read(ByteSpan in) {
  if (!rtmp_) return read_http(in);
  rtmp_->received(in.size());
  while (auto m = rtmp_->next(in)) message(*m);
  if (!rtmp_->ok()) return end("the server said no, or nothing that makes sense");
  send();
  if (!target_.media && rtmp_->begun()) settle();
}

void Viewer::read_http(ByteSpan in) {
  if (!http_body_) {
    http_head_.append(in.begin(), in.end());
    const size_t blank = http_head_.find("\r\n\r\n");
    if (blank == std::string::npos) {
      if (http_head_.size() > kHttpHead) end("no end of the HTTP head");
      return;
    }
    if (http_head_.find(" 200 ") != 8) return end(http_head_.substr(0, http_head_.find('\r')));
    if (target_.kind == Target::Kind::flv &&
        http_head_.substr(0, blank).find("chunked") != std::string::npos)
      return end("FLV in HTTP chunks, which is not skimmed");
    http_body_ = true;
    in = in.last(http_head_.size() - blank - 4);
    http_head_ = {};
  }
  if (target_.kind == Target::Kind::http) return settle();
  while (auto m = flv_.next(in)) message(*m);
  if (!flv_.ok()) end("what the server sends is not FLV");
}

void Viewer::message(const Skimmed& m) {
  ++totals_.messages;
  settle();
  if (m.type != kVideo) return;
  if (!joined_ && is_keyframe(m.head)) {
    joined_ = true;
    totals_.join.add(now_ - connected_at_);
  }
  if (const auto sent = read_stamp(m.head)) totals_.latency.add(now_ - *sent);
}

}  // namespace weir::bench
