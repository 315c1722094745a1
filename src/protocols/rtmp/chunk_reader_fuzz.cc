// Weir live-streaming server. MIT licence, see LICENSE.

// Any bytes, in pieces of two sizes: the messages must be the same, what is held must stay in
// bounds, aggregates and control messages of it must parse safely, and written messages must read
// back.
#include <cstdlib>

#include "base/check.h"
#include "protocols/rtmp/chunk_writer.h"
#include "protocols/rtmp/control.h"
#include "protocols/rtmp/reader_fixture.h"

using namespace weir;
using namespace weir::rtmp;

namespace {

constexpr ChunkReaderLimits kLimits{.message = 1 << 16, .partial = 1 << 17, .chunk_streams = 8};

void same(const ReadBack& a, const ReadBack& b) {
  CHECK(a.messages.size() == b.messages.size() && a.error == b.error, "pieces change what is read");
  for (size_t i = 0; i < a.messages.size(); ++i) {
    const Message &x = a.messages[i], &y = b.messages[i];
    CHECK(static_cast<const MessageHeader&>(x) == y && x.payload == y.payload,
          "pieces change a message");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan in(data + 1, size - 1);
  ChunkReader whole(kLimits), pieces(kLimits);
  const ReadBack a = read_back(whole, in);
  same(a, read_back(pieces, in, 1 + data[0] % 32));
  CHECK(whole.partial_bytes() <= kLimits.partial, "holds too much");
  std::vector<uint8_t> written;
  for (const Message& m : a.messages) {
    unpack_aggregate(m);
    (void)parse_user_control(m);
    (void)parse_control_number(m);
    (void)parse_set_peer_bandwidth(m);
    append_message(written, m, kDefaultChunkSize);
  }
  ChunkReader again(kLimits);
  if (!written.empty()) same({a.messages, {}}, read_back(again, written, 100));
  return 0;
}
