// Weir live-streaming server. MIT licence, see LICENSE.

// Writes messages as chunks. Pure and stateless: each message starts with a full (type 0) header,
// so the same bytes suit every viewer whatever it was sent before, and are made once for all of
// them. The rest of a message follows in type 3 chunks, with the extended timestamp repeated when
// there is one, as RTMP 1.0 5.3.1.3 wants.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "protocols/rtmp/message.h"

namespace weir::rtmp {

// Appends the message whose payload is `head` followed by `body` (a tag header and a frame, so that
// they need not be joined first). A payload is at most 0xffffff bytes; chunk_size is at least 1.
void append_message(std::vector<uint8_t>& out, const MessageHeader&, ByteSpan head, ByteSpan body,
                    uint32_t chunk_size);
inline void append_message(std::vector<uint8_t>& out, const MessageHeader& header, ByteSpan payload,
                           uint32_t chunk_size) {
  append_message(out, header, payload, {}, chunk_size);
}
inline void append_message(std::vector<uint8_t>& out, const Message& message, uint32_t chunk_size) {
  append_message(out, message, message.payload, {}, chunk_size);
}

// Exactly how many bytes append_message will add.
size_t chunked_size(const MessageHeader&, size_t payload_size, uint32_t chunk_size);

}  // namespace weir::rtmp
