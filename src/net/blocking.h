// Weir live-streaming server. MIT licence, see LICENSE.

// BlockingPool: a few threads for work that may block (disk, name resolution). co_await pool.run(f)
// runs f there and goes on, on the caller's core, with its result. The queue is bounded by the
// callers: each awaits its own piece. Owned by main; destroyed after the cores' work has ended.
#pragma once

#include <functional>
#include <memory>

#include "net/core.h"

namespace weir::net {

class BlockingPool {
 public:
  explicit BlockingPool(int threads);
  // Finishes what is queued, then joins.
  ~BlockingPool();

  template <class F>
  Task<std::invoke_result_t<F>> run(F f) {
    std::optional<std::invoke_result_t<F>> result;
    co_await Job(*this, [&result, &f] { result.emplace(f()); });
    co_return std::move(*result);
  }

 private:
  struct Job {
    Job(BlockingPool& p, std::move_only_function<void()> w) : pool(p), work(std::move(w)) {}
    BlockingPool& pool;
    std::move_only_function<void()> work;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h);
    void await_resume() const {}
  };
  struct Queue;
  std::unique_ptr<Queue> queue_;
};

}  // namespace weir::net
