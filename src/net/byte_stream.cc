// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/byte_stream.h"

#include <cstring>
#include <vector>

namespace weir::net {

Error io_error(const Io& io, std::string_view doing) {
  if (io.status == Io::Status::closed) return {Code::closed, "peer closed"};
  return {Code::io, std::string(doing) + ": " + std::strerror(io.error)};
}

bool ByteStream::Read::await_ready() {
  io_ = stream_.try_read(into_);
  return io_.status != Io::Status::would_block;
}

void ByteStream::Read::await_suspend(std::coroutine_handle<> h) {
  waiting_ = h;
  stream_.wait_readable(*this);
}

void ByteStream::Read::ready() {
  io_ = stream_.try_read(into_);
  if (io_.status == Io::Status::would_block) {
    stream_.wait_readable(*this);
  } else {
    waiting_.resume();
  }
}

Result<size_t> ByteStream::Read::await_resume() {
  if (io_.status == Io::Status::ok) return io_.count;
  return fail(io_error(io_, "read"));
}

Task<Result<>> ByteStream::write_all(ByteSpan data) {
  while (!data.empty()) {
    const iovec piece{const_cast<uint8_t*>(data.data()), data.size()};
    const Io io = try_write({&piece, 1});
    if (io.status == Io::Status::ok) {
      data = data.subspan(io.count);
    } else if (io.status == Io::Status::would_block) {
      co_await writable();
    } else {
      co_return fail(io_error(io, "write"));
    }
  }
  co_return Result<>{};
}

Task<Result<>> ByteStream::write_all(std::span<const iovec> pieces) {
  std::vector<iovec> left(pieces.begin(), pieces.end());
  size_t first = 0;
  while (first < left.size()) {
    const Io io = try_write(std::span(left).subspan(first));
    if (io.status == Io::Status::would_block) {
      co_await writable();
      continue;
    }
    if (io.status != Io::Status::ok) co_return fail(io_error(io, "write"));
    size_t n = io.count;
    while (first < left.size() && n >= left[first].iov_len) n -= left[first++].iov_len;
    if (n > 0) {
      left[first].iov_base = static_cast<uint8_t*>(left[first].iov_base) + n;
      left[first].iov_len -= n;
    }
  }
  co_return Result<>{};
}

}  // namespace weir::net
