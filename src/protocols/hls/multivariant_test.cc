// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/multivariant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "containers/mpegts/fixture.h"

namespace weir::hls {
namespace {

using mpegts::fixture::aac_track;
using mpegts::fixture::h264_track;
using segments::Window;
using testing::HasSubstr;
using testing::Not;

const StreamKey kFoo{"live", "foo", {}};

struct LaneOptions {
  uint64_t peak = 1'000'000, average = 800'000;
  size_t segments = 3;
  bool independent = true;
};

segments::WindowPtr lane(std::string id, const Track& track, LaneOptions o = {}) {
  auto w = std::make_shared<Window>();
  w->id = std::move(id);
  w->target_duration = 2s;
  w->peak_rate = o.peak;
  w->average_rate = o.average;
  auto init = std::make_shared<segments::Init>();
  init->track = track;
  auto list = std::make_shared<std::vector<segments::SegmentPtr>>();
  for (size_t i = 0; i < o.segments; ++i) {
    auto s = std::make_shared<segments::Segment>();
    s->number = i;
    s->init = init;
    s->independent = o.independent;
    s->duration = 2s;
    list->push_back(s);
  }
  w->segments = list;
  if (o.segments == 0) {
    w->open.emplace();
    w->open->init = init;
    w->open->parts.push_back(std::make_shared<segments::Part>());
  }
  return w;
}

Track aac(std::string language = {}, int channels = 2) {
  Track t = aac_track();
  t.language = std::move(language);
  t.params = AudioParams{48000, channels};
  return t;
}

Track opus(std::string language = {}) {
  return {TrackId{9}, Codec::opus, {}, AudioParams{48000, 2}, std::move(language)};
}

Member member(std::vector<segments::WindowPtr> lanes, StreamKey key = kFoo,
              const VariantRule* rule = nullptr) {
  auto view = std::make_shared<segments::View>();
  view->lanes = std::move(lanes);
  return {std::move(key), std::move(view), rule};
}

std::string text(std::vector<Member> members, std::string_view query = "") {
  return multivariant_playlist(kFoo, members, Format::cmaf, query);
}

TEST(Multivariant, PictureAndSoundEveryLine) {
  EXPECT_EQ(text({member({lane("v1", h264_track()), lane("a1", aac(), {128'000, 120'000})})}),
            "#EXTM3U\n"
            "#EXT-X-VERSION:9\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"Audio 1\",DEFAULT=YES,"
            "AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a1.m3u8\"\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=1353600,AVERAGE-BANDWIDTH=920000,"
            "CODECS=\"avc1.640015,mp4a.40.2\",RESOLUTION=320x180,FRAME-RATE=25.000,"
            "AUDIO=\"aac\"\n"
            "v1.m3u8\n");
}

TEST(Multivariant, SoundAloneIsTheVariant) {
  EXPECT_EQ(text({member({lane("a1", aac(), {128'000, 120'000})})}, "?type=event"),
            "#EXTM3U\n"
            "#EXT-X-VERSION:9\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=153600,AVERAGE-BANDWIDTH=120000,CODECS=\"mp4a.40.2\"\n"
            "a1.m3u8?type=event\n");
}

TEST(Multivariant, SoundAloneInTwoLanguages) {
  const std::string t = text({member(
      {lane("a1", aac("en"), {100'000, 90'000}), lane("a2", aac("de"), {200'000, 90'000})})});
  EXPECT_THAT(t, HasSubstr("NAME=\"en\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES"));
  EXPECT_THAT(t, HasSubstr("NAME=\"de\",LANGUAGE=\"de\",DEFAULT=NO,AUTOSELECT=YES"));
  EXPECT_THAT(t, HasSubstr("BANDWIDTH=240000,AVERAGE-BANDWIDTH=90000,CODECS=\"mp4a.40.2\","
                           "AUDIO=\"aac\"\na1.m3u8\n"));
  EXPECT_THAT(t, Not(HasSubstr("\na2.m3u8\n")));
}

TEST(Multivariant, NamesInAGroupDifferAndOneOfALanguageIsChosen) {
  const std::string t = text({member({lane("v1", h264_track()), lane("a1", aac("en")),
                                      lane("a2", aac("en", 6)), lane("a3", aac())})});
  EXPECT_THAT(t, HasSubstr("NAME=\"en\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES"));
  EXPECT_THAT(t,
              HasSubstr("NAME=\"en 2\",LANGUAGE=\"en\",DEFAULT=NO,AUTOSELECT=NO,CHANNELS=\"6\""));
  EXPECT_THAT(t, HasSubstr("NAME=\"Audio 3\",DEFAULT=NO,AUTOSELECT=YES"));
}

TEST(Multivariant, AGroupForEachCodecWhenTheyHaveTheSameMembers) {
  const std::string t =
      text({member({lane("v1", h264_track()), lane("a1", aac("en")), lane("a2", opus("en"))})});
  EXPECT_THAT(t, HasSubstr("GROUP-ID=\"aac\",NAME=\"en\""));
  EXPECT_THAT(t, HasSubstr("GROUP-ID=\"opus\",NAME=\"en\""));
  EXPECT_THAT(t, HasSubstr("CODECS=\"avc1.640015,mp4a.40.2\""));
  EXPECT_THAT(t, HasSubstr("CODECS=\"avc1.640015,opus\""));
  // Different members: 4.4.6.1.1 leaves only one group.
  const std::string u =
      text({member({lane("v1", h264_track()), lane("a1", aac("en")), lane("a2", opus("de"))})});
  EXPECT_THAT(u, HasSubstr("GROUP-ID=\"audio\",NAME=\"en\""));
  EXPECT_THAT(u, HasSubstr("GROUP-ID=\"audio\",NAME=\"de\""));
  EXPECT_THAT(u, HasSubstr("CODECS=\"avc1.640015,mp4a.40.2,opus\""));
  EXPECT_EQ(u.find("STREAM-INF"), u.rfind("STREAM-INF"));
}

TEST(Multivariant, WhatPublishersSayCannotBreakALine) {
  const std::string t =
      text({member({lane("v1", h264_track()), lane("a1", aac("en\"\n#EXT-X-ENDLIST"))})});
  EXPECT_THAT(t, Not(HasSubstr("ENDLIST")));
  EXPECT_THAT(t, HasSubstr("NAME=\"Audio 1\",DEFAULT"));
}

TEST(Multivariant, RenditionsAndVariantsTheSourceFirst) {
  const VariantRule low = *parse_variant("_low BANDWIDTH=288000 NAME=\"small\"");
  const std::string t = text({
      member({lane("v1", h264_track(), {5'000'000}), lane("a1", aac())}),
      member({lane("v1", h264_track(), {2'000'000})}, {"live", "foo", "720p"}),
      member({lane("v1", h264_track(), {500'000}), lane("a1", aac())}, {"live", "foo_low", {}},
             &low),
  });
  const size_t source = t.find("\nv1.m3u8\n"), small = t.find("\nv1@720p.m3u8\n"),
               variant = t.find("\n../foo_low/v1.m3u8\n");
  EXPECT_LT(source, small);
  EXPECT_LT(small, variant);
  EXPECT_NE(variant, std::string::npos) << t;
  // A rendition without sound plays the source's; a variant its own.
  EXPECT_THAT(t, HasSubstr("AUDIO=\"aac\"\nv1@720p.m3u8\n"));
  EXPECT_THAT(t, HasSubstr("GROUP-ID=\"aac_low\""));
  EXPECT_THAT(t, HasSubstr("URI=\"../foo_low/a1.m3u8\""));
  EXPECT_THAT(t, HasSubstr("BANDWIDTH=288000,CODECS=\"avc1.640015,mp4a.40.2\",RESOLUTION=320x180,"
                           "FRAME-RATE=25.000,NAME=\"small\",AUDIO=\"aac_low\"\n"));
  EXPECT_THAT(t, HasSubstr("BANDWIDTH=7200000,"));  // 1.2 x (5 + 1) million
}

TEST(Multivariant, ALaneThatStoppedIsListedOnlyAfterTheEnd) {
  const auto with = [](size_t sound, bool ended) {
    auto view = std::make_shared<segments::View>();
    view->lanes = {lane("v1", h264_track(), {.segments = 8}),
                   lane("a1", aac(), {.segments = sound})};
    view->ended = ended;
    return text({{kFoo, view, nullptr}});
  };
  EXPECT_THAT(with(6, false), HasSubstr("a1.m3u8"));
  EXPECT_THAT(with(5, false), Not(HasSubstr("AUDIO")));
  EXPECT_THAT(with(5, false), HasSubstr("CODECS=\"avc1.640015\""));
  EXPECT_THAT(with(5, true), HasSubstr("a1.m3u8"));
}

TEST(Multivariant, AListMayBeOfVariantsAlone) {
  const VariantRule low = *parse_variant("_low");
  const std::string t = text({member({lane("v1", h264_track())}, {"live", "foo_low", {}}, &low)});
  EXPECT_THAT(t, HasSubstr("\n../foo_low/v1.m3u8\n"));
  EXPECT_EQ(text({}), "");
  EXPECT_EQ(text({member({})}), "");
}

TEST(Multivariant, IndependentSegmentsOnlyWhenAllAre) {
  EXPECT_THAT(text({member({lane("v1", h264_track(), {.independent = false})})}),
              Not(HasSubstr("INDEPENDENT")));
}

TEST(Multivariant, RatesHaveHeadRoomAndMoreOfItAtFirst) {
  EXPECT_EQ(announced_rate(*lane("v1", h264_track(), {1'000'000, 0, 3})), 1'200'000u);
  EXPECT_EQ(announced_rate(*lane("v1", h264_track(), {1'000'000, 0, 2})), 2'000'000u);
  EXPECT_EQ(announced_rate(*lane("v1", h264_track(), {1'000'000, 0, 0})), 2'000'000u);
  EXPECT_GT(announced_rate(*lane("v1", h264_track(), {0, 0, 0})), 0u);
}

TEST(Multivariant, TransportStreams) {
  auto view = std::make_shared<segments::View>();
  auto w = std::make_shared<Window>(*lane("ts", h264_track(), {2'000'000, 1'500'000}));
  auto s = std::make_shared<segments::Segment>();
  Track unknown = h264_track();
  unknown.params = VideoParams{};
  s->tracks = std::make_shared<const std::vector<Track>>(std::vector{unknown, aac_track()});
  w->segments = std::make_shared<const std::vector<segments::SegmentPtr>>(3, s);
  w->frame_rate = 25;
  view->ts = w;
  EXPECT_EQ(multivariant_playlist(kFoo, {{kFoo, view, nullptr}}, Format::ts, ""),
            "#EXTM3U\n"
            "#EXT-X-VERSION:3\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=2400000,AVERAGE-BANDWIDTH=1500000,"
            "CODECS=\"avc1.640015,mp4a.40.2\",FRAME-RATE=25.000\n"
            "ts.m3u8\n");
  view = std::make_shared<segments::View>();
  EXPECT_EQ(multivariant_playlist(kFoo, {{kFoo, view, nullptr}}, Format::ts, ""), "");
}

}  // namespace
}  // namespace weir::hls
