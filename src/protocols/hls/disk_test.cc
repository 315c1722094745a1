// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "protocols/hls/disk_fixture.h"

namespace weir::hls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

TEST_F(Disk, NestedLayout) {
  config_.path = "/srv/hls/";
  const auto l = layout_of(config_, {"a/b", "foo", "720p"});
  ASSERT_TRUE(l);
  EXPECT_EQ(l->folder, "/srv/hls/a/b/foo@720p");
  EXPECT_EQ(l->key_folder, l->folder);
  EXPECT_EQ(l->playlist, "/srv/hls/a/b/foo@720p/index.m3u8");
  EXPECT_EQ(l->name, "");
  EXPECT_EQ(l->urls.segment, "");
  config_.base_url = "https://cdn.example/";
  config_.key_path = "/srv/keys";
  config_.key_url = "https://keys.example/k?f=";
  const auto prefixed = layout_of(config_, kFoo);
  EXPECT_EQ(prefixed->urls.segment, "https://cdn.example/live/foo/");
  EXPECT_EQ(prefixed->urls.key, "https://keys.example/k?f=live/foo/");
  EXPECT_EQ(prefixed->key_folder, "/srv/keys/live/foo");
}

TEST_F(Disk, FlatLayout) {
  config_.path = "/srv/hls";
  config_.nested = false;
  const auto l = layout_of(config_, {"live", "a \"b", {}});
  ASSERT_TRUE(l);
  EXPECT_EQ(l->folder, "/srv/hls/live");
  EXPECT_EQ(l->playlist, "/srv/hls/live/a \"b.m3u8");
  EXPECT_EQ(l->name, "a \"b-");
  EXPECT_EQ(l->urls.key, "a%20%22b-");
  config_.base_url = "/x/";
  EXPECT_EQ(layout_of(config_, kFoo)->urls.segment, "/x/live/foo-");
}

// However a key came to be, nothing of it leaves the folder.
TEST_F(Disk, NoNameLeavesTheFolder) {
  for (const bool nested : {true, false}) {
    config_.nested = nested;
    for (const auto& key : std::vector<StreamKey>{{"..", "foo", {}},
                                                  {"live", "..", {}},
                                                  {"live", "../../etc/cron.d/x", {}},
                                                  {"live/../..", "foo", {}},
                                                  {"/etc", "foo", {}},
                                                  {"live", "a/b", {}},
                                                  {"live", "", {}},
                                                  {"", "foo", {}},
                                                  {"live", "foo", "../x"},
                                                  {"live", "foo", ".."},
                                                  {"live", "a\nb", {}},
                                                  {"live", std::string("a\0b", 3), {}},
                                                  {"live", "a\\..\\b", {}}})
      EXPECT_FALSE(layout_of(config_, key)) << key.to_string();
  }
  EXPECT_TRUE(layout_of(config_, {"live", "..foo..", {}}));  // an ordinary name
}

TEST_F(Disk, NestedFiles) {
  auto w = writer();
  ASSERT_TRUE(w.begin());
  EXPECT_TRUE(files().empty());
  add(w, 70, 71);
  EXPECT_THAT(files(),
              UnorderedElementsAre("live/foo/0.ts", "live/foo/1.ts", "live/foo/index.m3u8"));
  EXPECT_EQ(content("live/foo/1.ts"), "segment 71");
  EXPECT_EQ(content("live/foo/index.m3u8"),
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-TARGETDURATION:2\n"
            "#EXT-X-PROGRAM-DATE-TIME:2025-06-15T15:09:00.000Z\n#EXTINF:2.000,\n0.ts\n"
            "#EXT-X-PROGRAM-DATE-TIME:2025-06-15T15:09:02.000Z\n#EXTINF:2.000,\n1.ts\n");
}

TEST_F(Disk, FlatFiles) {
  config_.nested = false;
  auto foo = writer(), bar = writer({"live", "foo-1", {}});
  add(foo, 1, 2);
  add(bar, 1, 1);
  EXPECT_THAT(files(), UnorderedElementsAre("live/foo-0.ts", "live/foo-1.ts", "live/foo.m3u8",
                                            "live/foo-1-0.ts", "live/foo-1.m3u8"));
  EXPECT_THAT(content("live/foo.m3u8"), HasSubstr("\nfoo-1.ts\n"));
}

