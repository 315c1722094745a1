// Weir live-streaming server. MIT licence, see LICENSE.
#include <gtest/gtest.h>

#include "net/memory_stream.h"
#include "net/task_group.h"
#include "net/tcp.h"

namespace weir::net {
namespace {

Task<> echo(ByteStream& s) {
  std::array<uint8_t, 100> buffer;
  for (;;) {
    auto n = co_await s.read_some(buffer);
    if (!n) co_return;
    if (!co_await s.write_all(ByteSpan(buffer).first(*n))) co_return;
  }
}

Task<> say(ByteStream& s, std::string text, std::string& heard) {
  if (!co_await s.write_all(as_bytes(text))) co_return;
  while (heard.size() < text.size()) {
    std::array<uint8_t, 7> buffer;
    auto n = co_await s.read_some(buffer);
    if (!n) break;
    heard += Bytes::copy(ByteSpan(buffer).first(*n)).text();
  }
  s.close();
}

TEST(MemoryStream, CarriesMoreThanItHolds) {
  ManualClock clock;
  Cores cores(1, clock);
  auto [a, b] = memory_pair(cores[0], 16);
  TaskGroup group(cores[0]);
  std::string heard;
  const std::string text(40, 'x');
  // Both directions are bounded: the talker must not wait for room before it listens.
  group.spawn(echo(*b));
  group.spawn(say(*a, text, heard));
  cores.run_until_idle();
  EXPECT_EQ(heard, text);
  EXPECT_EQ(group.running(), 0u);
}

Task<> serve_one(TcpListener& listener) {
  auto s = co_await listener.accept();
  if (s) co_await echo(**s);
  listener.close();
  auto after = co_await listener.accept();
  EXPECT_EQ(after.error().code, Code::closed);
}

Task<> call(Core& core, uint16_t port, std::string text, std::string& heard) {
  auto s = co_await dial_tcp(core, "127.0.0.1", port);
  EXPECT_TRUE(s) << (s ? "" : s.error().what);
  if (s) co_await say(**s, text, heard);
}

TEST(Tcp, EchoOverLoopback) {
  ManualClock clock;
  Cores cores(1, clock);
  auto listener = TcpListener::open(cores[0], "127.0.0.1", 0);
  ASSERT_TRUE(listener);
  TaskGroup group(cores[0]);
  std::string heard;
  const std::string text(100000, 'y');
  group.spawn(serve_one(**listener));
  group.spawn(call(cores[0], (*listener)->port(), text.substr(0, 5000), heard));
  for (int i = 0; i < 1000 && group.running(); ++i) cores.run_until_idle();
  EXPECT_EQ(heard.size(), 5000u);
  EXPECT_EQ(group.running(), 0u);
}

Task<> dial_into(Core& core, uint16_t port, Result<std::unique_ptr<ByteStream>>& out) {
  out = co_await dial_tcp(core, "127.0.0.1", port);
}

Task<> accept_all(TcpListener& listener, int& accepted) {
  while (co_await listener.accept()) ++accepted;
}

// A flood of connections leaves the core time for those it has.
TEST(Tcp, AcceptingTakesTurns) {
  ManualClock clock;
  Cores cores(1, clock);
  auto listener = TcpListener::open(cores[0], "127.0.0.1", 0);
  ASSERT_TRUE(listener);
  TaskGroup group(cores[0]);
  std::vector<Result<std::unique_ptr<ByteStream>>> clients(200);
  for (auto& c : clients) group.spawn(dial_into(cores[0], (*listener)->port(), c));
  int accepted = 0;
  group.spawn(accept_all(**listener, accepted));
  EXPECT_GT(accepted, 0);
  EXPECT_LE(accepted, 64);
  for (int i = 0; i < 1000 && accepted < 200; ++i) cores.run_until_idle();
  EXPECT_EQ(accepted, 200);
  (*listener)->close();
  cores.run_until_idle();
  EXPECT_EQ(group.running(), 0u);
}

// What the other core's listener gets is the kernel's choice; that both are open is ours.
TEST(Tcp, ListenersShareAPortWithTheirFirstOnly) {
  ManualClock clock;
  Cores cores(2, clock);
  auto one = TcpListener::open(cores[0], "127.0.0.1", 0, {.first = true});
  ASSERT_TRUE(one);
  const uint16_t port = (*one)->port();
  auto two = TcpListener::open(cores[1], "127.0.0.1", port);
  EXPECT_TRUE(two) << two.error().what;
  auto stranger = TcpListener::open(cores[0], "127.0.0.1", port, {.first = true});
  EXPECT_FALSE(stranger);
  (*one)->close();
  (*two)->close();
  auto after = TcpListener::open(cores[0], "127.0.0.1", port, {.first = true});
  EXPECT_TRUE(after) << after.error().what;
  if (after) (*after)->close();
}

Task<> refused(Core& core, Result<std::unique_ptr<ByteStream>>& out) {
  out = co_await dial_tcp(core, "127.0.0.1", 1);
}

TEST(Tcp, RefusedIsAnIoError) {
  ManualClock clock;
  Cores cores(1, clock);
  TaskGroup group(cores[0]);
  Result<std::unique_ptr<ByteStream>> out;
  group.spawn(refused(cores[0], out));
  for (int i = 0; i < 1000 && group.running(); ++i) cores.run_until_idle();
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Code::io);
}

}  // namespace
}  // namespace weir::net
