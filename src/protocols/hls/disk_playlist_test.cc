// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/disk_playlist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/hls/keys.h"

namespace weir::hls {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr WallTime kWall{std::chrono::milliseconds(1'763'712'930'123)};

DiskPlaylist sample() {
  DiskPlaylist list;
  list.sequence = 41;
  list.target = 2s;
  list.entries = {{.id = 41, .duration = 2s, .wall = kWall, .discontinuity = false, .key = 40},
                  {.id = 42, .duration = 1960ms, .wall = {}, .discontinuity = false, .key = 40},
                  {.id = 43, .duration = 2s, .wall = {}, .discontinuity = true, .key = 43}};
  return list;
}

const char* const kSample =
    "#EXTM3U\n"
    "#EXT-X-VERSION:3\n"
    "#EXT-X-MEDIA-SEQUENCE:41\n"
    "#EXT-X-TARGETDURATION:2\n"
    "#EXT-X-KEY:METHOD=AES-128,URI=\"foo-40.key\",IV=0x00000000000000000000000000000028\n"
    "#EXT-X-PROGRAM-DATE-TIME:2025-11-21T08:15:30.123Z\n"
    "#EXTINF:2.000,\n"
    "foo-41.ts\n"
    "#EXTINF:1.960,\n"
    "foo-42.ts\n"
    "#EXT-X-DISCONTINUITY\n"
    "#EXT-X-KEY:METHOD=AES-128,URI=\"foo-43.key\",IV=0x0000000000000000000000000000002b\n"
    "#EXTINF:2.000,\n"
    "foo-43.ts\n";

TEST(WriteDiskPlaylist, LineByLine) {
  EXPECT_EQ(write_disk_playlist(sample(), {"foo-", "foo-"}), kSample);
}

TEST(WriteDiskPlaylist, UrlsTypeAndEnd) {
  DiskPlaylist list = sample();
  list.event = list.ended = true;
  list.discontinuity_sequence = 3;
  list.entries.back().key.reset();
  const std::string text = write_disk_playlist(list, {"http://a/live/foo/", "/keys/"});
  EXPECT_THAT(text, HasSubstr("\nhttp://a/live/foo/42.ts\n"));
  EXPECT_THAT(text, HasSubstr("URI=\"/keys/40.key\""));
  EXPECT_THAT(text, HasSubstr("#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-PLAYLIST-TYPE:EVENT\n"));
  EXPECT_THAT(text, HasSubstr("#EXT-X-KEY:METHOD=NONE\n#EXTINF:2.000,\nhttp://a/live/foo/43.ts\n"));
  EXPECT_TRUE(text.ends_with("\n#EXT-X-ENDLIST\n"));
}

// RFC 8216 4.3.3.1: each duration, rounded, is at most the target.
TEST(WriteDiskPlaylist, TheTargetCoversTheLongest) {
  DiskPlaylist list;
  EXPECT_THAT(write_disk_playlist(list, {}), HasSubstr("TARGETDURATION:1\n"));
  list.target = 2s;
  list.entries = {{.id = 1, .duration = 4600ms}, {.id = 2, .duration = 1s}};
  EXPECT_THAT(write_disk_playlist(list, {}), HasSubstr("TARGETDURATION:5\n"));
  list.pop();
  EXPECT_THAT(write_disk_playlist(list, {}), HasSubstr("TARGETDURATION:2\n"));
}

TEST(DiskPlaylist, WhatGoesIsCounted) {
  DiskPlaylist list = sample();
  EXPECT_EQ(list.duration(), 5960ms);
  for (const uint64_t id : {41u, 42u, 43u}) EXPECT_EQ(list.pop().id, id);
  EXPECT_EQ(list.sequence, 44u);
  EXPECT_EQ(list.next_sequence(), 44u);
  EXPECT_EQ(list.discontinuity_sequence, 1u);
}

TEST(ParseDiskPlaylist, ReadsWhatWeWrite) {
  EXPECT_EQ(parse_disk_playlist(kSample, "foo-"), sample());
  DiskPlaylist list = sample();
  list.event = list.ended = true;
  list.discontinuity_sequence = 7;
  list.entries[1].key.reset();
  for (const char* url : {"", "http://a/b/", "/x?y=", "c:/"}) {
    const std::string before = *url && !std::string_view(url).ends_with('/') ? "q/" : "";
    const std::string text = write_disk_playlist(list, {url + before, url + before + "k/"});
    EXPECT_EQ(parse_disk_playlist(text, ""), list) << url;
  }
  EXPECT_EQ(parse_disk_playlist("#EXTM3U\n", ""), DiskPlaylist{});
}

// What nginx-rtmp leaves: fewer lines, a stray blank in the type.
TEST(ParseDiskPlaylist, ReadsThoseOfOthers) {
  const auto list = parse_disk_playlist(
      "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-TARGETDURATION:6\n"
      "#EXT-X-PLAYLIST-TYPE: EVENT\n\n#EXT-X-SOMETHING-NEW\n#EXTINF:5.560,title\nfoo-5.ts\n",
      "foo-");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->next_sequence(), 6u);
  EXPECT_EQ(list->entries.front().duration, 5560ms);
}

