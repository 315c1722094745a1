// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/publisher.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "load/rtmp_client.h"
#include "load/stamp.h"
#include "protocols/rtmp/chunk_reader.h"
#include "protocols/rtmp/chunk_writer.h"

namespace weir::bench {
namespace {

constexpr uint32_t kChunkSize = 4096;  // OBS's

class Publisher {
 public:
  Publisher(const Address& server, const std::string& path)
      : client_(RtmpClient::Role::publish, server, split_path(path)) {}
  ~Publisher() {
    if (fd_ >= 0) close(fd_);
  }
  Publisher(const Publisher&) = delete;

  Result<> begin(const Address& server);
  Result<> play(const Clip& clip);

 private:
  Result<> wait(short events);
  Result<> flush();
  Result<> drain();
  Result<> send(const flv::Tag&, uint32_t timestamp);

  int fd_ = -1;
  RtmpClient client_;
};

Result<> Publisher::wait(short events) {
  pollfd p{fd_, events, 0};
  if (poll(&p, 1, 5000) <= 0) return fail(Code::timeout, "the server does not answer");
  return {};
}

Result<> Publisher::flush() {
  ByteSpan left = client_.out();
  while (!left.empty()) {
    const ssize_t n = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
    if (n > 0) {
      left = left.subspan(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      TRY(wait(POLLOUT));
    } else {
      return fail(Code::io, std::string("send: ") + std::strerror(errno));
    }
  }
  client_.out().clear();
  return {};
}

// Reads what the server says, without waiting.
Result<> Publisher::drain() {
  std::array<uint8_t, 4096> buffer;
  for (;;) {
    const ssize_t n = recv(fd_, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) return fail(Code::closed, "the server closed the connection");
    ByteSpan in = ByteSpan(buffer).first(static_cast<size_t>(n));
    while (client_.next(in)) {
    }
    if (!client_.ok())
      return fail(Code::protocol, "the server said no, or nothing that makes sense");
  }
  return flush();
}

Result<> Publisher::begin(const Address& server) {
  TRY(fd_, start_connect(server));
  TRY(wait(POLLOUT));
  TRY(flush());
  while (!client_.begun()) {
    TRY(wait(POLLIN));
    TRY(drain());
  }
  ByteWriter w;
  w.u32(kChunkSize);
  rtmp::append_message(
      client_.out(),
      {.type = rtmp::MessageType::set_chunk_size, .chunk_stream = rtmp::kControlChunkStream},
      w.span(), rtmp::kDefaultChunkSize);
  return flush();
}

Result<> Publisher::send(const flv::Tag& tag, uint32_t timestamp) {
  rtmp::MessageHeader header{static_cast<rtmp::MessageType>(tag.type), client_.stream_id(),
                             timestamp, rtmp::kAudioChunkStream};
  ByteSpan head, rest = tag.body;
  std::array<uint8_t, kVideoTagHeaderSize + kStampSize> stamped;
  if (tag.type == flv::TagType::video) {
    header.chunk_stream = rtmp::kVideoChunkStream;
    if (tag.body.size() > kVideoTagHeaderSize && tag.body[1] == 1) {
      const auto stamp = make_stamp(monotonic());
      std::copy_n(rest.begin(), kVideoTagHeaderSize, stamped.begin());
      std::copy(stamp.begin(), stamp.end(), stamped.begin() + kVideoTagHeaderSize);
      head = stamped;
      rest = rest.subspan(kVideoTagHeaderSize);
    }
  }
  rtmp::append_message(client_.out(), header, head, rest, kChunkSize);
  return flush();
}

Result<> Publisher::play(const Clip& clip) {
  for (const flv::Tag& t : clip.headers) TRY(send(t, 0));
  const Time start = monotonic();
  for (Time round{};; round += clip.length) {
    for (const flv::Tag& t : clip.tags) {
      const Time at = round + std::chrono::milliseconds{t.timestamp_ms};
      sleep_until(start + at);
      TRY(drain());
      TRY(send(t, static_cast<uint32_t>(to_ticks(at, 1000))));
    }
  }
}

Result<> run(const Address& server, const std::string& path, const Clip& clip, void (*begun)()) {
  Publisher p(server, path);
  TRY(p.begin(server));
  begun();
  return p.play(clip);
}

}  // namespace

Error publish(const Address& server, const std::string& path, const Clip& clip, void (*begun)()) {
  return run(server, path, clip, begun).error();
}

}  // namespace weir::bench
