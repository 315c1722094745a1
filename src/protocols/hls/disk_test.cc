// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "containers/mpegts/fixture.h"

namespace weir::hls {
namespace {

namespace fs = std::filesystem;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

class Disk : public testing::Test {
 protected:
  Disk() : root_(mpegts::fixture::temp_path("hls")) { fs::remove_all(root_); }
  ~Disk() override { fs::remove_all(root_); }

  std::set<std::string> files() const {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& f : fs::directory_iterator(folder(), error))
      names.insert(f.path().filename().string());
    return names;
  }
  std::string folder() const { return folder_of(root_, {"live", "foo", {}}); }
  std::string content(const std::string& name) const {
    std::ifstream file(folder() + "/" + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void add(const std::string& data) {
    segments::MadeSegment m;
    m.data = Bytes::copy(data);
    m.duration = 2s;
    m.tracks = std::make_shared<const std::vector<Track>>();
    store_.add(std::move(m), 2s);
  }
  ViewPtr view() { return make_view(store_.window(), {}, nullptr); }

  std::string root_;
  segments::SegmentStore store_{{.window = 6s, .first_number = 10, .token = "t"}};
};

TEST(FolderOf, KeepsAppsAndNamesApart) {
  EXPECT_EQ(folder_of("/srv/hls", {"live", "foo", {}}), "/srv/hls/live/foo");
  EXPECT_EQ(folder_of("/srv/hls/", {"a/b", "foo", "720p"}), "/srv/hls/a/b/foo@720p");
}

TEST_F(Disk, WritesWhatTheViewHas) {
  FolderWriter writer(folder(), Cleanup::remove);
  ASSERT_TRUE(writer.write(*view()));
  EXPECT_TRUE(files().empty());
  add("one");
  add("two");
  ASSERT_TRUE(writer.write(*view()));
  EXPECT_THAT(files(), UnorderedElementsAre("t-10.ts", "t-11.ts", "ts.m3u8", "index.m3u8"));
  EXPECT_EQ(content("t-11.ts"), "two");
  EXPECT_EQ(content("ts.m3u8"), view()->media->body().front().text());
  EXPECT_EQ(content("index.m3u8"), view()->multivariant->body().front().text());
}

TEST_F(Disk, DropsWhatNobodyMayAskForAnyMore) {
  FolderWriter writer(folder(), Cleanup::remove);
  FolderWriter keeping(folder() + "2", Cleanup::keep);
  for (int i = 0; i < 20; ++i) {
    add("data");
    ASSERT_TRUE(writer.write(*view()));
    ASSERT_TRUE(keeping.write(*view()));
  }
  EXPECT_EQ(files().size(), 3u + 4u + 2u);
  EXPECT_FALSE(files().contains("t-10.ts"));
  EXPECT_TRUE(fs::exists(folder() + "2/t-10.ts"));
  ASSERT_TRUE(writer.remove());
  EXPECT_FALSE(fs::exists(folder()));
  ASSERT_TRUE(keeping.remove());
  EXPECT_TRUE(fs::exists(folder() + "2/ts.m3u8"));
}

TEST_F(Disk, ASlowDiskSkipsInsteadOfQueueing) {
  FolderWriter writer(folder(), Cleanup::remove);
  for (int i = 0; i < 20; ++i) add("data");
  ASSERT_TRUE(writer.write(*view()));
  EXPECT_EQ(files().size(), 3u + 2u);  // the listed ones only
}

TEST_F(Disk, AnEarlierRunsFilesGoOthersStay) {
  fs::create_directories(folder());
  for (const char* name : {"old-1.ts", "old-2.ts.tmp", "notes.txt"})
    std::ofstream(folder() + "/" + name) << "x";
  FolderWriter writer(folder(), Cleanup::remove);
  add("one");
  ASSERT_TRUE(writer.write(*view()));
  EXPECT_THAT(files(), UnorderedElementsAre("notes.txt", "t-10.ts", "ts.m3u8", "index.m3u8"));
  ASSERT_TRUE(writer.remove());  // not empty: the folder stays
  EXPECT_THAT(files(), UnorderedElementsAre("notes.txt"));
}

TEST_F(Disk, FailuresAreToldAndMendedLater) {
  std::ofstream(root_) << "a file where the folder should be";
  FolderWriter writer(folder(), Cleanup::remove);
  add("one");
  const auto first = writer.write(*view());
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Code::io);
  fs::remove(root_);
  EXPECT_TRUE(writer.write(*view()));
  EXPECT_THAT(files(), IsSupersetOf({"t-10.ts", "ts.m3u8"}));
  // A folder in the way of one file: that file is missing, nothing half written is left.
  add("two");
  fs::create_directories(folder() + "/t-11.ts/x");
  EXPECT_FALSE(writer.write(*view()));
  fs::remove_all(folder() + "/t-11.ts");
  EXPECT_TRUE(writer.write(*view()));
  EXPECT_EQ(content("t-11.ts"), "two");
}

}  // namespace
}  // namespace weir::hls
