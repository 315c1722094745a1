// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/ts_segmenter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "containers/mpegts/fixture.h"

namespace weir::segments {
namespace {

using namespace mpegts::fixture;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

StreamInfoPtr info_of(std::vector<Track> tracks, uint32_t incarnation = 1, uint32_t version = 1) {
  StreamInfo i;
  i.version = version;
  i.incarnation = incarnation;
  i.epoch = WallTime{1000s};
  i.tracks = std::move(tracks);
  return std::make_shared<const StreamInfo>(std::move(i));
}

// Runs a segmenter and keeps what it made.
struct Bench {
  explicit Bench(TsSegmenter::Options options = {}) : segmenter(options) {}
  void info(StreamInfoPtr i) { keep(segmenter.info(i)); }
  void packet(const PacketPtr& p) { keep(segmenter.packet(*p)); }
  // Pictures of 25 a second from `from` to `to`, a keyframe each `gop`.
  void pictures(Time from, Time to, Time gop) {
    for (Time t = from; t < to; t += 40ms) packet(video(t, t, (t - from) % gop == 0ns));
  }
  void sound(Time from, Time to) {
    for (int64_t i = 0; from + from_ticks(i * 1024, 48000) < to; ++i)
      packet(audio(from + from_ticks(i * 1024, 48000)));
  }
  void keep(std::optional<MadeSegment> m) {
    if (m) made.push_back(*std::move(m));
  }
  std::vector<double> durations() const {
    std::vector<double> d;
    for (const auto& m : made) d.push_back(static_cast<double>(m.duration.count()) / 1e9);
    return d;
  }
  TsSegmenter segmenter;
  std::vector<MadeSegment> made;
};

std::vector<mpegts::PesUnit> units_of(const std::vector<MadeSegment>& made) {
  mpegts::Reader reader;
  std::vector<mpegts::PesUnit> units;
  for (const auto& m : made) reader.read(m.data, units);
  reader.finish(units);
  EXPECT_TRUE(reader.counts().clean());
  return units;
}

TEST(TsSegmenter, CutsOnKeyframesAtTheTarget) {
  Bench b;
  b.info(info_of({h264_track(), aac_track()}));
  b.pictures(0s, 7s, 1s);
  b.keep(b.segmenter.finish());
  EXPECT_THAT(b.durations(), ElementsAre(2, 2, 2, 1));
  EXPECT_EQ(b.segmenter.target_duration(), 2s);
  for (const auto& m : b.made) {
    EXPECT_TRUE(m.independent);
    EXPECT_FALSE(m.discontinuity);
    EXPECT_EQ(m.wall, WallTime{1000s} + m.start);
  }
  EXPECT_EQ(b.made[1].start, 2s);
  EXPECT_EQ(b.made[0].pictures, 50u);
  EXPECT_EQ(units_of(b.made).size(), 7 * 25u);
}

TEST(TsSegmenter, EverySegmentStartsWithTablesAndAKeyframe) {
  Bench b;
  b.info(info_of({h264_track(), aac_track()}));
  for (Time t{}; t < 6s; t += 40ms) {
    b.packet(video(t, t + 80ms, t % 2s == 0ns));
    b.packet(audio(t));
  }
  ASSERT_EQ(b.made.size(), 2u);
  for (const auto& m : b.made) {
    mpegts::Reader alone;
    std::vector<mpegts::PesUnit> units;
    alone.read(m.data, units);
    alone.finish(units);
    EXPECT_TRUE(alone.counts().clean());
    ASSERT_FALSE(units.empty());
    EXPECT_EQ(units[0].pid, 0x100);
    EXPECT_TRUE(units[0].random_access);
    EXPECT_EQ(m.start, from_ticks(static_cast<int64_t>(*units[0].pts) - 900'000, 90'000));
  }
}

TEST(TsSegmenter, MillisecondClocksDoNotDoubleSegments) {
  Bench b;
  b.info(info_of({h264_track()}));
  for (int i = 0; i < 240;
       ++i) {  // 29.97 as an RTMP publisher stamps it: keyframes at 2002, 4004 ...
    const Time t = std::chrono::milliseconds{i * 1001 / 30};
    b.packet(video(t, t, i % 59 == 0));  // and at 1968
  }
  EXPECT_THAT(b.durations(), Pointwise(DoubleNear(0.002), {1.968, 1.969, 1.968, 1.969}));
}

TEST(TsSegmenter, LongGroupsOfPicturesSetTheTargetDuration) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.pictures(0s, 13s, 4s);
  EXPECT_THAT(b.durations(), ElementsAre(4, 4, 4));
  EXPECT_EQ(b.segmenter.target_duration(), 4s);
  Bench odd;
  odd.info(info_of({h264_track()}));
  odd.pictures(0s, 8s, 2480ms);  // must not be cut at 2.4 s for good
  EXPECT_EQ(odd.segmenter.target_duration(), 3s);
  EXPECT_THAT(odd.durations(), ElementsAre(2.48, 2.48, 2.48));
}

TEST(TsSegmenter, TheTargetDurationIsNeverExceeded) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.pictures(0s, 2s, 2s);
  b.pictures(2s, 22s, 100s);  // no keyframe after the one at 2 s
  b.pictures(22s, 24s, 2s);
  EXPECT_EQ(b.segmenter.target_duration(), 2s);
  Time sum{};
  for (const auto& m : b.made) {
    EXPECT_LE(m.duration, 2400ms);
    sum += m.duration;
  }
  EXPECT_EQ(sum, b.made.back().start + b.made.back().duration);  // nothing lost between them
  EXPECT_TRUE(b.made[1].independent);
  EXPECT_FALSE(b.made[2].independent);
}

