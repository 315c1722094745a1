// Weir live-streaming server. MIT licence, see LICENSE.

// Output: answers rendered but not yet written, so that several leave in one system call. Heads are
// copied into one reused text, bodies are only referred to and kept alive. Owned by a connection,
// lives on its core.
#pragma once

#include <sys/uio.h>

#include <string>
#include <string_view>
#include <vector>

#include "net/byte_stream.h"
#include "net/http/content.h"

namespace weir::net::http {

class Output {
 public:
  // The text that the next head is appended to; what was appended goes out before bodies added
  // later.
  std::string& text() { return text_; }
  void body(ContentPtr content) {
    for (const auto& piece : content->body()) add(piece.span());
    contents_.push_back(std::move(content));
  }
  void gzip_body(ContentPtr content) {
    add(content->gzip().span());
    contents_.push_back(std::move(content));
  }
  // Part of the plain body.
  void body_part(ContentPtr content, uint64_t first, uint64_t count);
  void bytes(Bytes b) {
    add(b.span());
    kept_.push_back(std::move(b));
  }

  bool empty() const { return text_.empty() && pieces_.empty(); }
  // Enough that it is time to write.
  bool full() const { return pieces_.size() >= kManyPieces || text_.size() >= kMuchText; }

  // One system call. would_block when the socket takes no more now; ok with everything written:
  // empty().
  Io write_some(ByteStream&);
  void clear();
  // Gives memory back when it is more than a small answer needs.
  void shrink();

 private:
  static constexpr size_t kManyPieces = 64, kMuchText = 16 << 10;
  void add(ByteSpan);
  void close_text();
  void gather();

  std::string text_;
  size_t text_used_ = 0;       // of text_, what pieces_ refers to
  std::vector<iovec> pieces_;  // base null: that many bytes of text_, in order
  bool gathered_ = false;      // pieces_ hold addresses; nothing may be added until cleared
  size_t first_ = 0;           // pieces_ before this are written
  std::vector<ContentPtr> contents_;
  std::vector<Bytes> kept_;
};

}  // namespace weir::net::http
