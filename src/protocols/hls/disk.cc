// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "net/http/target.h"
#include "protocols/hls/family.h"

namespace weir::hls {
namespace {

namespace fs = std::filesystem;
using net::http::percent_encode_path;

constexpr size_t kMostPlaylist = 32u << 20;

std::unexpected<Error> failed(const std::string& what, int error) {
  return fail(Code::io, what + ": " + std::strerror(error));
}

Result<> write_whole(const std::string& path, std::span<const Bytes> pieces) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return failed("open " + path, errno);
  int error = 0;
  for (const auto& piece : pieces) {
    for (ByteSpan data = piece; !data.empty() && error == 0;) {
      const ssize_t n = ::write(fd, data.data(), data.size());
      if (n >= 0)
        data = data.subspan(static_cast<size_t>(n));
      else if (errno != EINTR)
        error = errno;
    }
  }
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error != 0) return failed("write " + path, error);
  return {};
}

// Empty when there is no such file, or it is not one a playlist could be.
std::string read_playlist(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return {};
  std::string text;
  struct stat what = {};
  if (::fstat(fd, &what) == 0 && S_ISREG(what.st_mode) &&
      static_cast<uint64_t>(what.st_size) <= kMostPlaylist) {
    text.resize(static_cast<size_t>(what.st_size));
    size_t at = 0;
    for (ssize_t n = 1; n > 0 && at<text.size(); at += n> 0 ? static_cast<size_t>(n) : 0)
      n = ::read(fd, text.data() + at, text.size() - at);
    text.resize(at);
  }
  ::close(fd);
  return text;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<> make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return failed("create " + path, error.value());
  return {};
}

std::string slashed(std::string path) {
  if (!path.ends_with('/')) path += '/';
  return path;
}

std::string file_name(const StreamKey& key) {
  return key.name + (key.rendition.empty() ? "" : "@" + key.rendition);
}

// Of a stream's playlist below its application's folder.
std::string playlist_name(const HlsConfig& c, const std::string& name) {
  return name + (c.nested ? "/index.m3u8" : ".m3u8");
}

Result<> add_renditions(const HlsConfig& c, const StreamKey& key, Layout& l) {
  VariantRules rules;
  for (const auto& text : c.variants) {
    TRY(auto rule, parse_variant(text));
    rules.push_back(std::move(rule));
  }
  const StreamKey head = head_of_family(key, rules);
  if (head.name == key.name || !key.rendition.empty()) return {};
  const std::string folder = slashed(c.path) + key.app + "/";
  const std::string url = c.base_url.empty() ? "" : c.base_url + percent_encode_path(key.app + "/");
  l.master = folder + head.name + ".m3u8";
  for (const auto& rule : rules) {
    const std::string name = head.name + rule.suffix, playlist = playlist_name(c, name);
    l.renditions.push_back({.key = {key.app, name, {}},
                            .playlist = folder + playlist,
                            .entry = {url + percent_encode_path(playlist), rule.attributes, 0}});
  }
  return {};
}

}  // namespace

Result<Layout> layout_of(const HlsConfig& c, const StreamKey& key) {
  TRY(make_stream_key(key.app, key.name));
  if (!key.rendition.empty()) TRY(make_stream_key(key.app, key.rendition));
  const std::string file = file_name(key);
  const std::string below = key.app + (c.nested ? "/" + file : "");
  Layout l;
  l.folder = slashed(c.path) + below;
  l.key_folder = c.key_path.empty() ? l.folder : slashed(c.key_path) + below;
  l.playlist = slashed(c.path) + key.app + "/" + playlist_name(c, file);
  if (!c.nested) l.name = file + "-";
  l.url_name = percent_encode_path(l.name);
  // With a prefix URLs are those of the whole tree; without, they are relative to the playlist.
  const std::string whole = percent_encode_path(below) + "/" + l.url_name;
  l.urls.segment = c.base_url.empty() ? l.url_name : c.base_url + whole;
  l.urls.key = c.key_url.empty() ? l.url_name : c.key_url + whole;
  TRY(add_renditions(c, key, l));
  return l;
}

std::string FolderWriter::segment_path(uint64_t id) const {
  return layout_.folder + "/" + layout_.name + std::to_string(id) + ".ts";
}

std::string FolderWriter::key_path(uint64_t id) const {
  return layout_.key_folder + "/" + layout_.name + std::to_string(id) + ".key";
}

