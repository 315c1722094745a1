// Weir live-streaming server. MIT licence, see LICENSE.

// A playlist that was accepted is, written again, the same playlist.
#include "base/check.h"
#include "protocols/hls/disk_playlist.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::hls;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string name : {"", "foo-"}) {
    const auto first = parse_disk_playlist(text, name);
    if (!first) continue;
    CHECK(first->entries.size() <= DiskPlaylist::kMostEntries, "bounded");
    const DiskUrls urls{"https://cdn.example/live/" + name, name};
    const auto again = parse_disk_playlist(write_disk_playlist(*first, urls), name);
    CHECK(again.has_value(), "what we write we can read");
    CHECK(again->entries == first->entries && again->sequence == first->sequence &&
              again->event == first->event && again->ended == first->ended,
          "nothing is lost");
  }
  return 0;
}
