// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/core.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "net/blocking.h"
#include "net/per_core.h"
#include "net/signal.h"
#include "net/task_group.h"

namespace weir::net {
namespace {

Task<int> forty_two() { co_return 42; }

Task<> add_into(int& out) { out += co_await forty_two(); }

TEST(Task, AwaitsAndReturns) {
  ManualClock clock;
  Cores cores(1, clock);
  TaskGroup group(cores[0]);
  int out = 0;
  group.spawn(add_into(out));
  EXPECT_EQ(out, 42);
  EXPECT_EQ(group.running(), 0u);
}

Task<> wait_then(Signal& s, int& out, int value) {
  co_await s.wait();
  out = value;
}

Task<> wait_limited(Signal& s, Time limit, int& out) { out = co_await s.wait_for(limit) ? 1 : 2; }

TEST(Signal, NotifyWakesEveryoneOnceAndLater) {
  ManualClock clock;
  Cores cores(1, clock);
  Signal signal(cores[0]);
  TaskGroup group(cores[0]);
  int a = 0, b = 0;
  group.spawn(wait_then(signal, a, 1));
  group.spawn(wait_then(signal, b, 2));
  signal.notify();
  EXPECT_EQ(a, 0);
  cores.run_until_idle();
  EXPECT_EQ(a, 1);
  EXPECT_EQ(b, 2);
  EXPECT_EQ(group.running(), 0u);
}

TEST(Signal, WaitForGivesUp) {
  ManualClock clock;
  Cores cores(1, clock);
  Signal signal(cores[0]);
  TaskGroup group(cores[0]);
  int a = 0, b = 0;
  group.spawn(wait_limited(signal, 10ms, a));
  group.spawn(wait_limited(signal, 30ms, b));
  cores.advance(20ms);
  EXPECT_EQ(a, 2);
  EXPECT_EQ(b, 0);
  signal.notify();
  cores.advance(20ms);
  EXPECT_EQ(b, 1);
}

TEST(Signal, ADestroyedWaitIsForgotten) {
  ManualClock clock;
  Cores cores(1, clock);
  Signal signal(cores[0]);
  {
    int a = 0;
    auto task = std::make_optional(wait_then(signal, a, 1));
    task.reset();
  }
  signal.notify();
  cores.run_until_idle();
  EXPECT_FALSE(signal.has_waiters());
}

Task<> close_group(TaskGroup& group, bool& closed) {
  co_await group.close();
  closed = true;
}

TEST(TaskGroup, CloseWaitsForAll) {
  ManualClock clock;
  Cores cores(1, clock);
  Signal signal(cores[0]);
  TaskGroup group(cores[0]), closer(cores[0]);
  int a = 0;
  bool closed = false;
  group.spawn(wait_then(signal, a, 1));
  closer.spawn(close_group(group, closed));
  cores.run_until_idle();
  EXPECT_FALSE(closed);
  signal.notify();
  cores.run_until_idle();
  EXPECT_TRUE(closed);
}

TEST(Timer, FiresInOrderAndCancels) {
  ManualClock clock;
  Cores cores(1, clock);
  std::vector<int> fired;
  Timer a(cores[0], [&] { fired.push_back(1); });
  Timer b(cores[0], [&] { fired.push_back(2); });
  Timer c(cores[0], [&] { fired.push_back(3); });
  a.arm_after(20ms);
  b.arm_after(10ms);
  c.arm_after(15ms);
  c.cancel();
  cores.advance(9ms);
  EXPECT_TRUE(fired.empty());
  cores.advance(20ms);
  EXPECT_EQ(fired, (std::vector<int>{2, 1}));
}

TEST(Deadline, ProgressMovesIt) {
  ManualClock clock;
  Cores cores(1, clock);
  int expired = 0;
  Deadline d(cores[0], [&] { ++expired; });
  d.extend(100ms);
  for (int i = 0; i < 5; ++i) {
    cores.advance(80ms);
    d.extend(100ms);
  }
  EXPECT_EQ(expired, 0);
  cores.advance(101ms);
  EXPECT_EQ(expired, 1);
  EXPECT_TRUE(d.expired());
}

TEST(Deadline, OffAndOnAgainCountsFromThen) {
  ManualClock clock;
  Cores cores(1, clock);
  int expired = 0;
  Deadline d(cores[0], [&] { ++expired; });
  d.extend(30s);
  d.extend(0s);
  d.extend(1s);
  cores.advance(1001ms);
  EXPECT_EQ(expired, 1);
  d.extend(1s);
  d.extend(0s);
  cores.advance(60s);
  EXPECT_EQ(expired, 1);
}

Task<> hop(Core& there, Core& back, int& at_there, int& at_back, std::latch& done) {
  co_await on(there);
  at_there = Core::here().index();
  co_await on(back);
  at_back = Core::here().index();
  done.count_down();
}

TEST(Cores, RealThreadsHopAndStop) {
  std::latch done(1);
  int there = -1, back = -1;
  std::optional<TaskGroup> group;
  {
    Cores cores(2);
    cores[0].post([&] {
      group.emplace(cores[0]);
      group->spawn(hop(cores[1], cores[0], there, back, done));
    });
    done.wait();
    std::latch freed(1);
    cores[0].post([&] {
      group.reset();
      freed.count_down();
    });
    freed.wait();
  }
  EXPECT_EQ(there, 1);
  EXPECT_EQ(back, 0);
}

TEST(PerCore, EveryCoreGetsItsCopy) {
  ManualClock clock;
  Cores cores(2, clock);
  PerCore<std::shared_ptr<const int>> value(cores);
  value.publish(std::make_shared<const int>(7));
  EXPECT_EQ(*value.local(), 7);
  int seen = 0;
  cores.run_until_idle();
  cores[1].post([&] { seen = *value.local(); });
  cores.run_until_idle();
  EXPECT_EQ(seen, 7);
}

Task<> compute(BlockingPool& pool, std::thread::id& ran_on, std::latch& done) {
  ran_on = co_await pool.run([] { return std::this_thread::get_id(); });
  done.count_down();
}

TEST(BlockingPool, RunsElsewhereAndComesBack) {
  BlockingPool pool(1);
  std::latch done(1), freed(1);
  std::thread::id ran_on;
  std::optional<TaskGroup> group;
  Cores cores(1);
  cores[0].post([&] {
    group.emplace(cores[0]);
    group->spawn(compute(pool, ran_on, done));
  });
  done.wait();
  cores[0].post([&] {
    group.reset();
    freed.count_down();
  });
  freed.wait();
  EXPECT_NE(ran_on, std::thread::id{});
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

}  // namespace
}  // namespace weir::net
