// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/playlist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/hls/fixture.h"

namespace weir::hls {
namespace {

using namespace fixture;
using testing::HasSubstr;
using testing::Not;

PlaylistOptions options(PlaylistType type = PlaylistType::live) {
  PlaylistOptions o;
  o.token = "k3v9x2a";
  o.type = type;
  o.longest_part = 200ms;
  return o;
}

std::string full(Lanes& l, PlaylistType type = PlaylistType::live) {
  return media_playlist(*l.v1(), options(type), Extent::full);
}
std::string delta(Lanes& l) { return media_playlist(*l.v1(), options(), Extent::delta); }

TEST(MediaPlaylist, AfterTheFirstPartEveryLine) {
  Lanes l;
  l.begin();
  l.part(200ms, true);
  auto o = options();
  o.longest_part = 208'979'591ns;
  o.reports = {{"a1.m3u8", {59'000'000, 1}}, {"v1@low.m3u8", {58'999'999, std::nullopt}}};
  EXPECT_EQ(media_playlist(*l.v1(), o, Extent::full),
            "#EXTM3U\n"
            "#EXT-X-VERSION:9\n"
            "#EXT-X-TARGETDURATION:2\n"
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,HOLD-BACK=6,"
            "PART-HOLD-BACK=0.732\n"
            "#EXT-X-PART-INF:PART-TARGET=0.200000\n"
            "#EXT-X-MEDIA-SEQUENCE:58999997\n"
            "#EXT-X-DISCONTINUITY-SEQUENCE:7\n"
            "#EXT-X-MAP:URI=\"k3v9x2a-v1-i0.mp4\"\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:34.123Z\n"
            "#EXT-X-GAP\n"
            "#EXTINF:2.000000,\n"
            "gap-58999997.m4s\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:36.123Z\n"
            "#EXT-X-GAP\n"
            "#EXTINF:2.000000,\n"
            "gap-58999998.m4s\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:38.123Z\n"
            "#EXT-X-GAP\n"
            "#EXTINF:2.000000,\n"
            "gap-58999999.m4s\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:40.123Z\n"
            "#EXT-X-PART:DURATION=0.200000,URI=\"k3v9x2a-v1-0-59000000.0.m4s\",INDEPENDENT=YES\n"
            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"k3v9x2a-v1-0-59000000.1.m4s\"\n"
            "#EXT-X-RENDITION-REPORT:URI=\"a1.m3u8\",LAST-MSN=59000000,LAST-PART=1\n"
            "#EXT-X-RENDITION-REPORT:URI=\"v1@low.m3u8\",LAST-MSN=58999999\n");
}

TEST(MediaPlaylist, ADiscontinuityAGapAndTheEnd) {
  Lanes l;
  for (int i = 0; i < 4; ++i) l.segment();
  l.begin();  // in which nothing comes
  l.at += 2s;
  l.store.init("v1", mpegts::fixture::h264_track(), Bytes::copy("another header"));
  l.begin(true);
  l.part(200ms, true);
  l.part(120ms);
  const std::string live = full(l);
  EXPECT_THAT(live,
              HasSubstr("k3v9x2a-v1-0-59000003.m4s\n"
                        "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:48.123Z\n"
                        "#EXT-X-GAP\n"
                        "#EXTINF:2.000000,\n"
                        "k3v9x2a-v1-0-59000004.m4s\n"
                        "#EXT-X-DISCONTINUITY\n"
                        "#EXT-X-MAP:URI=\"k3v9x2a-v1-i1.mp4\"\n"
                        "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:50.123Z\n"
                        "#EXT-X-PART:DURATION=0.200000,URI=\"k3v9x2a-v1-1-59000005.0.m4s\","
                        "INDEPENDENT=YES\n"
                        "#EXT-X-PART:DURATION=0.120000,URI=\"k3v9x2a-v1-1-59000005.1.m4s\"\n"
                        "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"k3v9x2a-v1-1-59000005.2.m4s\"\n"));
  l.finish();
  const std::string ended = full(l);
  EXPECT_TRUE(ended.ends_with("#EXTINF:0.320000,\nk3v9x2a-v1-1-59000005.m4s\n#EXT-X-ENDLIST\n"))
      << ended;
  EXPECT_THAT(ended, Not(HasSubstr("PRELOAD-HINT")));
  EXPECT_THAT(ended, HasSubstr("#EXT-X-MEDIA-SEQUENCE:59000000\n"));
  EXPECT_EQ(delta(l), ended);
}

TEST(MediaPlaylist, PartsAreNamedNearTheEndOnly) {
  Lanes l;
  for (int i = 0; i < 6; ++i) l.segment();
  l.begin();
  l.part();
  const auto p = read(full(l));
  ASSERT_EQ(p.segments.size(), 6u);
  for (size_t i = 0; i < 6; ++i)
    EXPECT_EQ(p.segments[i].parts.size(), i < 4 ? 0u : 10u) << i;  // 4.2 s from the end, 6.2 s
  EXPECT_EQ(p.open.parts.size(), 1u);
}

TEST(MediaPlaylist, AHintIsOfTheNewestHeader) {
  Lanes l;
  l.segment();
  l.begin();
  l.part();
  EXPECT_EQ(read(full(l)).hint, "k3v9x2a-v1-0-59000001.1.m4s");
  l.store.init("v1", mpegts::fixture::h264_track(), Bytes::copy("another header"));
  EXPECT_EQ(read(full(l)).hint, "k3v9x2a-v1-0-59000001.1.m4s") << "of the segment that is open";
  l.store.close("v1", l.at);
  EXPECT_EQ(read(full(l)).hint, "k3v9x2a-v1-0-59000002.0.m4s") << "nothing else has begun";
  l.begun = false;
  l.begin();
  l.part();
  const auto p = read(full(l));
  EXPECT_EQ(p.hint, "k3v9x2a-v1-1-59000002.1.m4s");
  EXPECT_EQ(p.open.parts[0].uri, "k3v9x2a-v1-1-59000002.0.m4s");
  EXPECT_EQ(p.open.map, "k3v9x2a-v1-i1.mp4");
  EXPECT_EQ(p.segments.back().parts.back().uri, "k3v9x2a-v1-0-59000001.0.m4s");
}

TEST(MediaPlaylist, ASegmentIsToldAsPartsUntilTheNextOneHasBegun) {
  Lanes l;
  l.segment();
  l.begin();
  for (int i = 0; i < 10; ++i) l.part();
  l.begin();
  const auto over = read(full(l));
  EXPECT_EQ(over.open.parts.size(), 10u);
  EXPECT_EQ(over.hint, "") << "of a segment that is not told of yet";
  l.part();
  const auto told = read(full(l));
  EXPECT_EQ(told.last(), over.last() + 1);
  EXPECT_EQ(told.segments.back().parts.size(), 10u);
  EXPECT_EQ(told.open.parts.size(), 1u);
  l.store.close("v1", l.at);
  l.store.end();
  EXPECT_EQ(read(full(l)).last(), over.last() + 2);
}

TEST(MediaPlaylist, ADeltaLeavesOutWhatIsOlderThanSixTargets) {
  Lanes l;
  for (int i = 0; i < 6; ++i) l.segment();
  l.begin();
  l.part();
  EXPECT_EQ(skippable(*l.v1()), 0u);
  EXPECT_EQ(delta(l), full(l));
  for (int i = 0; i < 9; ++i) l.part();
  l.begin();
  EXPECT_EQ(skippable(*l.v1()), 0u) << "the newest is told as parts still";
  EXPECT_EQ(delta(l), full(l));
  l.part();
  EXPECT_EQ(skippable(*l.v1()), 1u);
  for (int i = 0; i < 9; ++i) l.part();
  for (int i = 0; i < 2; ++i) l.segment();
  const auto p = read(delta(l));
  EXPECT_EQ(p.skipped, 3u);
  EXPECT_EQ(p.first, 59'000'000u);
  EXPECT_EQ(p.segments.front().uri, "k3v9x2a-v1-0-59000003.m4s");
  EXPECT_EQ(p.segments.front().map, "") << "said in what was skipped";
  EXPECT_EQ(p.head.at("#EXT-X-DISCONTINUITY-SEQUENCE"), "7");
  EXPECT_THAT(delta(l), HasSubstr("SEQUENCE:7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXT-X-PROGRAM"));
}

TEST(MediaPlaylist, ANewHeaderBehindTheSkipIsNamed) {
  Lanes l;
  for (int i = 0; i < 4; ++i) l.segment();
  l.store.init("v1", mpegts::fixture::h264_track(), Bytes::copy("another header"));
  l.segment(2s, true);
  for (int i = 0; i < 6; ++i) l.segment();
  l.begin();
  l.part();
  const auto p = read(delta(l));
  EXPECT_EQ(p.skipped, 5u);
  EXPECT_EQ(p.segments.front().map, "");
  Lanes m;
  for (int i = 0; i < 6; ++i) m.segment();
  m.store.init("v1", mpegts::fixture::h264_track(), Bytes::copy("another header"));
  for (int i = 0; i < 6; ++i) m.segment(2s, i == 0);
  m.begin();
  m.part();
  const auto q = read(delta(m));
  EXPECT_EQ(q.skipped, 6u);
  EXPECT_EQ(q.segments.front().map, "k3v9x2a-v1-i1.mp4");
  EXPECT_TRUE(q.segments.front().discontinuity);
}

TEST(MediaPlaylist, AnEventSaysSoWhileItIsWholeAndIsNeverPadded) {
  Lanes l(store_options(8s));
  l.segment();
  std::string text = full(l, PlaylistType::event);
  EXPECT_THAT(text, HasSubstr("#EXT-X-VERSION:9\n#EXT-X-PLAYLIST-TYPE:EVENT\n"));
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:59000000\n"));
  EXPECT_THAT(text, Not(HasSubstr("gap-")));
  EXPECT_THAT(full(l), Not(HasSubstr("PLAYLIST-TYPE")));
  for (int i = 0; i < 10; ++i) l.segment();
  text = full(l, PlaylistType::event);
  EXPECT_FALSE(is_whole(*l.v1()));
  EXPECT_THAT(text, Not(HasSubstr("PLAYLIST-TYPE")));
  EXPECT_THAT(text, Not(HasSubstr("MEDIA-SEQUENCE:59000000\n")));
}

TEST(MediaPlaylist, PaddingGoesOneByOneAndNeverComesBack) {
  Lanes l(store_options(8s));
  std::vector<size_t> seen;
  for (int i = 0; i < 12; ++i) {
    l.segment();
    l.begin();
    seen.push_back(padding(*l.v1(), PlaylistType::live));
  }
  EXPECT_EQ(seen, (std::vector<size_t>{2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  // The first number of all may be zero.
  auto o = store_options();
  o.first_number = 1;
  Lanes early(o);
  early.segment();
  EXPECT_EQ(padding(*early.v1(), PlaylistType::live), 1u);
  // A list that has ended may be as short as it is, and then begins with media.
  early.finish();
  EXPECT_EQ(padding(*early.v1(), PlaylistType::live), 0u);
  EXPECT_FALSE(read(full(early)).segments.front().gap);
}

// What any player may rely on, version after version, over a session with a restart.
struct Rules {
  std::optional<ReadPlaylist> before;
  std::map<uint64_t, std::string> names, dates;
  int deltas = 0;

  void look(const segments::Window& w, const PlaylistOptions& o) {
    const ReadPlaylist p = read(media_playlist(w, o, Extent::full));
    EXPECT_EQ(p.skipped, 0u);
    const int64_t part_target =
        microseconds_of(attribute(p.head.at("#EXT-X-PART-INF"), "PART-TARGET"));
    int64_t total = 0;
    for (const auto& s : p.segments) {
      total += s.us;
      EXPECT_LE((s.us + 500'000) / 1'000'000, 2) << s.uri;
      EXPECT_FALSE(s.date.empty());
      // A number is one segment's for ever.
      if (!s.gap) EXPECT_EQ(names.emplace(s.number, s.uri).first->second, s.uri);
      if (!s.gap) EXPECT_EQ(dates.emplace(s.number, s.date).first->second, s.date);
      int64_t parts = 0;
      for (const auto& part : s.parts) {
        EXPECT_LE(part.us, part_target) << part.uri;
        parts += part.us;
      }
      if (!s.parts.empty()) EXPECT_EQ(parts, s.us) << s.uri;
    }
    EXPECT_GE(total, 6'000'000) << "shorter than three target durations";
    check_hint(p);
    if (before) check_step(p);
    check_delta(p, w, o);
    before = p;
  }

  void check_hint(const ReadPlaylist& p) {
    const std::string expected =
        "-" + std::to_string(p.last() + 1) + "." + std::to_string(p.open.parts.size()) + ".m4s";
    // The segment is over, though it is told as complete only with the next one's first part.
    const bool over = p.hint.empty();
    EXPECT_TRUE(over || p.hint.ends_with(expected)) << p.hint << " " << expected;
    // What was hinted comes, or its segment was over.
    if (before && before->hint != p.hint && p.last() == before->last() && !over)
      EXPECT_EQ(p.open.parts.back().uri, before->hint);
  }

  void check_step(const ReadPlaylist& p) {
    EXPECT_GE(p.first, before->first);
    EXPECT_GE(p.last(), before->last());
    const auto tags = [](const ReadPlaylist& x, uint64_t below) {
      uint64_t n = std::stoull(x.head.at("#EXT-X-DISCONTINUITY-SEQUENCE"));
      for (const auto& s : x.segments) n += s.number <= below && s.discontinuity;
      return n;
    };
    // The same segment has the same discontinuity sequence number in both lists.
    const uint64_t shared = before->last();
    if (shared >= p.first) EXPECT_EQ(tags(p, shared), tags(*before, shared)) << shared;
  }

  void check_delta(const ReadPlaylist& whole, const segments::Window& w, const PlaylistOptions& o) {
    const ReadPlaylist d = read(media_playlist(w, o, Extent::delta));
    EXPECT_EQ(d.first, whole.first);
    EXPECT_EQ(d.hint, whole.hint);
    EXPECT_EQ(d.head, whole.head);
    if (d.skipped == 0) return;
    ++deltas;
    int64_t kept = 0;
    for (const auto& s : d.segments) kept += s.us;
    EXPECT_GE(kept, 12'000'000) << "the skip boundary";
    EXPECT_LT(kept, 12'000'000 + 2'500'000) << "older ones are left out";
    if (!before || d.first + d.skipped > before->last() + 1) return;
    const ReadPlaylist merged = merge(*before, d);
    ASSERT_EQ(merged.segments.size(), whole.segments.size());
    for (size_t i = 0; i < whole.segments.size(); ++i) {
      ReadSegment a = merged.segments[i], b = whole.segments[i];
      if (i < d.skipped) b.parts.clear();
      if (i == 0 || i == d.skipped) a.map = b.map = "";  // named anew at the head of a list
      EXPECT_EQ(a, b) << a.number;
    }
  }
};

TEST(MediaPlaylist, ALongSessionKeepsTheRules) {
  Lanes l(store_options(30s), true);
  Rules video, sound;
  auto o = options();
  o.longest_part = Lanes::kSoundPart;
  for (int i = 0; i < 120; ++i) {
    // Keyframes do not come on the second, nor parts on the millisecond.
    const bool restart = i % 37 == 20;
    l.begin(restart);
    const int parts = 9 + i % 3;
    for (int k = 0; k < parts; ++k) {
      l.part(k + 1 == parts ? 133'333'333ns : 199'999'967ns, k == 0);
      video.look(*l.v1(), o);
      if (const auto a1 = l.a1()) sound.look(*a1, o);
    }
  }
  EXPECT_GT(video.deltas + sound.deltas, 1500);
  // No drift: what was printed adds up to the media, to the microsecond.
  int64_t sum = 0;
  const auto p = read(full(l));
  for (const auto& s : p.segments) sum += s.us;
  const auto& all = *l.v1()->segments;
  const auto& first = *all[l.v1()->first_listed];
  EXPECT_NEAR(static_cast<double>(sum),
              static_cast<double>((all.back()->start + all.back()->duration - first.start) / 1us),
              1);
}

TEST(MediaPlaylist, DatesGoOnOverHours) {
  Lanes l(store_options(10min));
  for (int i = 0; i < 300; ++i) l.segment();
  l.begin();
  const auto p = read(full(l));
  for (const auto& s : p.segments) {
    const Time from_start = (s.number - 59'000'000) * 2s;
    EXPECT_EQ(s.date, format_utc(kEpoch + from_start));
  }
  EXPECT_GE(p.segments.size(), 299u);
}

TEST(TsPlaylist, EveryLine) {
  Lanes l;
  const auto add = [&](uint64_t ordinal, Time start, Time end, bool discontinuity) {
    segments::MadeTs made;
    made.cut = {ordinal, start, discontinuity, true};
    made.end = end;
    made.data = Bytes::copy(std::string(1880, 'G'));
    made.pictures = 50;
    made.tracks = std::make_shared<const std::vector<Track>>(
        std::vector{mpegts::fixture::h264_track(), mpegts::fixture::aac_track()});
    l.store.add(std::move(made));
  };
  add(0, 0s, 2s, false);
  add(1, 2s, 3'960ms, false);
  add(2, 5s, 7'000'400us, true);
  const std::string expected =
      "#EXT-X-TARGETDURATION:2\n"
      "#EXT-X-MEDIA-SEQUENCE:59000000\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:7\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:40.123Z\n"
      "#EXTINF:2.000000,\n"
      "k3v9x2a-59000000.ts\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:42.123Z\n"
      "#EXTINF:1.960000,\n"
      "k3v9x2a-59000001.ts\n"
      "#EXT-X-DISCONTINUITY\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:45.123Z\n"
      "#EXTINF:2.000400,\n"
      "k3v9x2a-59000002.ts\n";
  const auto ts = l.store.ts();
  ASSERT_TRUE(ts);
  EXPECT_EQ(ts_playlist(*ts, PlaylistType::live), "#EXTM3U\n#EXT-X-VERSION:3\n" + expected);
  EXPECT_EQ(ts_playlist(*ts, PlaylistType::event),
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-PLAYLIST-TYPE:EVENT\n" + expected);
  l.store.end();
  EXPECT_TRUE(ts_playlist(*l.store.ts(), PlaylistType::live).ends_with("\n#EXT-X-ENDLIST\n"));
}

}  // namespace
}  // namespace weir::hls
