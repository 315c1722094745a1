// Weir live-streaming server. MIT licence, see LICENSE.

// A viewer that sends anything over its WebSocket while a stream runs. The first byte says how many
// bytes come at a time.
#include <algorithm>

#include "base/log.h"
#include "protocols/flv/fixture.h"

using namespace weir;
using namespace weir::flv_play;
using namespace weir::flv_play::testing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  configure_logging(Level::error, LogFormat::text);
  const size_t step = data[0] + 1u;
  ByteSpan in(data + 1, size - 1);
  Server s;
  auto pub = s.publish();
  pub.announce(video_and_audio());
  s.push(pub, {video(0, true)});
  const auto p = s.get("/live/s.flv", Carrier::websocket);
  for (int t = 40; !in.empty(); t += 40) {
    const size_t n = std::min(step, in.size());
    const iovec piece{const_cast<uint8_t*>(in.data()), n};
    if (p->theirs->try_write({&piece, 1}).status != net::Io::Status::ok) break;
    in = in.subspan(n);
    s.push(pub, {video(t, false)});
    s.read(*p);
  }
  // Whatever it said, what it was sent are whole frames of whole tags.
  CHECK(p->notes.whole(), "frames are whole");
  return 0;
}
