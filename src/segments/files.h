// Weir live-streaming server. MIT licence, see LICENSE.

// RewindFolder: one stream's older segments as files, so that rewinding for hours costs disk and
// not memory. Blocking; used by one thread at a time; which thread, and when, is the library's.
// Names are the segments' own, which are unique, so nothing is ever overwritten. A crash leaves
// files behind: the next stream of that name removes them.
#pragma once

#include <string>

#include "base/result.h"
#include "media/stream_key.h"
#include "segments/segment.h"

namespace weir::segments {

class RewindFolder {
 public:
  RewindFolder(const std::string& root, const StreamKey& key);

  // Makes the folder and removes what an earlier run left there.
  Result<> open();
  // The path of the new file.
  Result<std::string> write(const Segment&);
  static void remove(const std::string& file);
  // The folder goes when it is empty.
  void close();

 private:
  std::string path_;
};

// The whole file; Code::not_found when it is gone.
Result<Bytes> read_file(const std::string& path);

}  // namespace weir::segments
