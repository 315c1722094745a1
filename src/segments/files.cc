// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace weir::segments {
namespace {

namespace fs = std::filesystem;

struct Descriptor {
  explicit Descriptor(int f) : fd(f) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

Error io_error(const std::string& what, const std::string& path) {
  return {errno == ENOENT ? Code::not_found : Code::io,
          what + " " + path + ": " + std::strerror(errno)};
}

Result<> put(int fd, ByteSpan data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(io_error("cannot write", path));
    data = data.subspan(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

RewindFolder::RewindFolder(const std::string& root, const StreamKey& key)
    : path_(root + "/" + key.app + "/" + key.name +
            (key.rendition.empty() ? "" : "@" + key.rendition)) {}

Result<> RewindFolder::open() {
  std::error_code failed;
  fs::create_directories(path_, failed);
  if (failed) return fail(Code::io, "cannot make " + path_ + ": " + failed.message());
  for (fs::directory_iterator it(path_, failed), end; !failed && it != end; it.increment(failed))
    if (std::error_code left; parse_media_name(it->path().filename().string()))
      fs::remove(it->path(), left);
  return {};
}

Result<std::string> RewindFolder::write(const Segment& s) {
  const std::string path = path_ + "/" + s.name;
  constexpr int kHow = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  int fd = ::open(path.c_str(), kHow, 0644);
  if (fd < 0 && errno == ENOENT) {
    // The stream of this name before this one took its folder along when it went.
    std::error_code failed;
    fs::create_directories(path_, failed);
    fd = ::open(path.c_str(), kHow, 0644);
  }
  const Descriptor file(fd);
  if (file.fd < 0) return fail(io_error("cannot write", path));
  for (const auto& piece : s.content->body())
    if (auto done = put(file.fd, piece, path); !done) {
      ::unlink(path.c_str());
      return fail(std::move(done.error()));
    }
  return path;
}

void RewindFolder::remove(const std::string& file) { ::unlink(file.c_str()); }

void RewindFolder::close() { ::rmdir(path_.c_str()); }

Result<Bytes> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about {};
  if (file.fd < 0 || ::fstat(file.fd, &about) != 0) return fail(io_error("cannot read", path));
  std::vector<uint8_t> data(static_cast<size_t>(about.st_size));
  size_t have = 0;
  while (have < data.size()) {
    const ssize_t n = ::read(file.fd, data.data() + have, data.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(io_error("cannot read", path));
    if (n == 0) return fail(Code::io, path + " is shorter than it says");
    have += static_cast<size_t>(n);
  }
  return Bytes::take(std::move(data));
}

}  // namespace weir::segments