TEST(TsSegmenter, FirstSegmentIsCutWhenNoKeyframeEverComes) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.pictures(0s, 30s, 100s);
  EXPECT_EQ(b.durations().at(0), 20);
  EXPECT_EQ(b.segmenter.target_duration(), 20s);
}

TEST(TsSegmenter, APromisedTargetDurationHolds) {
  Bench b({.target_duration = 2s});
  b.info(info_of({h264_track()}));
  b.pictures(0s, 10s, 5s);
  EXPECT_EQ(b.segmenter.target_duration(), 2s);
  for (const auto& m : b.made) EXPECT_LE(m.duration, 2400ms);
}

TEST(TsSegmenter, AudioOnly) {
  Bench b;
  b.info(info_of({aac_track()}));
  b.sound(0s, 7s);
  b.keep(b.segmenter.finish());
  EXPECT_THAT(b.durations(), Pointwise(DoubleNear(0.03), {2.0, 2.0, 2.0, 1.0}));
  EXPECT_EQ(b.segmenter.target_duration(), 2s);
  EXPECT_TRUE(b.made[1].independent);
  EXPECT_EQ(b.made[0].pictures, 0u);
}

TEST(TsSegmenter, VideoTrackWithoutPicturesStillGivesSegments) {
  Bench b;
  b.info(info_of({h264_track(), aac_track()}));
  b.sound(0s, 5s);
  EXPECT_EQ(b.made.size(), 2u);
}

TEST(TsSegmenter, PicturesBeforeTheFirstKeyframeAreDropped) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.packet(video(0ms, 0ms, false));
  b.packet(video(40ms, 40ms, false));
  b.pictures(80ms, 3s, 2s);
  ASSERT_EQ(b.made.size(), 1u);
  EXPECT_EQ(b.segmenter.dropped(), 2u);
  EXPECT_EQ(b.made[0].start, 80ms);
}

TEST(TsSegmenter, AnotherPublisherIsADiscontinuity) {
  Bench b;
  b.info(info_of({h264_track(), aac_track()}));
  b.pictures(0s, 3s, 2s);
  b.info(info_of({h264_track(), aac_track()}, 2, 2));
  b.packet(audio(3s));
  b.packet(video(3s, 3s, false));  // useless: refers to pictures of the first encoder
  b.pictures(3040ms, 6s, 2s);
  ASSERT_EQ(b.made.size(), 3u);
  EXPECT_THAT(b.durations(), ElementsAre(2, 1, 2.04));
  EXPECT_FALSE(b.made[1].discontinuity);
  EXPECT_TRUE(b.made[2].discontinuity);
  EXPECT_EQ(b.segmenter.dropped(), 1u);
}

