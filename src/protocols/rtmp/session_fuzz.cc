// Weir live-streaming server. MIT licence, see LICENSE.

// A whole session over a connection in memory, fed any bytes behind a handshake, in pieces of any
// size, while somebody publishes a stream it may ask for. Whatever comes, it must end when its peer
// leaves.
#include "base/check.h"
#include "base/log.h"
#include "hub/fixture.h"
#include "net/memory_stream.h"
#include "protocols/rtmp/handshake.h"
#include "protocols/rtmp/session.h"

using namespace weir;
using namespace weir::rtmp;

namespace {

net::Task<> serve(hub::Hub& hub, std::unique_ptr<net::ByteStream> stream) {
  rtmp::Config config;
  config.max_message = mib(1);
  const auto session =
      std::make_shared<Session>(hub, *stream, std::make_shared<const rtmp::Config>(config));
  co_await session->run();
}

void read_all(net::ByteStream& stream) {
  std::array<uint8_t, 4096> buffer;
  while (stream.try_read(buffer).status == net::Io::Status::ok) {
  }
}

void write(hub::testing::World& world, net::ByteStream& stream, ByteSpan bytes, size_t step) {
  while (!bytes.empty()) {
    const size_t n = std::min(step, bytes.size());
    const iovec piece{const_cast<uint8_t*>(bytes.data()), n};
    const net::Io io = stream.try_write({&piece, 1});
    if (io.status == net::Io::Status::closed) return;
    bytes = bytes.subspan(io.count);
    world.cores.run_until_idle();
    read_all(stream);
  }
}

}  // namespace

// The first byte chooses the size of the pieces; the rest is what the peer sends once it has shaken
// hands.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 1 << 20) return 0;
  static const bool quiet = (configure_logging(Level::error, LogFormat::text), true);
  CHECK(quiet, "logging is set up once");
  hub::testing::World world;
  auto publication = world.publish();
  publication.announce(hub::testing::video_and_audio());
  publication.push(hub::testing::video(0, true));
  publication.flush();

  net::TaskGroup group(world.cores[0]);
  auto [ours, theirs] = net::memory_pair(world.cores[0], 1 << 16);
  group.spawn(serve(world.hub, std::move(ours)));
  std::array<uint8_t, kHandshakeSize> random{};
  ClientHandshake shake{HandshakeRandom(random)};
  write(world, *theirs, shake.hello(), kHandshakeSize + 1);
  write(world, *theirs, random, kHandshakeSize);  // C2: what is in it, nobody looks at
  write(world, *theirs, ByteSpan(data, size).subspan(1),
        data[0] < 8 ? data[0] + 1u : data[0] * 64u);

  publication.push(hub::testing::video(40, false));
  publication.end(hub::Ending::clean);
  world.cores.advance(1s);
  read_all(*theirs);
  theirs->close();
  world.cores.advance(1s);
  CHECK(group.running() == 0, "a session ends with its peer");
  return 0;
}
