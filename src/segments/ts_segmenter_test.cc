// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/ts_segmenter.h"

#include "segments/segmenter_fixture.h"

namespace weir::segments {
namespace {

using namespace fixture;
using mpegts::fixture::have_ffmpeg;
using mpegts::fixture::kRealOptions;
using mpegts::fixture::probe;
using mpegts::fixture::real_stream;
using mpegts::fixture::temp_path;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;
using testing::SizeIs;

std::vector<double> durations(const std::vector<MadeTs>& made) {
  std::vector<double> d;
  for (const auto& m : made) d.push_back(static_cast<double>((m.end - m.cut.start).count()) / 1e9);
  return d;
}

std::vector<mpegts::PesUnit> units_of(const std::vector<MadeTs>& made) {
  mpegts::Reader reader;
  std::vector<mpegts::PesUnit> units;
  for (const auto& m : made) reader.read(m.data, units);
  reader.finish(units);
  EXPECT_TRUE(reader.counts().clean());
  return units;
}

TEST(TsSegmenter, CutsWhereTheLanesDo) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().pictures(0s, 7s, {.rate = 25, .gop = 50, .b_frames = true}).sound(0s, 7s));
  c.finish();
  EXPECT_THAT(durations(c.made_ts), Pointwise(DoubleNear(0.001), {2.0, 2.0, 2.0, 1.0}));
  ASSERT_EQ(c.made_ts.size(), c.lane("v1").segments.size());
  for (size_t i = 0; i < c.made_ts.size(); ++i) {
    EXPECT_EQ(c.made_ts[i].cut.ordinal, c.lane("v1").segments[i].cut.ordinal);
    EXPECT_EQ(c.made_ts[i].end, c.lane("v1").segments[i].end);
    EXPECT_EQ(c.made_ts[i].pictures, i == 3 ? 25u : 50u);
    EXPECT_THAT(*c.made_ts[i].tracks, SizeIs(2));
  }
  size_t pictures = 0;
  for (const auto& u : units_of(c.made_ts)) pictures += u.pid == 0x100;
  EXPECT_EQ(pictures, c.published[kVideo].size());
}

TEST(TsSegmenter, EverySegmentStartsWithTablesAndAKeyframe) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().pictures(0s, 6s, {.b_frames = true}).sound(1s, 6s));
  ASSERT_EQ(c.made_ts.size(), 2u);
  for (const auto& m : c.made_ts) {
    mpegts::Reader alone;
    std::vector<mpegts::PesUnit> units;
    alone.read(m.data, units);
    alone.finish(units);
    EXPECT_TRUE(alone.counts().clean());
    ASSERT_FALSE(units.empty());
    EXPECT_EQ(units[0].pid, 0x100);
    EXPECT_TRUE(units[0].random_access);
    EXPECT_EQ(to_ticks(m.cut.start, 90'000), static_cast<int64_t>(*units[0].pts) - 900'000);
  }
}

TEST(TsSegmenter, SoundAlone) {
  Chain c;
  c.info(info_of({aac_track()}));
  c.play(Source().sound(0s, 7s));
  c.finish();
  EXPECT_THAT(durations(c.made_ts), Pointwise(DoubleNear(0.03), {2.0, 2.0, 2.0, 1.0}));
  EXPECT_EQ(c.made_ts[0].pictures, 0u);
}

TEST(TsSegmenter, SoundBeforeTheFirstPictureIsKept) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().sound(0s, 3s).pictures(500ms, 3s, {.rate = 25, .gop = 100}));
  c.finish();
  ASSERT_EQ(c.made_ts.size(), 1u);
  EXPECT_EQ(c.made_ts[0].cut.start, 0s);
  EXPECT_EQ(c.made_ts[0].end, 3020ms);
  const auto units = units_of(c.made_ts);
  EXPECT_EQ(units.at(0).pid, 0x101);
  EXPECT_EQ(*units[0].pts, 900'000u);
}

TEST(TsSegmenter, BeginsInTheMiddleWithTheFirstCutItIsGiven) {
  Chain c;
  const auto info = info_of({h264_track(), aac_track()});
  c.info(info);
  Source source;
  source.pictures(0s, 7s, {.rate = 25, .gop = 50}).sound(0s, 7s);
  TsSegmenter late;
  std::vector<MadeTs> made;
  Boundaries boundaries({});
  boundaries.info(info);
  for (const auto& p : source.packets()) {
    const auto cut = boundaries.packet(*p);
    if (p->dts < 1s) continue;
    if (p->dts == 1s) EXPECT_FALSE(late.info(info, false));
    if (auto m = late.packet(*p, cut)) made.push_back(*std::move(m));
  }
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[0].cut.ordinal, 1u);
  EXPECT_EQ(late.dropped(), 25u);
  for (const auto& u : units_of(made)) EXPECT_GE(*u.pts, 900'000u + 2 * 90'000 - 1920);
}

