// Weir live-streaming server. MIT licence, see LICENSE.

// Directory: what every core knows of every stream's playlists and segments. A stream's home core
// makes an immutable View per change and publishes it; each core gets it by a post and reads its
// own copy without locks and without hopping. Requests may wait for a change on their own core.
// Owned by the service; shared with posts on their way. Leaves out who makes views (service.h).
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "media/stream_key.h"
#include "net/http/content.h"
#include "net/signal.h"
#include "segments/store.h"

namespace weir::hls {

// One state of one stream, ready to be sent. Playlists are null before the first segment.
struct View {
  segments::WindowPtr window;
  net::http::ContentPtr multivariant, media;
  std::vector<std::pair<segments::SegmentPtr, net::http::ContentPtr>> contents;  // oldest first
  std::string nothing;  // why there are no segments and will be none; empty while there may be

  net::http::ContentPtr find(std::string_view name) const;
};
using ViewPtr = std::shared_ptr<const View>;

// The next view of a stream; contents made for `before` (may be null) are used again.
ViewPtr make_view(segments::WindowPtr window, const Result<>& carried, const View* before);

class Directory {
 public:
  explicit Directory(net::Cores& cores);

  // Home core of the stream. `owner`: a number that grows; a view of a younger owner is never
  // replaced or removed by an older one.
  void publish(const StreamKey&, uint64_t owner, ViewPtr);
  // Whether the entry was this owner's, as seen on this core.
  bool remove(const StreamKey&, uint64_t owner);

  // The calling core's copy; null for a stream that is not there.
  ViewPtr find(const StreamKey&) const;
  // The view once it has playlists or says that it never will, or the newest after `limit`; null
  // for a stream that is not there or is removed meanwhile.
  net::Task<ViewPtr> wait(StreamKey, Time limit) const;
  // Names on the calling core, for lists.
  size_t size() const;

 private:
  struct Entry {
    explicit Entry(net::Core& core) : changed(core) {}
    uint64_t owner = 0;
    ViewPtr view;
    net::Signal changed;
  };
  struct Local {
    std::unordered_map<StreamKey, std::shared_ptr<Entry>> entries;
  };
  using Locals = std::vector<Local>;  // [i] is touched on core i only

  static bool set(Locals&, const StreamKey&, uint64_t owner, const ViewPtr&);
  bool post_all(const StreamKey&, uint64_t owner, const ViewPtr&);
  std::shared_ptr<Entry> entry(const StreamKey&) const;

  net::Cores& cores_;
  std::shared_ptr<Locals> locals_;
};

}  // namespace weir::hls
