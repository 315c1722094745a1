// Weir live-streaming server. MIT licence, see LICENSE.

// For tests only: a folder of its own for each test, a FolderWriter of live/foo there, and segments
// that are two seconds long and a short text each.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "containers/mpegts/fixture.h"
#include "protocols/hls/disk.h"

namespace weir::hls {

namespace fs = std::filesystem;

inline const StreamKey kFoo{"live", "foo", {}};
inline constexpr WallTime kWall{1'750'000'000s};

class Disk : public testing::Test {
 protected:
  Disk() : root_(mpegts::fixture::temp_path("disk")) {
    fs::remove_all(root_);
    config_.path = root_;
    config_.window = 6s;
  }
  ~Disk() override { fs::remove_all(root_); }

  // Below the root: "live/foo/0.ts".
  std::set<std::string> files() const {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& f : fs::recursive_directory_iterator(root_, error))
      if (!f.is_directory()) names.insert(fs::relative(f.path(), root_).string());
    return names;
  }
  std::string content(const std::string& name) const {
    std::ifstream file(root_ + "/" + name, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void place(const std::string& name, const std::string& text = "x") const {
    fs::create_directories(fs::path(root_ + "/" + name).parent_path());
    std::ofstream(root_ + "/" + name) << text;
  }
  FolderWriter writer(const StreamKey& key = kFoo) const {
    auto layout = layout_of(config_, key);
    EXPECT_TRUE(layout);
    return {*layout, std::make_shared<const HlsConfig>(config_)};
  }
  // Segments of two seconds, each its own text.
  static Fragment fragment(uint64_t number) {
    const auto n = static_cast<int64_t>(number);
    return {.number = number, .start = n * 2s, .wall = kWall + n * 2s, .duration = 2s};
  }
  static Result<> add(FolderWriter& w, uint64_t number) {
    const Bytes text = Bytes::copy("segment " + std::to_string(number));
    return w.add(fragment(number), {&text, 1}, 2s);
  }
  static void add(FolderWriter& w, uint64_t from, uint64_t to) {
    for (uint64_t n = from; n <= to; ++n) ASSERT_TRUE(add(w, n));
  }
  static std::vector<uint64_t> ids(const FolderWriter& w) {
    std::vector<uint64_t> list;
    for (const auto& e : w.list().entries) list.push_back(e.id);
    return list;
  }

  std::string root_;
  HlsConfig config_;
};

}  // namespace weir::hls
