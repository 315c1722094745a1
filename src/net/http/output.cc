// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/output.h"

#include <algorithm>

#include "base/check.h"

namespace weir::net::http {

void Output::close_text() {
  CHECK(!gathered_, "nothing is added to what is being written");
  if (text_.size() == text_used_) return;
  pieces_.push_back({nullptr, text_.size() - text_used_});
  text_used_ = text_.size();
}

void Output::add(ByteSpan b) {
  if (b.empty()) return;
  close_text();
  pieces_.push_back({const_cast<uint8_t*>(b.data()), b.size()});
}

void Output::body_part(ContentPtr content, uint64_t first, uint64_t count) {
  for (const auto& piece : content->body()) {
    if (count == 0) break;
    const uint64_t skip = std::min<uint64_t>(first, piece.size());
    const uint64_t take = std::min<uint64_t>(count, piece.size() - skip);
    add(piece.span().subspan(skip, take));
    first -= skip;
    count -= take;
  }
  contents_.push_back(std::move(content));
}

void Output::gather() {
  close_text();
  gathered_ = true;
  char* at = text_.data();
  for (auto& piece : pieces_) {
    if (piece.iov_base) continue;
    piece.iov_base = at;
    at += piece.iov_len;
  }
}

Io Output::write_some(ByteStream& stream) {
  if (!gathered_) gather();
  const Io io = stream.try_write(std::span<const iovec>(pieces_).subspan(first_));
  if (io.status != Io::Status::ok) return io;
  size_t n = io.count;
  while (first_ < pieces_.size() && n >= pieces_[first_].iov_len) n -= pieces_[first_++].iov_len;
  if (first_ == pieces_.size()) {
    clear();
  } else if (n > 0) {
    auto& piece = pieces_[first_];
    piece.iov_base = static_cast<uint8_t*>(piece.iov_base) + n;
    piece.iov_len -= n;
  }
  return io;
}

void Output::clear() {
  text_.clear();
  text_used_ = 0;
  pieces_.clear();
  gathered_ = false;
  first_ = 0;
  contents_.clear();
  kept_.clear();
}

void Output::shrink() {
  if (text_.capacity() > kMuchText) text_ = {};
  if (pieces_.capacity() > kManyPieces * 2) pieces_ = {};
  if (contents_.capacity() > kManyPieces * 2) contents_ = {};
}

}  // namespace weir::net::http
