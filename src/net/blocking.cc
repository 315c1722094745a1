// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/blocking.h"

#include <condition_variable>
#include <deque>
#include <mutex>

namespace weir::net {

struct BlockingPool::Queue {
  std::mutex mutex;
  std::condition_variable more;
  std::deque<std::move_only_function<void()>> jobs;
  bool stopping = false;
  std::vector<std::thread> threads;

  void work() {
    for (;;) {
      std::unique_lock lock(mutex);
      more.wait(lock, [this] { return stopping || !jobs.empty(); });
      if (jobs.empty()) return;
      auto job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      job();
    }
  }
};

BlockingPool::BlockingPool(int threads) : queue_(std::make_unique<Queue>()) {
  for (int i = 0; i < threads; ++i) queue_->threads.emplace_back([q = queue_.get()] { q->work(); });
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->stopping = true;
  }
  queue_->more.notify_all();
  for (auto& t : queue_->threads) t.join();
}

void BlockingPool::Job::await_suspend(std::coroutine_handle<> h) {
  Core& home = Core::here();
  {
    const std::lock_guard lock(pool.queue_->mutex);
    // The awaiting frame, and this Job in it, stays until it is resumed on its core.
    pool.queue_->jobs.emplace_back([this, h, &home] {
      work();
      home.post([h] { h.resume(); });
    });
  }
  pool.queue_->more.notify_one();
}

}  // namespace weir::net
