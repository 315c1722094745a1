// Weir live-streaming server. MIT licence, see LICENSE.

// PerCore<T>: one copy of an immutable value for each core, replaced by posting. The owner's core
// calls publish(); each core reads its own copy with local(), without locks and without hopping. T
// is cheap to copy, typically shared_ptr<const Something>.
#pragma once

#include <memory>
#include <vector>

#include "net/core.h"

namespace weir::net {

template <class T>
class PerCore {
 public:
  explicit PerCore(Cores& cores) : slots_(std::make_shared<std::vector<Slot>>()), cores_(&cores) {
    slots_->resize(static_cast<size_t>(cores.size()));
  }
  // The copy of the calling core; T{} before the first publish arrived there.
  const T& local() const { return (*slots_)[static_cast<size_t>(Core::here().index())].value; }
  // Replaces every core's copy: this core's at once, the others' soon.
  void publish(T value) {
    const int mine = Core::here().index();
    for (int i = 0; i < cores_->size(); ++i) {
      if (i == mine) continue;
      (*cores_)[i].post(
          [slots = slots_, i, value] { (*slots)[static_cast<size_t>(i)].value = value; });
    }
    (*slots_)[static_cast<size_t>(mine)].value = std::move(value);
  }

 private:
  struct alignas(64) Slot {
    T value{};
  };
  std::shared_ptr<std::vector<Slot>> slots_;
  Cores* cores_;
};

}  // namespace weir::net
