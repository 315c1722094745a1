// Weir live-streaming server. MIT licence, see LICENSE.

// Any bytes to both sides, in pieces whose size the first byte says.
#include <algorithm>

#include "base/check.h"
#include "protocols/rtmp/handshake.h"

using namespace weir;
using namespace weir::rtmp;

namespace {

template <class Side>
void run(Side side, ByteSpan in, size_t step) {
  std::vector<uint8_t> reply;
  while (!in.empty() && !side.done()) {
    const auto used = side.feed(in.first(std::min(step, in.size())), reply);
    if (!used) return;
    CHECK(*used > 0, "a handshake that is not done uses what it gets");
    in = in.subspan(*used);
  }
  CHECK(reply.size() <= 1 + 2 * kHandshakeSize, "replies too much");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan in(data + 1, size - 1);
  const size_t step = size_t{1} + data[0] * 8;
  std::array<uint8_t, kHandshakeSize> random{};
  run(ServerHandshake(random), in, step);
  run(ClientHandshake(random, HandshakeKind::digest_scheme0), in, step);
  return 0;
}
