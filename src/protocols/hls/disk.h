// Weir live-streaming server. MIT licence, see LICENSE.

// Disk: a stream's playlists and segments as files, for those who serve them with something else.
// One folder per stream; every file appears under its name only when whole (written beside, then
// renamed), segments before the playlist that names them. FolderWriter is blocking and used by one
// thread at a time; who calls it, and where, is service.cc's. It needs no queue: each call writes
// what the newest view has and the folder has not, so a slow disk skips segments rather than piling
// them up.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "protocols/hls/directory.h"

namespace weir::hls {

// Where a stream's files go; the key's parts are safe as names (media/stream_key.h).
std::string folder_of(const std::string& root, const StreamKey&);

enum class Cleanup { keep, remove };

class FolderWriter {
 public:
  FolderWriter(std::string folder, Cleanup cleanup)
      : folder_(std::move(folder)), cleanup_(cleanup) {}

  // Makes the folder as the view is. The first call also removes what an earlier run left behind.
  Result<> write(const View&);
  // The stream is gone: removes its files, and the folder when it is empty then.
  Result<> remove();

 private:
  Result<> put(const std::string& name, ByteSpan);
  void drop(const std::string& name);
  void drop_leftovers();

  std::string folder_;
  Cleanup cleanup_;
  bool begun_ = false;
  std::set<std::string> segments_;  // names of ours in the folder
};

}  // namespace weir::hls