Result<> FolderWriter::put(const std::string& path, std::span<const Bytes> content) {
  const std::string beside = path + ".tmp";
  if (auto written = write_whole(beside, content); !written) {
    ::unlink(beside.c_str());
    return written;
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(beside.c_str());
    return failed("rename " + beside, error);
  }
  std::erase_if(graves_, [&](const Grave& g) { return g.path == path; });
  return {};
}

Result<> FolderWriter::put_playlist() {
  const Bytes text = Bytes::take(write_disk_playlist(list_, layout_.urls));
  return put(layout_.playlist, {&text, 1});
}

// "17.ts", "17.key", with the stream's name in front where that is how files are called, and what a
// crash left of writing one.
bool FolderWriter::is_ours(std::string_view file) const {
  if (file.ends_with(".tmp")) file.remove_suffix(4);
  if (!file.starts_with(layout_.name)) return false;
  file.remove_prefix(layout_.name.size());
  const auto digits = file.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return false;
  return file.substr(digits) == ".ts" || file.substr(digits) == ".key";
}

Result<> FolderWriter::begin() {
  if (begun_) return {};
  TRY(make_folder(layout_.folder));
  TRY(make_folder(layout_.key_folder));
  list_ = {};
  if (config_->continuous) restore();
  list_.event = !sliding();
  if (config_->cleanup && sliding()) {
    bury_leftovers(layout_.folder);
    if (layout_.key_folder != layout_.folder) bury_leftovers(layout_.key_folder);
  }
  begun_ = true;
  return {};
}

void FolderWriter::restore() {
  auto found = parse_disk_playlist(read_playlist(layout_.playlist), layout_.url_name);
  if (!found) return;  // none, or somebody else's: replaced by ours
  list_ = *std::move(found);
  list_.ended = false;
  list_.target = 0ns;
  discontinuity_ = list_.next_sequence() > 0;
  // A list has no holes: what is before a missing file goes as well.
  size_t gone = 0;
  for (size_t i = 0; i < list_.entries.size(); ++i) {
    const DiskEntry& e = list_.entries[i];
    if (!exists(segment_path(e.id)) || (e.key && !exists(key_path(*e.key)))) gone = i + 1;
  }
  while (gone-- > 0) list_.pop();
}

void FolderWriter::bury_leftovers(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string file = at->path().filename().string();
    const std::string path = folder + "/" + file;
    if (file.ends_with(".tmp") && (is_ours(file) || path == layout_.playlist + ".tmp")) {
      ::unlink(path.c_str());
      continue;
    }
    const bool listed = std::ranges::any_of(list_.entries, [&](const DiskEntry& e) {
      return path == segment_path(e.id) || (e.key && path == key_path(*e.key));
    });
    // Players may still be about to ask for it.
    if (is_ours(file) && !listed) bury(path, config_->window);
  }
}

bool FolderWriter::in_use(uint64_t id) const {
  return std::ranges::any_of(list_.entries,
                             [&](const DiskEntry& e) { return e.id == id || e.key == id; });
}

// Never that of a file players may know: rounding, a clock set back or a stream that begins at zero
// again must not give a name twice.
uint64_t FolderWriter::next_id(const Fragment& f) const {
  const Time granularity = config_->naming_granularity;
  const Time since = config_->naming == Naming::system ? Time(f.wall.time_since_epoch()) : f.start;
  const int64_t per_second = config_->naming == Naming::system ? 1000 : 90'000;
  uint64_t id = list_.next_sequence(), step = 1;
  if (config_->naming != Naming::sequential) {
    step = std::max<uint64_t>(1, static_cast<uint64_t>(to_ticks(granularity, per_second)));
    id = static_cast<uint64_t>(to_ticks(std::max(since, Time{0}), per_second)) / step * step;
  }
  if (id_) id = std::max(id, *id_ + step);
  while (in_use(id)) id += step;
  return id;
}

Result<> FolderWriter::choose_key(uint64_t id) {
  if (!config_->keys) return {};
  const int most = config_->fragments_per_key;
  if (key_ && (most == 0 || key_uses_ < most)) return {};
  TRY(Key key, make_key(id));
  const Bytes secret = Bytes::copy(key.secret);
  TRY(put(key_path(id), {&secret, 1}));
  key_ = key;
  key_uses_ = 0;
  return {};
}

