// Weir live-streaming server. MIT licence, see LICENSE.

// For tests: runs bytes through a ChunkReader in pieces of any size and collects what comes out.
// Pure. Leaves out the handshake and what the messages mean; whole sessions are
// session_fixture.h's.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "protocols/rtmp/chunk_reader.h"

namespace weir::rtmp {

struct ReadBack {
  std::vector<Message> messages;
  std::optional<Error> error;
};

// Each piece is copied to a place of its own that is freed right after, so that a reader which kept
// a reference into its input shows under AddressSanitizer.
inline ReadBack read_back(ChunkReader& reader, ByteSpan in, size_t step = SIZE_MAX) {
  ReadBack out;
  while (!in.empty()) {
    const size_t count = std::min(step, in.size());
    const std::vector<uint8_t> piece(in.begin(), in.begin() + static_cast<ptrdiff_t>(count));
    in = in.subspan(count);
    reader.feed(piece);
    while (true) {
      auto message = reader.next();
      if (!message) {
        out.error = message.error();
        return out;
      }
      if (!*message) break;
      out.messages.push_back(**std::move(message));
    }
  }
  return out;
}

}  // namespace weir::rtmp
