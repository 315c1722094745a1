// Weir live-streaming server. MIT licence, see LICENSE.

// Directory: what every core knows of every stream's segments. A stream's home core makes an
// immutable View per change and publishes it; each core gets it by a post and reads its own copy
// without locks and without hopping. Requests wait for a change of one lane on their own core.
// Owned by the library; shared with posts on their way. Leaves out who makes views (packager.h) and
// texts about them (protocols).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "media/stream_key.h"
#include "net/signal.h"
#include "segments/segment.h"

namespace weir::segments {

// One state of one stream.
struct View {
  net::Core* home = nullptr;     // where the stream is packaged
  uint64_t owner = 0;            // grows with each stream that begins, over all names
  std::string token;             // of its segments' names
  StreamInfoPtr info;            // the newest; null before the first
  std::vector<WindowPtr> lanes;  // of CMAF: video before sound; those with something inside
  WindowPtr ts;                  // null before its first segment
  Time target_duration{};        // whole seconds; zero until somebody asked for a manifest
  WallTime first_epoch{};        // time zero of the stream's first incarnation
  std::string nothing;           // why there is no CMAF lane and will be none; else empty
  std::string no_ts;             // likewise of the ts lane
  bool ended = false;
  WallTime published{}, ended_at{};  // of the first packet; when the end came

  WindowPtr lane(std::string_view id) const;  // "v1", "a1", "ts"; null when not there
};
using ViewPtr = std::shared_ptr<const View>;

class Directory {
 public:
  explicit Directory(net::Cores& cores);

  // Home core of the stream. A view of a younger owner is never replaced or removed by an older
  // one.
  void publish(const StreamKey&, ViewPtr);
  // Whether the entry was this owner's, as seen on this core.
  bool remove(const StreamKey&, uint64_t owner);

  // The calling core's copy; null for a stream that is not there.
  ViewPtr find(const StreamKey&) const;
  // All renditions of app/name, the source first, then by their names; on the calling core.
  std::vector<std::pair<StreamKey, ViewPtr>> renditions(const StreamKey&) const;

  using Predicate = std::function<bool(const View&)>;
  // The view once `done` says so of it, looked at after each change of `lane` (of anything when
  // empty); the newest after `limit`; null for a stream that is not there or is removed meanwhile.
  net::Task<ViewPtr> wait(StreamKey, std::string lane, Time limit, Predicate done) const;
  // The end of the process: every wait, on every core, ends now, and none begins.
  void close();
  // Requests waiting on the calling core, for statistics.
  size_t waiting() const;
  // Names on the calling core, for lists.
  size_t size() const;

 private:
  struct Entry;
  struct Local;
  using Locals = std::vector<Local>;  // [i] is touched on core i only

  static bool set(Locals&, const StreamKey&, uint64_t owner, const ViewPtr&);
  bool post_all(const StreamKey&, uint64_t owner, const ViewPtr&);

  net::Cores& cores_;
  std::shared_ptr<Locals> locals_;
};

}  // namespace weir::segments