Result<> FolderWriter::add_segment(const Fragment& f, std::span<const Bytes> content) {
  const uint64_t id = next_id(f);
  TRY(choose_key(id));
  const Bytes encrypted = key_ ? encrypt(*key_, content) : Bytes{};
  TRY(put(segment_path(id), key_ ? std::span(&encrypted, 1) : content));
  DiskEntry e{.id = id, .duration = std::max(f.duration, Time{1ms}), .wall = f.wall};
  e.discontinuity = f.discontinuity || discontinuity_ || (number_ && f.number != *number_ + 1);
  // With nothing before it in the whole list's life there is nothing it could differ from.
  if (list_.next_sequence() == 0) e.discontinuity = false;
  if (key_) e.key = key_->id;
  ++key_uses_;
  discontinuity_ = false;
  number_ = f.number;
  id_ = id;
  position_ += e.duration;
  list_.entries.push_back(e);
  return {};
}

Result<> FolderWriter::add(const Fragment& f, std::span<const Bytes> content, Time target) {
  TRY(begin());
  if (!number_ || f.number > *number_) TRY(add_segment(f, content));
  list_.target = std::max(list_.target, target);
  trim();
  TRY(put_playlist());
  sweep();
  return {};
}

// RFC 8216 6.2.2: a list that slides keeps three target durations, and what left it stays for as
// long as the longest list with it was.
void FolderWriter::trim() {
  Time longest = list_.target;
  for (const auto& e : list_.entries) longest = std::max(longest, e.duration);
  for (Time sum = list_.duration(); !list_.entries.empty();) {
    const Time rest = sum - list_.entries.front().duration;
    const bool full = list_.entries.size() > DiskPlaylist::kMostEntries;
    const bool slides = sliding() && sum > config_->window && rest >= 3 * longest;
    if (!full && !slides) return;
    const DiskEntry gone = list_.pop();
    if (sliding()) {
      bury(segment_path(gone.id), position_ + sum);
      if (gone.key &&
          std::ranges::find(list_.entries, gone.key, &DiskEntry::key) == list_.entries.end())
        bury(key_path(*gone.key), position_ + sum);
    }
    sum = rest;
  }
}

void FolderWriter::bury(std::string path, Time due) {
  if (config_->cleanup) graves_.push_back({std::move(path), due});
}

void FolderWriter::sweep() {
  std::erase_if(graves_, [&](const Grave& g) {
    if (g.due > position_) return false;
    ::unlink(g.path.c_str());
    return true;
  });
}

Result<> FolderWriter::write_master(std::span<const uint64_t> bandwidths) {
  if (layout_.master.empty()) return {};
  std::vector<MasterEntry> entries;
  for (size_t i = 0; i < layout_.renditions.size(); ++i) {
    entries.push_back(layout_.renditions[i].entry);
    if (i < bandwidths.size()) entries.back().bandwidth = bandwidths[i];
  }
  std::string text = hls::write_master(entries);
  if (text == master_ && exists(layout_.master)) return {};
  const Bytes content = Bytes::copy(text);
  TRY(put(layout_.master, {&content, 1}));
  master_ = std::move(text);
  return {};
}

Result<> FolderWriter::finish() {
  if (!begun_ || list_.entries.empty()) return {};
  list_.ended = true;
  return put_playlist();
}

void FolderWriter::retire() {
  if (!begun_ || !config_->cleanup || !sliding()) return;
  ::unlink(layout_.playlist.c_str());
  const bool needed = std::ranges::any_of(layout_.renditions, exists, &Layout::Rendition::playlist);
  if (!layout_.master.empty() && !needed) ::unlink(layout_.master.c_str());
}

Result<> FolderWriter::remove() {
  if (!begun_ || !config_->cleanup || !sliding()) return {};
  for (const auto& e : list_.entries) {
    bury(segment_path(e.id), 0ns);
    if (e.key) bury(key_path(*e.key), 0ns);
  }
  for (const auto& g : graves_) ::unlink(g.path.c_str());
  graves_.clear();
  list_.entries.clear();
  if (!config_->nested) return {};
  for (const auto& folder : {layout_.folder, layout_.key_folder})
    if (::rmdir(folder.c_str()) != 0 && errno != ENOTEMPTY && errno != ENOENT)
      return failed("rmdir " + folder, errno);
  return {};
}

}  // namespace weir::hls
