// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/playlist.h"

#include <gtest/gtest.h>

#include "containers/mpegts/fixture.h"

namespace weir::hls {
namespace {

using mpegts::fixture::aac_track;
using mpegts::fixture::h264_track;

constexpr WallTime kStart{std::chrono::seconds{1'795'000'000} + 123ms};

segments::Tracks tracks(std::vector<Track> t) {
  return std::make_shared<const std::vector<Track>>(std::move(t));
}

segments::MadeSegment made(Time start, Time duration, size_t bytes = 100'000) {
  segments::MadeSegment m;
  m.data = Bytes::take(std::vector<uint8_t>(bytes));
  m.start = start;
  m.duration = duration;
  m.wall = kStart + start;
  m.pictures = static_cast<uint64_t>(duration / 40ms);
  m.tracks = tracks({h264_track(), aac_track()});
  return m;
}

segments::SegmentStore store() {
  return segments::SegmentStore(
      {.window = 6s, .first_number = 59'000'000, .first_discontinuity = 7, .token = "k3v9x2a"});
}

TEST(MediaPlaylist, EveryLine) {
  auto s = store();
  s.add(made(0s, 2s), 2s);
  s.add(made(2s, 1960ms), 2s);
  auto returned = made(5s, 2'000'400us);
  returned.discontinuity = true;
  s.add(std::move(returned), 2s);
  EXPECT_EQ(media_playlist(*s.window()),
            "#EXTM3U\n"
            "#EXT-X-VERSION:3\n"
            "#EXT-X-TARGETDURATION:2\n"
            "#EXT-X-MEDIA-SEQUENCE:59000000\n"
            "#EXT-X-DISCONTINUITY-SEQUENCE:7\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:40.123Z\n"
            "#EXTINF:2.000,\n"
            "k3v9x2a-59000000.ts\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:42.123Z\n"
            "#EXTINF:1.960,\n"
            "k3v9x2a-59000001.ts\n"
            "#EXT-X-DISCONTINUITY\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:45.123Z\n"
            "#EXTINF:2.000,\n"
            "k3v9x2a-59000002.ts\n");
}

TEST(MediaPlaylist, MovesOnAndEnds) {
  auto s = store();
  for (int i = 0; i < 6; ++i) s.add(made(i * 2s, 2s), 2s);
  std::string text = media_playlist(*s.window());
  EXPECT_NE(text.find("#EXT-X-MEDIA-SEQUENCE:59000003\n"), std::string::npos);
  EXPECT_EQ(text.find("59000002"), std::string::npos);
  EXPECT_EQ(text.find("ENDLIST"), std::string::npos);
  s.end();
  text = media_playlist(*s.window());
  EXPECT_TRUE(text.ends_with("k3v9x2a-59000005.ts\n#EXT-X-ENDLIST\n"));
}

TEST(MediaPlaylist, RoundedDurationsNeverPassTheTarget) {
  auto s = store();
  s.add(made(0s, 2'400ms), 2s);
  const std::string text = media_playlist(*s.window());
  EXPECT_NE(text.find("#EXT-X-TARGETDURATION:2\n"), std::string::npos);
  EXPECT_NE(text.find("#EXTINF:2.400,\n"), std::string::npos);
}

TEST(Multivariant, PictureAndSound) {
  auto s = store();
  s.add(made(0s, 2s, 250'000), 2s);
  s.add(made(2s, 2s, 500'000), 2s);
  EXPECT_EQ(multivariant_playlist(*s.window(), "ts.m3u8"),
            "#EXTM3U\n"
            "#EXT-X-VERSION:3\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1500000,"
            "CODECS=\"avc1.640015,mp4a.40.2\",RESOLUTION=320x180,FRAME-RATE=25.000\n"
            "ts.m3u8\n");
}

TEST(Multivariant, MeasuresTheRateThatWasNotAnnounced) {
  auto s = store();
  auto m = made(0s, 2s);
  Track unknown = h264_track();
  unknown.params = VideoParams{};
  m.tracks = tracks({unknown});
  s.add(std::move(m), 2s);
  const std::string text = multivariant_playlist(*s.window(), "ts.m3u8");
  EXPECT_EQ(text.find("RESOLUTION"), std::string::npos);
  EXPECT_NE(text.find("CODECS=\"avc1.640015\",FRAME-RATE=25.000\n"), std::string::npos) << text;
}

TEST(Multivariant, SoundAlone) {
  auto s = store();
  auto m = made(0s, 2s);
  Track second = aac_track();
  second.id = TrackId{2};
  const Track mp3{TrackId{3}, Codec::mp3, {}, AudioParams{44100, 2}, {}};
  m.tracks = tracks({aac_track(), second, mp3});
  m.pictures = 0;
  s.add(std::move(m), 2s);
  const std::string text = multivariant_playlist(*s.window(), "ts.m3u8");
  EXPECT_NE(text.find(",CODECS=\"mp4a.40.2,mp4a.40.34\"\nts.m3u8\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace weir::hls