TEST(TsSegmenter, OtherConfigurationIsADiscontinuityOtherMetadataIsNot) {
  Bench b;
  auto with_script = [](std::string_view meta) {
    return std::vector<Track>{h264_track(), aac_track(),
                              Track{TrackId{9}, Codec::script, from_hex(meta), DataParams{}, {}}};
  };
  b.info(info_of(with_script("00"), 1, 1));
  b.pictures(0s, 1s, 2s);
  b.info(info_of(with_script("01"), 1, 2));
  b.pictures(1s, 2s, 2s);
  EXPECT_TRUE(b.made.empty());
  auto other = with_script("01");
  other[0] = h264_track("67640029acd94141fb0110");
  b.info(info_of(other, 1, 3));
  ASSERT_EQ(b.made.size(), 1u);
  EXPECT_EQ(b.made[0].tracks->at(0).config, h264_track().config);
  b.pictures(2s, 5s, 2s);
  ASSERT_EQ(b.made.size(), 2u);
  EXPECT_TRUE(b.made[1].discontinuity);
  EXPECT_EQ(b.made[1].tracks->at(0).config, other[0].config);
}

TEST(TsSegmenter, AHoleInTheTimelineIsNotSegmentTime) {
  Bench b;
  b.info(info_of({h264_track()}));
  b.pictures(0s, 3s, 2s);
  b.pictures(9s, 14s, 2s);
  EXPECT_THAT(b.durations(), ElementsAre(2, 2.4, 2, 2));
  EXPECT_EQ(b.made[2].start, 9s);
  EXPECT_EQ(b.made[2].wall, WallTime{1009s});
}

TEST(TsSegmenter, TracksThatCannotBeCarriedAreLeftOut) {
  const Track av1{TrackId{0}, Codec::av1, {}, VideoParams{}, {}};
  const Track opus{TrackId{1}, Codec::opus, {}, AudioParams{}, {}};
  Bench none;
  none.info(info_of({av1, opus}));
  none.pictures(0s, 5s, 1s);
  none.keep(none.segmenter.finish());
  EXPECT_TRUE(none.made.empty());
  ASSERT_FALSE(none.segmenter.carried());
  EXPECT_NE(none.segmenter.carried().error().what.find("av1"), std::string::npos);

  Bench sound;
  sound.info(info_of({av1, aac_track()}));
  for (Time t{}; t < 5s; t += 40ms) {
    sound.packet(video(t, t, t == 0s));
    sound.packet(audio(t));
  }
  EXPECT_TRUE(sound.segmenter.carried());
  ASSERT_EQ(sound.made.size(), 2u);
  EXPECT_EQ(sound.made[0].tracks->size(), 1u);
}

TEST(TsSegmenter, BytesAreBounded) {
  Bench b({.max_bytes = 100'000});
  b.info(info_of({h264_track()}));
  for (Time t{}; t < 4s; t += 40ms) b.packet(video(t, t, t == 0s, 20'000));
  ASSERT_GT(b.made.size(), 10u);
  for (const auto& m : b.made) EXPECT_LT(m.data.size(), 130'000u);
}

TEST(TsSegmenter, ARealStreamComesOutWholeAndInOrder) {
  if (!have_ffmpeg()) GTEST_SKIP();
  const auto source = real_stream(kRealOptions);
  Bench b;
  b.info(source.info);
  for (const auto& p : source.packets) b.packet(p);
  b.keep(b.segmenter.finish());
  EXPECT_THAT(b.durations(), Pointwise(DoubleNear(0.05), {2.0, 2.0, 2.0, 0.5}));
  std::string joined;
  for (const auto& m : b.made) joined += m.data.text();
  const std::string path = temp_path("segments.ts");
  write_file(path, as_bytes(joined));
  auto seen = probe(path);
  unlink(path.c_str());
  std::vector<int64_t> pictures, sounds;
  for (const auto& p : source.packets)
    (p->track == kVideo ? pictures : sounds).push_back(900'000 + to_ticks(p->pts, 90'000));
  std::vector<int64_t> seen_pictures, seen_sounds;
  for (const auto& p : seen["video"]) seen_pictures.push_back(p.pts);
  for (const auto& p : seen["audio"]) seen_sounds.push_back(p.pts);
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen_pictures, pictures);
  EXPECT_THAT(seen_sounds, Pointwise(DoubleNear(2), sounds));
}

}  // namespace
}  // namespace weir::segments
