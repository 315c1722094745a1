// Weir live-streaming server. MIT licence, see LICENSE.

// Streams of the hub as files: from the first segment until they are cleaned away, read by ffprobe.
// Single writes and names are disk_test.cc's.
#include "protocols/hls/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "segments/fixture.h"

namespace weir::hls {
namespace {

namespace fs = std::filesystem;
namespace fixture = mpegts::fixture;
using segments::testing::picture_and_sound;
using segments::testing::Studio;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A folder of its own for each test.
struct Folder {
  Folder() : path(fixture::temp_path("files")) { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }
  bool has(const std::string& name) const { return fs::exists(path + "/" + name); }
  std::string content(const std::string& name) const {
    std::ifstream file(path + "/" + name, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  HlsConfig config() const {
    HlsConfig c;
    c.path = path;
    c.window = 60s;  // a fast test must not look like a slow disk
    return c;
  }
  std::string path;
};

struct Server : Studio {
  explicit Server(const HlsConfig& config)
      : files(hub, disk, library, std::make_shared<const HlsConfig>(config)) {
    hub.observe(files);
  }
  ~Server() {
    bool stopped = false;
    on(0, [&] {
      library.release_waiting();
      group.spawn(stop(stopped));
    });
    CHECK(eventually([&] { return stopped; }), "files stop");
  }
  net::Task<> stop(bool& stopped) {
    co_await files.stop();
    stopped = true;
  }
  // Until the pool has done what the cores asked for and they have seen it.
  bool written(const std::function<bool()>& what) {
    return eventually([&] {
      cores.advance(5ms);
      return what();
    });
  }
  // Within a minute or so of the stream's time, but not at once.
  bool gone_later(const Folder& f, const std::string& name) {
    cores.advance(55s);
    const bool lingers = f.has(name);
    return eventually([&] {
             cores.advance(1s);
             return !f.has(name);
           }) &&
           lingers;
  }
  // A real encoder's packets at their pace.
  void play(hub::Publication& p, const fixture::RealStream& s) {
    Time at{};
    for (const auto& packet : s.packets) {
      on(home, [&] {
        p.push(*packet);
        p.flush();
      });
      if (packet->dts > at) cores.advance(packet->dts - at);
      at = std::max(at, packet->dts);
    }
  }
  Files files;
};

std::string bytes(const segments::Segment& s) {
  std::string out;
  for (const auto& piece : s.content->body()) out += piece.text();
  return out;
}

size_t count(const std::string& text, std::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(Files, FromTheFirstSegmentToTheLastTrace) {
  const Folder f;
  HlsConfig config = f.config();
  Server s(config);
  auto p = s.publish("foo");
  p.announce(picture_and_sound());
  s.feed(p, 0s, 9s);
  ASSERT_TRUE(s.written([&] { return f.content("live/foo/index.m3u8").contains("\n3.ts\n"); }))
      << f.content("live/foo/index.m3u8");
  const std::string text = f.content("live/foo/index.m3u8");
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-TARGETDURATION:2\n"));
  EXPECT_EQ(count(text, "#EXTINF:2.000,"), 4u);
  EXPECT_EQ(count(text, "DISCONTINUITY"), 0u);
  EXPECT_TRUE(f.content("live/foo/0.ts") == bytes(*s.view("foo")->ts->segments->front()));
  s.end(p);
  ASSERT_TRUE(s.written([&] { return f.content("live/foo/index.m3u8").contains("ENDLIST"); }));
  EXPECT_TRUE(f.has("live/foo/4.ts"));
  EXPECT_TRUE(s.gone_later(f, "live/foo/index.m3u8"));
  EXPECT_TRUE(s.gone_later(f, "live/foo/4.ts"));
  EXPECT_TRUE(s.written([&] { return !f.has("live/foo"); }));
}

TEST(Files, WithoutAPathNothingIsDemanded) {
  Server s(HlsConfig{});
  auto p = s.publish("foo");
  p.announce(picture_and_sound());
  s.feed(p, 0s, 5s);
  EXPECT_FALSE(s.view("foo")->ts);
  s.end(p);
}

// Every picture and sound of an encoder is there once, also for a reader that has to decrypt.
TEST(Files, FfprobeReadsThePlaylist) {
  if (!fixture::have_ffmpeg()) GTEST_SKIP() << "no ffmpeg here";
  const auto real = fixture::real_stream(fixture::kRealOptions);
  const auto expected = [&](TrackId track) {
    return std::ranges::count_if(real.packets, [&](const auto& p) { return p->track == track; });
  };
  for (const bool keys : {false, true}) {
    for (const bool nested : {false, true}) {
      const Folder f;
      HlsConfig config = f.config();
      config.keys = keys;
      config.nested = nested;
      config.fragments_per_key = 2;
      config.naming = nested ? Naming::timestamp : Naming::system;
      Server s(config);
      auto p = s.publish("foo");
      p.announce(real.info->tracks);
      s.play(p, real);
      s.end(p);
      const std::string list = nested ? "live/foo/index.m3u8" : "live/foo.m3u8";
      ASSERT_TRUE(s.written([&] { return f.content(list).contains("ENDLIST"); }));
      EXPECT_EQ(count(f.content(list), "METHOD=AES-128"), keys ? 2u : 0u) << f.content(list);
      const std::string probe =
          "ffprobe -v error -allowed_extensions ALL -count_packets -of csv=p=0 ";
      const std::string show =
          " -show_entries stream=nb_read_packets " + f.path + "/" + list + " 2>&1";
      EXPECT_THAT(fixture::run(probe + "-select_streams v" + show),
                  StartsWith(std::to_string(expected(fixture::kVideo)) + "\n"));
      EXPECT_THAT(fixture::run(probe + "-select_streams a" + show),
                  StartsWith(std::to_string(expected(fixture::kAudio)) + "\n"));
    }
  }
}

TEST(Files, ARestartGoesOn) {
  const Folder f;
  {
    Server s(f.config());
    auto p = s.publish("foo");
    p.announce(picture_and_sound());
    s.feed(p, 0s, 5s);
    ASSERT_TRUE(s.written([&] { return f.content("live/foo/index.m3u8").contains("\n1.ts\n"); }));
  }
  EXPECT_THAT(f.content("live/foo/index.m3u8"), Not(HasSubstr("ENDLIST")));
  Server s(f.config());
  auto p = s.publish("foo");
  p.announce(picture_and_sound());
  s.feed(p, 0s, 5s);
  ASSERT_TRUE(s.written([&] { return f.content("live/foo/index.m3u8").contains("\n3.ts\n"); }));
  const std::string text = f.content("live/foo/index.m3u8");
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:0\n"));
  EXPECT_THAT(text, HasSubstr("\n1.ts\n#EXT-X-DISCONTINUITY\n"));
  EXPECT_EQ(count(text, "DISCONTINUITY"), 1u);
  s.end(p);
}

// The second stream of a name takes the files over; the first does not clean them away under it.
TEST(Files, TheNextOfANameHasTheFiles) {
  const Folder f;
  Server s(f.config());
  for (const std::string last : {"2.ts\n", "5.ts\n"}) {
    auto p = s.publish("foo");
    p.announce(picture_and_sound());
    s.feed(p, 0s, 5s);
    s.end(p);
    // Of each its last, unfinished one too.
    ASSERT_TRUE(s.written([&] {
      return f.content("live/foo/index.m3u8").ends_with(last + "#EXT-X-ENDLIST\n");
    })) << f.content("live/foo/index.m3u8");
  }
  const std::string text = f.content("live/foo/index.m3u8");
  EXPECT_EQ(count(text, "#EXTINF"), 6u) << text;
  EXPECT_THAT(text, HasSubstr("\n2.ts\n#EXT-X-DISCONTINUITY\n"));
  EXPECT_EQ(count(text, "DISCONTINUITY"), 1u);
  EXPECT_TRUE(s.gone_later(f, "live/foo/index.m3u8"));
  EXPECT_TRUE(s.gone_later(f, "live/foo"));
}

TEST(Files, AnEventStaysForGood) {
  const Folder f;
  HlsConfig config = f.config();
  config.type = PlaylistType::event;
  config.window = 2s;
  Server s(config);
  auto p = s.publish("foo");
  p.announce(picture_and_sound());
  s.feed(p, 0s, 21s);
  s.end(p);
  ASSERT_TRUE(s.written([&] { return f.content("live/foo/index.m3u8").contains("ENDLIST"); }));
  s.cores.advance(61s);
  s.cores.run_until_idle();
  const std::string text = f.content("live/foo/index.m3u8");
  EXPECT_THAT(text, HasSubstr("#EXT-X-PLAYLIST-TYPE:EVENT\n"));
  EXPECT_EQ(count(text, "#EXTINF"), 11u);
  for (int i = 0; i < 11; ++i) EXPECT_TRUE(f.has("live/foo/" + std::to_string(i) + ".ts")) << i;
}

TEST(Files, AVariantBringsItsMaster) {
  const Folder f;
  HlsConfig config = f.config();
  config.variants = {"_low BANDWIDTH=288000", "_hi"};
  Server s(config);
  auto p = s.publish("foo_hi");
  p.announce(picture_and_sound());
  s.feed(p, 0s, 5s);
  ASSERT_TRUE(s.written([&] { return f.has("live/foo.m3u8"); }));
  const auto rate = std::to_string(s.view("foo_hi")->ts->peak_rate);
  EXPECT_THAT(f.content("live/foo.m3u8"),
              HasSubstr("PROGRAM-ID=1,BANDWIDTH=288000\nfoo_low/index.m3u8\n"));
  EXPECT_THAT(f.content("live/foo.m3u8"),
              HasSubstr("PROGRAM-ID=1,BANDWIDTH=" + rate + "\nfoo_hi/index.m3u8\n"));
  s.end(p);
  ASSERT_TRUE(s.written([&] { return f.content("live/foo_hi/index.m3u8").contains("ENDLIST"); }));
  EXPECT_TRUE(s.gone_later(f, "live/foo.m3u8"));
}

TEST(Files, ADiskThatRefusesIsReportedOnceAndDisturbsNobody) {
  const Folder f;
  std::ofstream(f.path) << "no folder can be made here";
  testing::internal::CaptureStderr();
  {
    Server s(f.config());
    auto p = s.publish("foo");
    p.announce(picture_and_sound());
    s.feed(p, 0s, 15s);
    ASSERT_TRUE(s.written([&] { return s.view("foo")->ts != nullptr; }));
    s.feed(p, 15s, 19s);
    EXPECT_GE(s.view("foo")->ts->segments->size(), 8u);
    fs::remove(f.path);
    EXPECT_TRUE(s.written([&] { return f.content("live/foo/index.m3u8").contains("\n5.ts\n"); }));
    s.end(p);
    EXPECT_TRUE(s.written([&] { return f.content("live/foo/index.m3u8").contains("ENDLIST"); }));
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(count(log, "files are not written"), 1u) << log;
  EXPECT_EQ(count(log, "files are written again"), 1u) << log;
}

TEST(Files, ASlowDiskSkipsAndSaysSo) {
  const Folder f;
  HlsConfig config = f.config();
  config.window = 6s;
  Server s(config);
  std::ofstream(f.path) << "busy";
  auto p = s.publish("foo");
  p.announce(picture_and_sound());
  s.feed(p, 0s, 21s);
  fs::remove(f.path);
  // Of ten, three fit into the window.
  const auto newest = [&] { return bytes(*s.view("foo")->ts->segments->back()); };
  int last = 2;
  ASSERT_TRUE(s.written([&] {
    if (f.has("live/foo/" + std::to_string(last + 1) + ".ts")) ++last;
    return f.content("live/foo/" + std::to_string(last) + ".ts") == newest();
  }));
  EXPECT_LE(last, 5);
  s.end(p);
}

}  // namespace
}  // namespace weir::hls