TEST(TsSegmenter, APublishersReturnIsADiscontinuity) {
  Chain c;
  c.info(info_of({h264_track(), aac_track()}));
  c.play(Source().pictures(0s, 3s, {.rate = 25, .gop = 50}).sound(0s, 3s));
  c.info(info_of({h264_track(), aac_track()}, 2));
  c.play(Source()
             .sound(5s, 8s)
             .add(frame(kVideo, 5s, 5s, false))  // refers to pictures of the first encoder
             .pictures(5040ms, 8s, {.rate = 25, .gop = 50}));
  c.finish();
  EXPECT_THAT(durations(c.made_ts), ElementsAre(2, 1, 2.04, 0.96));
  EXPECT_FALSE(c.made_ts[1].cut.discontinuity);
  EXPECT_TRUE(c.made_ts[2].cut.discontinuity);
  EXPECT_EQ(c.ts.dropped(), 1u);
}

TEST(TsSegmenter, OtherConfigurationIsADiscontinuityOtherMetadataIsNot) {
  const auto with_script = [](std::string_view meta) {
    return std::vector<Track>{h264_track(),
                              {TrackId{9}, Codec::script, from_hex(meta), DataParams{}, {}}};
  };
  Chain c;
  c.info(info_of(with_script("00")));
  c.play(Source().pictures(0s, 1s, {}));
  c.info(info_of(with_script("01")));
  EXPECT_TRUE(c.made_ts.empty());
  auto other = with_script("01");
  other[0] = h264_track("67640029acd94141fb0110");
  c.info(info_of(other));
  ASSERT_EQ(c.made_ts.size(), 1u);
  EXPECT_EQ(c.made_ts[0].tracks->at(0).config, h264_track().config);
  c.play(Source().pictures(1s, 4s, {}));
  ASSERT_EQ(c.made_ts.size(), 2u);
  EXPECT_TRUE(c.made_ts[1].cut.discontinuity);
  EXPECT_EQ(c.made_ts[1].tracks->at(0).config, other[0].config);
}

TEST(TsSegmenter, AHoleIsNotSegmentTime) {
  Chain c;
  c.info(info_of({h264_track()}));
  c.play(Source()
             .pictures(0s, 3s, {.rate = 25, .gop = 50})
             .pictures(9s, 14s, {.rate = 25, .gop = 50}));
  EXPECT_THAT(durations(c.made_ts), ElementsAre(2, 1, 2, 2));
  EXPECT_EQ(c.made_ts[2].cut.start, 9s);
  EXPECT_TRUE(c.made_ts[2].cut.discontinuity);
}

TEST(TsSegmenter, TracksThatCannotBeCarriedAreLeftOut) {
  const Track av1{kVideo, Codec::av1, {}, VideoParams{}, {}};
  const Track opus{TrackId{7}, Codec::opus, {}, AudioParams{}, {}};
  Chain none;
  none.info(info_of({av1, opus}));
  none.play(Source().pictures(0s, 5s, {}));
  none.finish();
  EXPECT_TRUE(none.made_ts.empty());
  ASSERT_FALSE(none.ts.carried());
  EXPECT_EQ(none.ts.carried().error().code, Code::unsupported);
  EXPECT_NE(none.ts.carried().error().what.find("av1"), std::string::npos);

  Chain sound;  // still cut where the picture is
  sound.info(info_of({av1, aac_track()}));
  sound.play(Source().pictures(0s, 5s, {.rate = 25, .gop = 50}).sound(0s, 5s));
  EXPECT_TRUE(sound.ts.carried());
  EXPECT_THAT(durations(sound.made_ts), ElementsAre(2, 2));
  EXPECT_THAT(*sound.made_ts[0].tracks, SizeIs(1));
}

TEST(TsSegmenter, NothingInsideIsNoSegment) {
  const Track av1{kVideo, Codec::av1, {}, VideoParams{}, {}};
  Chain c;
  c.info(info_of({av1, aac_track()}));
  c.play(Source().pictures(0s, 7s, {.rate = 25, .gop = 50}).sound(0s, 1s).sound(6010ms, 7s));
  c.finish();
  ASSERT_EQ(c.made_ts.size(), 2u);
  EXPECT_EQ(c.made_ts[1].cut.ordinal, 3u);
}

TEST(TsSegmenter, ARealStreamComesOutWholeAndInOrder) {
  if (!have_ffmpeg()) GTEST_SKIP();
  const auto source = real_stream(kRealOptions);
  Chain c;
  c.info(source.info);
  for (const auto& p : source.packets) c.packet(p);
  c.finish();
  EXPECT_THAT(durations(c.made_ts), Pointwise(DoubleNear(0.05), {2.0, 2.0, 2.0, 0.5}));
  std::string joined;
  for (const auto& m : c.made_ts) joined += m.data.text();
  const std::string path = temp_path("segments.ts");
  mpegts::fixture::write_file(path, as_bytes(joined));
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

  // The same through the lanes, as ffprobe reads a header and all segments behind each other.
  for (const auto& [id, lane] : c.recorder.lanes) {
    std::string file(lane.headers.at(0).text());
    for (const auto& part : lane.parts()) file += part.data.text();
    const std::string mp4 = temp_path(id + ".mp4");
    mpegts::fixture::write_file(mp4, as_bytes(file));
    auto in_mp4 = probe(mp4);
    unlink(mp4.c_str());
    EXPECT_EQ(in_mp4.size(), 1u) << in_mp4.begin()->first;
    EXPECT_THAT(in_mp4[id == "v1" ? "video" : "audio"],
                SizeIs(id == "v1" ? pictures.size() : sounds.size()));
  }
}

}  // namespace
}  // namespace weir::segments
