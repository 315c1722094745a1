// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "protocols/hls/playlist.h"

namespace weir::hls {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> failed(const std::string& what, int error) {
  return fail(Code::io, what + ": " + std::strerror(error));
}

Result<> write_whole(const std::string& path, ByteSpan data) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return failed("open " + path, errno);
  int error = 0;
  while (!data.empty() && error == 0) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n >= 0)
      data = data.subspan(static_cast<size_t>(n));
    else if (errno != EINTR)
      error = errno;
  }
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error != 0) return failed("write " + path, error);
  return {};
}

}  // namespace

std::string folder_of(const std::string& root, const StreamKey& key) {
  std::string folder = root;
  if (!folder.ends_with('/')) folder += '/';
  return folder + key.app + "/" + key.name + (key.rendition.empty() ? "" : "@" + key.rendition);
}

Result<> FolderWriter::put(const std::string& name, ByteSpan data) {
  const std::string path = folder_ + "/" + name, beside = path + ".tmp";
  if (auto written = write_whole(beside, data); !written) {
    ::unlink(beside.c_str());
    return written;
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return failed("rename " + beside, errno);
  return {};
}

void FolderWriter::drop(const std::string& name) { ::unlink((folder_ + "/" + name).c_str()); }

void FolderWriter::drop_leftovers() {
  std::error_code error;
  for (const auto& file : fs::directory_iterator(folder_, error)) {
    const fs::path name = file.path().filename();
    if (name.extension() == ".ts" || name.extension() == ".tmp") drop(name.string());
  }
}

Result<> FolderWriter::write(const View& view) {
  if (!begun_) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) return failed("create " + folder_, error.value());
    if (cleanup_ == Cleanup::remove) drop_leftovers();
    begun_ = true;
  }
  if (!view.media) return {};
  for (const auto& s : view.window->listed) {
    if (segments_.contains(s->name)) continue;
    TRY(put(s->name, s->data));
    segments_.insert(s->name);
  }
  for (const auto& [name, content] :
       {std::pair{"ts.m3u8", view.media}, std::pair{"index.m3u8", view.multivariant}})
    TRY(put(name, content->body().front()));
  std::erase_if(segments_, [&](const std::string& name) {
    if (view.find(name)) return false;
    if (cleanup_ == Cleanup::remove) drop(name);
    return true;
  });
  return {};
}

Result<> FolderWriter::remove() {
  if (!begun_ || cleanup_ == Cleanup::keep) return {};
  for (const auto& name : segments_) drop(name);
  segments_.clear();
  drop("ts.m3u8");
  drop("index.m3u8");
  if (::rmdir(folder_.c_str()) != 0 && errno != ENOTEMPTY && errno != ENOENT)
    return failed("rmdir " + folder_, errno);
  return {};
}

}  // namespace weir::hls