TEST(ParseDiskPlaylist, RefusesWhatCannotBeOurs) {
  const std::string head = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1\n", inf = "#EXTINF:2.000,\n";
  const std::string key = "#EXT-X-KEY:METHOD=";
  for (const std::string& text : {
           std::string(),
           std::string("#EXTM3U"),
           std::string("hello\n"),
           head + inf + "foo-1.ts",                       // cut off
           head + inf,                                    // the segment is missing
           head + "#EXT-X-DISCONTINUITY\n",               //
           head + "foo-1.ts\n",                           // no duration
           head + inf + "bar-1.ts\n",                     // another stream's
           head + inf + "foo-.ts\n",                      // no number
           head + inf + "foo--1.ts\n",                    //
           head + inf + "foo-1.mp4\n",                    //
           head + inf + "foo-1x.ts\n",                    //
           head + inf + "foo-99999999999999999999.ts\n",  // too large
           head + inf + "foo-18446744073709551615.ts\n",  //
           head + inf + "foo-1/../../../etc/passwd\n",    //
           head + "#EXTINF:0.000,\nfoo-1.ts\n",           //
           head + "#EXTINF:-1,\nfoo-1.ts\n",              //
           head + "#EXTINF:1e9,\nfoo-1.ts\n",             //
           head + "#EXTINF:100000.000,\nfoo-1.ts\n",      //
           head + "#EXTINF:1.5,\nfoo-1.ts\n",             // not as we write
           head + "#EXTINF:,\nfoo-1.ts\n",                //
           head + "#EXT-X-PROGRAM-DATE-TIME:soon\n",      //
           head + "#EXT-X-PROGRAM-DATE-TIME:2025-02-30T08:15:30.123Z\n",
           head + "#EXT-X-PROGRAM-DATE-TIME:9999-01-01T08:15:30.123Z\n",
           head + "#EXT-X-PROGRAM-DATE-TIME:2025-01-01T24:15:30.123Z\n",
           head + key + "SAMPLE-AES,URI=\"foo-1.key\"\n",
           head + key + "AES-128,URI=\"foo-1.key\n",
           head + key + "AES-128,URI=\"foo-1.key\"\n",
           head + key + "AES-128,URI=\"bar-1.key\",IV=0x" + iv_text(1) + "\n",
           head + key + "AES-128,URI=\"foo-1.key\",IV=0x" + iv_text(2) + "\n",
           std::string("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n"),
           std::string("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:\n"),
           std::string("#EXTM3U\n#EXT-X-TARGETDURATION:99999999\n"),
           std::string("#EXTM3U\n#EXT-X-DISCONTINUITY-SEQUENCE:-1\n"),
       })
    EXPECT_FALSE(parse_disk_playlist(text, "foo-")) << text;
}

TEST(ParseDiskPlaylist, IsBounded) {
  std::string text = "#EXTM3U\n";
  for (size_t i = 0; i < DiskPlaylist::kMostEntries; ++i) text += "#EXTINF:1.000,\n1.ts\n";
  ASSERT_TRUE(parse_disk_playlist(text, ""));
  const auto more = parse_disk_playlist(text + "#EXTINF:1.000,\n1.ts\n", "");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Code::limit);
  const auto longer = parse_disk_playlist("#EXTM3U\n" + std::string(40u << 20, '\n'), "");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, Code::limit);
}

TEST(WriteMaster, EveryEntryHasABandwidth) {
  const std::vector<MasterEntry> entries{
      {"foo_low/index.m3u8", {{"BANDWIDTH", "288000"}, {"CODECS", "\"avc1.4d401f,mp4a.40.2\""}}, 5},
      {"foo_mid/index.m3u8", {{"AVERAGE-BANDWIDTH", "7"}}, 600'000},
      {"foo_hi/index.m3u8", {}, 900'000}};
  EXPECT_EQ(write_master(entries),
            "#EXTM3U\n#EXT-X-VERSION:3\n"
            "#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=288000,CODECS=\"avc1.4d401f,mp4a.40.2\"\n"
            "foo_low/index.m3u8\n"
            "#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=600000,AVERAGE-BANDWIDTH=7\n"
            "foo_mid/index.m3u8\n"
            "#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=900000\n"
            "foo_hi/index.m3u8\n");
}

}  // namespace
}  // namespace weir::hls
