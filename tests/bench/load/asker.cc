// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/asker.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weir::bench {
namespace {

std::span<uint8_t> read_buffer() {
  static std::vector<uint8_t> buffer(256 * 1024);
  return buffer;
}

}  // namespace

void Asker::start(const Address& server, const std::string& source) {
  const auto fd = start_connect(server, source);
  if (!fd) return end(fd.error().what);
  fd_ = *fd;
  loop_.add(fd_, EPOLLOUT, *this);
}

void Asker::close() {
  if (fd_ < 0) return;
  loop_.remove(fd_);
  ::close(fd_);
  fd_ = -1;
}

void Asker::end(std::string why) {
  close();
  if (ended_) return;
  ended_ = true;
  ++traffic_.ended;
  traffic_.why = std::move(why);
}

// Requests are small and the socket is empty: they go out whole or something is wrong.
void Asker::ask(const std::string& request, AnswerSkim::Body body) {
  skim_.begin(body);
  const ssize_t n = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  if (n != static_cast<ssize_t>(request.size())) end("a request was not taken whole");
}

void Asker::ready(uint32_t) {
  if (fd_ < 0) return;
  if (connecting_) {
    int problem = 0;
    socklen_t size = sizeof problem;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem != 0) return end(std::strerror(problem));
    connecting_ = false;
    loop_.change(fd_, EPOLLIN, *this);
    return connected();
  }
  const auto buffer = read_buffer();
  const bool drop = skim_.left() > 0 && !skim_.is_kept() && !curious();
  const size_t most = drop ? skim_.left() : buffer.size();
  // tcp(7): MSG_TRUNC discards instead of copying.
  const ssize_t n = recv(fd_, drop ? nullptr : buffer.data(), most, drop ? MSG_TRUNC : 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return end(n == 0 ? "closed by the server" : std::strerror(errno));
  const Time now = monotonic();
  const auto size = static_cast<size_t>(n);
  traffic_.bytes += size;
  const bool complete = drop ? skim_.skip(size) : skim_.add(buffer.first(size));
  if (!skim_.ok()) return end("an answer without a length, or of another one than it said");
  if (!drop && curious()) some_body(skim_.fresh());
  if (!complete) return;
  ++traffic_.answers;
  answered(skim_, now);
}

}  // namespace weir::bench
