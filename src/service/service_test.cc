// Weir live-streaming server. MIT licence, see LICENSE.
#include <gtest/gtest.h>

#include "net/memory_stream.h"
#include "service/sessions.h"
#include "service/stream_config.h"

namespace weir::service {
namespace {

TEST(StreamConfig, BecomesAHubConfig) {
  ConfigSchema schema;
  schema.section<StreamConfig>("stream", "Streams.");
  schema.section<PlayConfig>("play", "Players.");
  ConfigDraft draft(schema);
  ASSERT_TRUE(draft.set("stream", "hold", "3s"));
  ASSERT_TRUE(draft.set("stream", "second_publisher", "replace"));
  ASSERT_TRUE(draft.set("play", "merge", "350ms"));
  const auto config = std::move(draft).finish();
  const auto hub = hub_config(*config);
  EXPECT_EQ(hub.hold, 3s);
  EXPECT_EQ(hub.second_publisher, hub::SecondPublisher::replace);
  EXPECT_FALSE(hub.fan_out.merge.automatic);
  EXPECT_EQ(hub.fan_out.merge.fixed, 350ms);
}

net::Task<> read_until_closed(net::ByteStream& s, int& ended) {
  std::array<uint8_t, 16> buffer;
  while (co_await s.read_some(buffer)) {
  }
  ++ended;
}

net::Task<> store(net::Task<Result<>> task, Result<>& out) { out = co_await task; }

net::Task<> keep_dialed(net::Core& core, uint16_t port,
                        std::vector<std::unique_ptr<net::ByteStream>>& out) {
  auto s = co_await net::dial_tcp(core, "127.0.0.1", port);
  if (s) out.push_back(*std::move(s));
}

TEST(Sessions, StopEndsEveryoneAndTheLimitHolds) {
  ManualClock clock;
  net::Cores cores(1, clock);
  int ended = 0;
  Sessions sessions(cores, [&](net::ByteStream& s) { return read_until_closed(s, ended); });
  net::TaskGroup group(cores[0]);
  Result<> listening;
  group.spawn(store(sessions.listen(Endpoint("127.0.0.1:0"), 2), listening));
  for (int i = 0; i < 100 && group.running(); ++i) cores.run_until_idle();
  ASSERT_TRUE(listening) << listening.error().what;
  std::vector<std::unique_ptr<net::ByteStream>> clients;
  for (int i = 0; i < 3; ++i) group.spawn(keep_dialed(cores[0], sessions.port(), clients));
  for (int i = 0; i < 1000 && (group.running() || sessions.count() < 2); ++i)
    cores.run_until_idle();
  EXPECT_EQ(sessions.count(), 2u);
  group.spawn(sessions.stop());
  for (int i = 0; i < 100 && group.running(); ++i) cores.run_until_idle();
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(sessions.count(), 0u);
}

// The port of the first core's listener is taken on none, of a later core's only there.
TEST(Sessions, AFailedListenLeavesNothingOpen) {
  ManualClock clock;
  net::Cores cores(2, clock);
  auto holder = net::TcpListener::open(cores[0], "127.0.0.1", 0, {.first = true});
  ASSERT_TRUE(holder);
  Sessions sessions(cores, [](net::ByteStream&) -> net::Task<> { co_return; });
  net::TaskGroup group(cores[0]);
  Result<> listening;
  const std::string where = "127.0.0.1:" + std::to_string((*holder)->port());
  group.spawn(store(sessions.listen(Endpoint(where.c_str()), 2), listening));
  cores.run_until_idle();
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, Code::io);
  (*holder)->close();
}

}  // namespace
}  // namespace weir::service
