// Weir live-streaming server. MIT licence, see LICENSE.
#include <gmock/gmock.h>

#include "protocols/hls/disk_fixture.h"

namespace weir::hls {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

TEST_F(Disk, KeysChangeWhenAsked) {
  config_.keys = true;
  config_.fragments_per_key = 2;
  auto w = writer();
  add(w, 1, 3);
  EXPECT_THAT(files(),
              UnorderedElementsAre("live/foo/0.key", "live/foo/0.ts", "live/foo/1.ts",
                                   "live/foo/2.key", "live/foo/2.ts", "live/foo/index.m3u8"));
  EXPECT_EQ(content("live/foo/0.key").size(), 16u);
  EXPECT_NE(content("live/foo/0.key"), content("live/foo/2.key"));
  const std::string text = content("live/foo/index.m3u8");
  EXPECT_THAT(text, HasSubstr("URI=\"0.key\",IV=0x00000000000000000000000000000000\n"));
  EXPECT_THAT(text, HasSubstr("URI=\"2.key\",IV=0x00000000000000000000000000000002\n"));
  // Keys go with the last segment that needs them.
  add(w, 4, 20);
  EXPECT_FALSE(files().contains("live/foo/10.key"));
  for (const auto& e : w.list().entries)
    EXPECT_TRUE(files().contains("live/foo/" + std::to_string(*e.key) + ".key"));
}

TEST_F(Disk, OneKeyForAllOutlivesItsSegment) {
  config_.keys = true;
  config_.key_path = root_ + "/keys";
  config_.key_url = "/k/";
  auto w = writer();
  add(w, 1, 20);
  EXPECT_TRUE(files().contains("keys/live/foo/0.key"));
  EXPECT_FALSE(files().contains("live/foo/0.ts"));
  EXPECT_THAT(content("live/foo/index.m3u8"), HasSubstr("URI=\"/k/live/foo/0.key\""));
  // After a restart the old key stays until its segments have left; a new one is made.
  auto after = writer();
  add(after, 100, 100);
  EXPECT_TRUE(files().contains("keys/live/foo/20.key"));
  EXPECT_TRUE(files().contains("keys/live/foo/0.key"));
  add(after, 101, 110);
  EXPECT_FALSE(files().contains("keys/live/foo/0.key"));
  ASSERT_TRUE(after.remove());
  EXPECT_FALSE(fs::exists(root_ + "/keys/live/foo"));
}

// A stream that begins at zero again must not write over the key its list still names.
TEST_F(Disk, AKeyInUseIsNotReplaced) {
  config_.keys = true;
  config_.naming = Naming::timestamp;
  config_.fragments_per_key = 0;
  {
    auto before = writer();
    add(before, 0, 4);
  }
  const std::string key = content("live/foo/0.key");
  auto w = writer();
  add(w, 0, 0);
  EXPECT_EQ(content("live/foo/0.key"), key);
  EXPECT_EQ(w.list().entries.back().id, 1u);
}

TEST_F(Disk, WhatOpensslDecryptsIsTheSegment) {
  if (mpegts::fixture::run("command -v openssl").empty()) GTEST_SKIP() << "no openssl here";
  config_.keys = true;
  auto w = writer();
  add(w, 1, 2);
  const std::string secret = to_hex(as_bytes(content("live/foo/0.key")));
  EXPECT_NE(content("live/foo/1.ts"), "segment 2");
  EXPECT_EQ(mpegts::fixture::run("openssl enc -d -aes-128-cbc -K " + secret + " -iv " + iv_text(0) +
                                 " -in " + root_ + "/live/foo/1.ts"),
            "segment 2");
}

}  // namespace
}  // namespace weir::hls
