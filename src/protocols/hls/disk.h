// Weir live-streaming server. MIT licence, see LICENSE.

// Disk: a stream's playlist, segments and keys as files, for those who serve them with something
// else; names and their order as nginx-rtmp has them, below a folder per application. Every file
// appears under its name only when whole (written beside, then renamed): a key before the segment
// that needs it, a segment before the playlist that names it. FolderWriter is blocking and used by
// one thread at a time; who calls it, and where, is files.h. What is asked of it and not yet done
// when a disk is slow or full is left out, with a discontinuity, rather than piled up.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "media/stream_key.h"
#include "protocols/hls/config.h"
#include "protocols/hls/disk_playlist.h"
#include "protocols/hls/keys.h"

namespace weir::hls {

// Where a stream's files are and what they are called.
struct Layout {
  struct Rendition {  // one of hls.variants, of the same base name
    StreamKey key;
    std::string playlist;  // path
    MasterEntry entry;     // bandwidth not known here
  };

  std::string folder;      // of playlist and segments: PATH/live/foo, flat PATH/live
  std::string key_folder;  // PATH or KEY_PATH, likewise
  std::string playlist;    // path: PATH/live/foo/index.m3u8, flat PATH/live/foo.m3u8
  std::string name;        // in front of numbers in file names: "", flat "foo-"
  std::string url_name;    // the same as URLs have it
  DiskUrls urls;
  std::string master;                 // path: PATH/live/BASE.m3u8; empty when it is no variant
  std::vector<Rendition> renditions;  // what the master lists, in the order of hls.variants
};
// protocol for a key that make_stream_key() would not have made: nothing leaves PATH.
Result<Layout> layout_of(const HlsConfig&, const StreamKey&);

struct Fragment {
  uint64_t number = 0;  // grows; told apart by it
  Time start{};
  WallTime wall{};
  Time duration{};
  bool discontinuity = false;
};

class FolderWriter {
 public:
  FolderWriter(Layout layout, std::shared_ptr<const HlsConfig> config)
      : layout_(std::move(layout)), config_(std::move(config)) {}

  // Makes the folders, reads back what is there when `continuous`, marks leftovers. Asked again by
  // add() as long as it fails.
  Result<> begin();
  // One more segment, and the playlist with it. May be called again with what failed: what got as
  // far as the list is not written twice. `target`: of the playlist, at least.
  Result<> add(const Fragment&, std::span<const Bytes> content, Time target);
  // The master playlist, if it is not there as it should be.
  Result<> write_master(std::span<const uint64_t> bandwidths);
  // The stream is over: the playlist says so.
  Result<> finish();
  // With `cleanup`, of a live stream: first the playlists go, then all the rest, and the folders if
  // they are empty then.
  void retire();
  Result<> remove();

  const Layout& layout() const { return layout_; }
  const DiskPlaylist& list() const { return list_; }

 private:
  struct Grave {  // a file that no playlist names any more
    std::string path;
    Time due{};
  };

  void restore();
  void bury_leftovers(const std::string& folder);
  bool is_ours(std::string_view file) const;
  bool sliding() const { return config_->type == PlaylistType::live; }
  bool in_use(uint64_t id) const;
  uint64_t next_id(const Fragment&) const;
  Result<> choose_key(uint64_t id);
  Result<> add_segment(const Fragment&, std::span<const Bytes> content);
  void trim();
  void bury(std::string path, Time due);
  void sweep();
  Result<> put(const std::string& path, std::span<const Bytes>);
  Result<> put_playlist();
  std::string segment_path(uint64_t id) const;
  std::string key_path(uint64_t id) const;

  Layout layout_;
  std::shared_ptr<const HlsConfig> config_;
  bool begun_ = false;
  DiskPlaylist list_;
  bool discontinuity_ = false;           // the next segment does not go on from the list's last
  std::optional<uint64_t> number_, id_;  // of the newest segment of this run
  std::optional<Key> key_;
  int key_uses_ = 0;
  Time position_{};  // how much was written in this run: the clock of graves
  std::deque<Grave> graves_;
  std::string master_;  // as written
};

}  // namespace weir::hls
