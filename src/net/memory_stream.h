// Weir live-streaming server. MIT licence, see LICENSE.

// Two ByteStreams joined in memory, so that sessions are tested without ports. Each direction holds
// at most `capacity` bytes. Both ends live on one core; closing one end lets the other read what is
// left.
#pragma once

#include <memory>
#include <utility>

#include "net/byte_stream.h"
#include "net/core.h"

namespace weir::net {

std::pair<std::unique_ptr<ByteStream>, std::unique_ptr<ByteStream>> memory_pair(
    Core& core, size_t capacity = 1 << 20);

}  // namespace weir::net
