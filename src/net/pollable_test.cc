// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/pollable.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <latch>

namespace weir::net {
namespace {

struct Count final : Waiter {
  void ready() override { ++times; }
  int times = 0;
};

class PollableTest : public testing::Test {
 protected:
  PollableTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_), 0);
    mine_.emplace(cores_[0], fds_[0]);
    cores_.run_until_idle();
  }
  ~PollableTest() override {
    if (fds_[1] >= 0) ::close(fds_[1]);
  }
  void peer_says(std::string_view text) {
    EXPECT_EQ(::write(fds_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void peer_leaves() { ::close(std::exchange(fds_[1], -1)); }
  // One system call, as a session does it: a short read says that all is read.
  std::string read(size_t most) {
    std::string buffer(most, 0);
    const ssize_t n = ::read(mine_->fd(), buffer.data(), most);
    buffer.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return buffer;
  }

  ManualClock clock_;
  Cores cores_{1, clock_};
  int fds_[2];
  std::optional<Pollable> mine_;
};

TEST_F(PollableTest, WakesOnceForEachWait) {
  Count c;
  mine_->wait_readable(c);
  cores_.run_until_idle();
  EXPECT_EQ(c.times, 0);
  peer_says("one");
  cores_.run_until_idle();
  EXPECT_EQ(c.times, 1);
  EXPECT_EQ(read(10), "one");
  mine_->wait_readable(c);
  cores_.run_until_idle();
  EXPECT_EQ(c.times, 1);
  peer_says("two");
  cores_.run_until_idle();
  EXPECT_EQ(c.times, 2);
}

TEST_F(PollableTest, AnEdgeThatNobodyWaitedForIsKept) {
  peer_says("early");
  cores_.run_until_idle();
  Count c;
  mine_->wait_readable(c);
  EXPECT_EQ(c.times, 0) << "never from inside";
  cores_.run_until_idle();
  EXPECT_EQ(c.times, 1);
}

TEST_F(PollableTest, AnEndThatCameWithTheLastBytesIsSeen) {
  Count c;
  mine_->wait_readable(c);
  peer_says("bye");
  peer_leaves();
  cores_.run_until_idle();
  EXPECT_EQ(c.times, 1);
  EXPECT_EQ(read(10), "bye");
  mine_->wait_readable(c);  // no edge will come any more
  cores_.run_until_idle();
  EXPECT_EQ(c.times, 2);
}

TEST_F(PollableTest, AnEndThatCameAfterTheWakeIsSeen) {
  Count c;
  mine_->wait_readable(c);
  peer_says("bye");
  cores_.run_until_idle();
  peer_leaves();
  EXPECT_EQ(read(10), "bye");
  mine_->wait_readable(c);
  cores_.run_until_idle();
  EXPECT_EQ(c.times, 2);
}

TEST_F(PollableTest, RoomToWriteAfterAFullSocket) {
  const std::string block(64 << 10, 'x');
  while (::write(mine_->fd(), block.data(), block.size()) > 0) {
  }
  cores_.run_until_idle();
  Count c;
  // The edge from before the socket was full may wake us for nothing, once.
  mine_->wait_writable(c);
  cores_.run_until_idle();
  if (c.times > 0) mine_->wait_writable(c);
  const int before = c.times;
  cores_.run_until_idle();
  EXPECT_EQ(c.times, before);
  std::string sink(1 << 20, 0);
  while (::read(fds_[1], sink.data(), sink.size()) > 0) {
  }
  cores_.run_until_idle();
  EXPECT_EQ(c.times, before + 1);
}

TEST_F(PollableTest, CloseWakesBothAndDestructionNobody) {
  Count r, w;
  cores_.run_until_idle();
  mine_->wait_readable(r);
  mine_->close();
  mine_->wait_writable(w);
  cores_.run_until_idle();
  EXPECT_EQ(r.times, 1);
  EXPECT_EQ(w.times, 1);
  mine_->wait_readable(r);
  mine_.reset();
  cores_.run_until_idle();
  EXPECT_EQ(r.times, 1);
}

// A reader that destroys its Pollable when woken, with more events of the same batch still to come.
struct Destroyer final : Waiter {
  explicit Destroyer(std::vector<std::unique_ptr<Pollable>>& a) : all(a) {}
  void ready() override {
    ++times;
    all.clear();
  }
  std::vector<std::unique_ptr<Pollable>>& all;
  int times = 0;
};

TEST_F(PollableTest, DestroyedWithinABatchOfEvents) {
  std::vector<std::unique_ptr<Pollable>> all;
  std::vector<int> peers;
  Destroyer d(all);
  for (int i = 0; i < 20; ++i) {
    int p[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p), 0);
    all.push_back(std::make_unique<Pollable>(cores_[0], p[0]));
    peers.push_back(p[1]);
  }
  cores_.run_until_idle();
  all[10]->wait_readable(d);
  for (const int p : peers) EXPECT_EQ(::write(p, "x", 1), 1);
  cores_.run_until_idle();
  EXPECT_EQ(d.times, 1);
  EXPECT_TRUE(all.empty());
  for (const int p : peers) ::close(p);
}

TEST(Core, PostsFromManyThreadsAllRunInOrder) {
  constexpr int kThreads = 4, kEach = 5000;
  std::vector<int> last(kThreads, -1);
  bool in_order = true;
  std::latch done(kThreads * kEach);
  Cores cores(1);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i)
        cores[0].post([&, t, i] {
          in_order &= std::exchange(last[static_cast<size_t>(t)], i) == i - 1;
          done.count_down();
        });
    });
  for (auto& t : threads) t.join();
  done.wait();
  EXPECT_TRUE(in_order);
}

TEST(Core, ATimerWakesTheSleeper) {
  std::latch done(1);
  std::unique_ptr<Timer> timer;
  Cores cores(1);
  const auto before = std::chrono::steady_clock::now();
  cores[0].post([&] {
    timer = std::make_unique<Timer>(cores[0], [&] { done.count_down(); });
    timer->arm_after(20ms);
  });
  done.wait();
  EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
  std::latch freed(1);
  cores[0].post([&] {
    timer.reset();
    freed.count_down();
  });
  freed.wait();
}

}  // namespace
}  // namespace weir::net