TEST_F(Disk, NamesByTimestamp) {
  config_.naming = Naming::timestamp;
  auto w = writer();
  add(w, 5, 6);
  EXPECT_THAT(ids(w), ElementsAre(900'000, 1'080'000));
  config_.path += "2";
  config_.naming_granularity = 500ms;  // 45,000 ticks
  auto rounded = writer();
  Fragment f = fragment(5);
  f.start += 123ms;
  ASSERT_TRUE(rounded.add(f, {}, 2s));
  EXPECT_THAT(ids(rounded), ElementsAre(900'000));
  fs::remove_all(config_.path);
}

TEST_F(Disk, NamesByWallClock) {
  config_.naming = Naming::system;
  auto w = writer();
  add(w, 5, 6);
  EXPECT_THAT(ids(w), ElementsAre(1'750'000'010'000, 1'750'000'012'000));
  EXPECT_TRUE(files().contains("live/foo/1750000012000.ts"));
}

TEST_F(Disk, RoundingNeverGivesANameTwice) {
  config_.naming = Naming::system;
  config_.naming_granularity = 10s;
  auto w = writer();
  add(w, 5, 6);
  Fragment back = fragment(7);
  back.wall = kWall - 1h;  // somebody set the clock
  ASSERT_TRUE(w.add(back, {}, 2s));
  EXPECT_THAT(ids(w), ElementsAre(1'750'000'010'000, 1'750'000'020'000, 1'750'000'030'000));
}

// RFC 8216 6.2.2: what the list dropped can be asked for a while.
TEST_F(Disk, TheWindowSlidesAndFilesFollow) {
  auto w = writer();
  add(w, 1, 20);
  EXPECT_THAT(ids(w), ElementsAre(17, 18, 19));
  EXPECT_THAT(content("live/foo/index.m3u8"), HasSubstr("MEDIA-SEQUENCE:17\n"));
  EXPECT_TRUE(files().contains("live/foo/14.ts"));
  EXPECT_FALSE(files().contains("live/foo/12.ts"));
  EXPECT_EQ(files().size(), 1u + 3u + 4u);
}

TEST_F(Disk, AListIsNeverShorterThanThreeTargets) {
  config_.window = 2s;
  auto w = writer();
  add(w, 1, 9);
  EXPECT_EQ(ids(w).size(), 3u);
}

TEST_F(Disk, WithoutCleanUpFilesStay) {
  config_.cleanup = false;
  place("live/foo/77.ts.tmp");
  auto w = writer();
  add(w, 1, 20);
  EXPECT_EQ(ids(w).size(), 3u);
  w.retire();
  ASSERT_TRUE(w.remove());
  EXPECT_EQ(files().size(), 1u + 20u + 1u);
}

TEST_F(Disk, TheEndGoesInSteps) {
  config_.keys = true;
  auto w = writer();
  add(w, 1, 6);
  ASSERT_TRUE(w.finish());
  EXPECT_TRUE(content("live/foo/index.m3u8").ends_with("#EXT-X-ENDLIST\n"));
  w.retire();
  EXPECT_FALSE(files().contains("live/foo/index.m3u8"));
  EXPECT_TRUE(files().contains("live/foo/5.ts"));
  ASSERT_TRUE(w.remove());
  EXPECT_TRUE(files().empty());
  EXPECT_FALSE(fs::exists(root_ + "/live/foo"));
}

TEST_F(Disk, OthersFilesStayAndKeepTheFolder) {
  auto w = writer();
  add(w, 1, 2);
  place("live/foo/notes.txt");
  place("live/foo/foo-1.ts");
  ASSERT_TRUE(w.remove());
  EXPECT_THAT(files(), UnorderedElementsAre("live/foo/foo-1.ts", "live/foo/index.m3u8",
                                            "live/foo/notes.txt"));
}

TEST_F(Disk, AnEventKeepsAll) {
  config_.type = PlaylistType::event;
  auto w = writer();
  add(w, 1, 20);
  ASSERT_TRUE(w.finish());
  w.retire();
  ASSERT_TRUE(w.remove());
  EXPECT_EQ(files().size(), 21u);
  const std::string text = content("live/foo/index.m3u8");
  EXPECT_THAT(text, HasSubstr("MEDIA-SEQUENCE:0\n"));
  EXPECT_THAT(text, HasSubstr("#EXT-X-PLAYLIST-TYPE:EVENT\n"));
  EXPECT_THAT(text, HasSubstr("\n19.ts\n#EXT-X-ENDLIST\n"));
}

TEST_F(Disk, GoesOnWhereThePlaylistEnded) {
  {
    auto before = writer();
    add(before, 1, 4);
    ASSERT_TRUE(before.finish());
  }
  auto w = writer();
  add(w, 900, 900);
  EXPECT_THAT(ids(w), ElementsAre(2, 3, 4));
  const std::string text = content("live/foo/index.m3u8");
  EXPECT_THAT(text, HasSubstr("MEDIA-SEQUENCE:2\n"));
  EXPECT_THAT(text, HasSubstr("\n3.ts\n#EXT-X-DISCONTINUITY\n"));
  EXPECT_THAT(text, Not(HasSubstr("ENDLIST")));
  EXPECT_EQ(content("live/foo/4.ts"), "segment 900");
  // The tag slides out and is counted.
  add(w, 901, 903);
  EXPECT_THAT(content("live/foo/index.m3u8"), HasSubstr("DISCONTINUITY-SEQUENCE:1\n"));
  add(w, 904, 908);
  EXPECT_FALSE(files().contains("live/foo/2.ts"));
}

TEST_F(Disk, WithoutContinuousItStartsAnew) {
  {
    auto before = writer();
    add(before, 1, 4);
  }
  config_.continuous = false;
  auto w = writer();
  add(w, 900, 900);
  EXPECT_THAT(ids(w), ElementsAre(0));
  EXPECT_THAT(content("live/foo/index.m3u8"), Not(HasSubstr("DISCONTINUITY")));
  EXPECT_EQ(content("live/foo/0.ts"), "segment 900");
  // What was left goes with the window, but not what has a name of old and is new.
  EXPECT_TRUE(files().contains("live/foo/3.ts"));
  add(w, 901, 901);
  EXPECT_EQ(content("live/foo/1.ts"), "segment 901");
  add(w, 902, 903);
  EXPECT_EQ(ids(w).size(), 3u);
  EXPECT_EQ(content("live/foo/3.ts"), "segment 903");
}

TEST_F(Disk, AListWithHolesLosesWhatIsBeforeThem) {
  {
    auto before = writer();
    add(before, 1, 3);
  }
  fs::remove(root_ + "/live/foo/1.ts");
  auto w = writer();
  ASSERT_TRUE(w.begin());
  EXPECT_THAT(ids(w), ElementsAre(2));
  EXPECT_EQ(w.list().sequence, 2u);
}

TEST_F(Disk, WhatIsNotOursIsReplaced) {
  for (const char* text : {"garbage", "#EXTM3U\n#EXTINF:2.000,\n../../../etc/passwd\n"}) {
    place("live/foo/index.m3u8", text);
    auto w = writer();
    add(w, 1, 1);
    EXPECT_THAT(ids(w), ElementsAre(0)) << text;
    fs::remove_all(root_);
  }
  // Neither a folder, nor a pipe nobody writes to, nor something huge is waited for or read.
  fs::create_directories(root_ + "/live/foo/index.m3u8");
  EXPECT_TRUE(writer().begin());
  fs::remove_all(root_ + "/live/foo/index.m3u8");
  ASSERT_EQ(mkfifo((root_ + "/live/foo/index.m3u8").c_str(), 0600), 0);
  EXPECT_TRUE(writer().begin());
  fs::remove_all(root_ + "/live/foo/index.m3u8");
  place("live/foo/index.m3u8");
  fs::resize_file(root_ + "/live/foo/index.m3u8", 100u << 20);
  EXPECT_TRUE(writer().begin());
}

TEST_F(Disk, OnlyOurOwnLeftoversGo) {
  const std::set<std::string> strangers = {"live/foo-.ts",    "live/foo-1.mp4",   "live/foo-1a.ts",
                                           "live/foo-2-7.ts", "live/foobar-7.ts", "live/7.ts",
                                           "live/foo-2.m3u8", "live/bar-9.ts.tmp"};
  for (const auto& name : strangers) place(name);
  for (const char* ours :
       {"live/foo-77.ts", "live/foo-78.key", "live/foo-79.ts.tmp", "live/foo.m3u8.tmp"})
    place(ours);
  config_.nested = false;
  auto w = writer();
  ASSERT_TRUE(w.begin());
  EXPECT_TRUE(files().contains("live/foo-77.ts"));  // a player may still have it in its list
  EXPECT_FALSE(files().contains("live/foo-79.ts.tmp"));
  EXPECT_FALSE(files().contains("live/foo.m3u8.tmp"));
  add(w, 1, 4);
  EXPECT_FALSE(files().contains("live/foo-77.ts"));
  EXPECT_FALSE(files().contains("live/foo-78.key"));
  for (const auto& name : strangers) EXPECT_TRUE(files().contains(name)) << name;
}

TEST_F(Disk, WhatWasSkippedIsADiscontinuity) {
  auto w = writer();
  add(w, 1, 2);
  add(w, 9, 9);
  EXPECT_THAT(content("live/foo/index.m3u8"), HasSubstr("\n1.ts\n#EXT-X-DISCONTINUITY\n"));
  Fragment f = fragment(10);
  f.discontinuity = true;
  ASSERT_TRUE(w.add(f, {}, 2s));
  EXPECT_TRUE(w.list().entries.back().discontinuity);
}

TEST_F(Disk, TheMasterListsEveryVariant) {
  config_.variants = {"_low BANDWIDTH=288000", "_hi"};
  config_.base_url = "/x/";
  auto low = writer({"live", "foo_low", {}}), hi = writer({"live", "foo_hi", {}});
  EXPECT_TRUE(writer().layout().master.empty());
  add(low, 1, 1);
  const std::vector<uint64_t> rates{1, 900'000};
  ASSERT_TRUE(low.write_master(rates));
  EXPECT_EQ(content("live/foo.m3u8"),
            "#EXTM3U\n#EXT-X-VERSION:3\n"
            "#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=288000\n/x/live/foo_low/index.m3u8\n"
            "#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=900000\n/x/live/foo_hi/index.m3u8\n");
  // It is there as long as one of them is, and comes back when somebody takes it away.
  add(hi, 1, 1);
  low.retire();
  EXPECT_TRUE(files().contains("live/foo.m3u8"));
  fs::remove(root_ + "/live/foo.m3u8");
  ASSERT_TRUE(hi.write_master(rates));
  EXPECT_TRUE(files().contains("live/foo.m3u8"));
  hi.retire();
  EXPECT_FALSE(files().contains("live/foo.m3u8"));
}

TEST_F(Disk, TheMasterOfFlatFiles) {
  config_.nested = false;
  config_.variants = {"_low", "_very_low"};
  auto w = writer({"live", "foo_very_low", {}});
  ASSERT_TRUE(w.begin());
  ASSERT_TRUE(w.write_master({}));
  EXPECT_THAT(content("live/foo.m3u8"), HasSubstr("\nfoo_low.m3u8\n"));
  EXPECT_THAT(content("live/foo.m3u8"), HasSubstr("\nfoo_very_low.m3u8\n"));
}

TEST_F(Disk, FailuresAreToldAndMendedLater) {
  std::ofstream(root_) << "a file where the folder should be";
  auto w = writer();
  const auto first = add(w, 1);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Code::io);
  fs::remove(root_);
  EXPECT_TRUE(add(w, 1));
  // A folder in the way of one file: nothing half written is left, and it is tried again.
  fs::create_directories(root_ + "/live/foo/1.ts/x");
  EXPECT_FALSE(add(w, 2));
  fs::remove_all(root_ + "/live/foo/1.ts");
  EXPECT_THAT(files(), UnorderedElementsAre("live/foo/0.ts", "live/foo/index.m3u8"));
  // The segment got there, its playlist did not: not written twice.
  fs::remove(root_ + "/live/foo/index.m3u8");
  fs::create_directories(root_ + "/live/foo/index.m3u8/x");
  EXPECT_FALSE(add(w, 2));
  fs::remove_all(root_ + "/live/foo/index.m3u8");
  EXPECT_TRUE(add(w, 2));
  EXPECT_THAT(ids(w), ElementsAre(0, 1));
  EXPECT_THAT(content("live/foo/index.m3u8"), Not(HasSubstr("DISCONTINUITY")));
}

TEST_F(Disk, AFullDiskIsAnError) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  fs::create_directories(root_ + "/live/foo");
  fs::create_symlink("/dev/full", root_ + "/live/foo/0.ts.tmp");
  config_.cleanup = false;  // it would be taken for a leftover
  auto w = writer();
  const auto full = add(w, 1);
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().what, HasSubstr("No space left"));
  EXPECT_TRUE(files().empty());
  EXPECT_TRUE(add(w, 1));
}

}  // namespace
}  // namespace weir::hls
