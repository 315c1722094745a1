// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/dash/mpd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/dash/fixture.h"

namespace weir::dash {
namespace {

using testing::FakeStream;
using ::testing::HasSubstr;
using testing::kEpoch;
using ::testing::Not;
using testing::picture;
using testing::picture_and_sound;
using testing::sound;

std::string mpd(const Sources& sources, Planner& planner, MpdOptions options = {}) {
  planner.update(sources, kEpoch);
  return write_mpd(sources, planner.periods(), options, kEpoch + 5s);
}

std::string mpd(const FakeStream& s, MpdOptions options = {}) {
  Planner planner(2s);
  return mpd(s.sources(), planner, options);
}

size_t count(const std::string& text, std::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// Read by somebody else's parser; what it says about the order of elements, too.
constexpr const char* kCheck = R"(
import sys, re, xml.etree.ElementTree as E
ns = '{urn:mpeg:dash:schema:mpd:2011}'
root = E.parse(sys.stdin).getroot()
assert root.tag == ns + 'MPD'
order = ['ServiceDescription', 'Period', 'UTCTiming']
tags = [c.tag.replace(ns, '') for c in root]
assert tags == sorted(tags, key=order.index), tags
duration = re.compile(r'^PT\d+(\.\d{1,6})?S$')
for e in root.iter():
    for k, v in e.attrib.items():
        if k in ('start', 'minBufferTime', 'maxSegmentDuration', 'timeShiftBufferDepth',
                 'mediaPresentationDuration', 'minimumUpdatePeriod', 'suggestedPresentationDelay'):
            assert duration.match(v), (k, v)
    assert not (e.text or '').strip() and not (e.tail or '').strip(), e.tag
for p in root.iter(ns + 'Period'):
    ids = [a.get('id') for a in p]
    assert len(ids) == len(set(ids)) and ids, ids
    reps = [r.get('id') for r in p.iter(ns + 'Representation')]
    assert len(reps) == len(set(reps)), reps
    for r in p.iter(ns + 'Representation'):
        assert int(r.get('bandwidth')) > 0 and r.get('codecs')
        t = r.find(ns + 'SegmentTemplate')
        assert (t.get('duration') is None) != (t.find(ns + 'SegmentTimeline') is None)
print('ok')
)";

std::string check(const std::string& text) {
  const std::string base = mpegts::fixture::temp_path("dash_mpd");
  std::ofstream(base + ".py") << kCheck;
  std::ofstream(base + ".mpd") << text;
  std::string said = mpegts::fixture::run("python3 " + base + ".py < " + base + ".mpd 2>&1");
  std::remove((base + ".py").c_str());
  std::remove((base + ".mpd").c_str());
  return said;
}

TEST(Mpd, OfALiveStream) {
  FakeStream s = picture_and_sound();
  s.segments(3, 2s);
  s.open();
  const std::string text = mpd(s);
  EXPECT_EQ(text, R"(<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic"
     availabilityStartTime="2025-06-15T15:06:40.000Z" publishTime="2025-06-15T15:06:45.000Z"
     minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT600S"
     suggestedPresentationDelay="PT1.3S" maxSegmentDuration="PT2S" minBufferTime="PT2S">
  <ServiceDescription id="0">
    <Latency target="1500" min="750" max="4500"/>
    <PlaybackRate min="1" max="1.08"/>
  </ServiceDescription>
  <Period id="100" start="PT0S">
    <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <Representation id="v1" codecs="avc1.640015" bandwidth="3700000" width="1280" height="720" frameRate="25">
        <SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="100"
            media="tok-v1-0-$Number$.m4s" initialization="tok-v1-i0.mp4"
            duration="180000" availabilityTimeOffset="1.800" availabilityTimeComplete="false"/>
      </Representation>
    </AdaptationSet>
    <AdaptationSet id="11" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <Representation id="a1" codecs="mp4a.40.2" bandwidth="170000" audioSamplingRate="48000">
        <AudioChannelConfiguration schemeIdUri="urn:mpeg:mpegB:cicp:ChannelConfiguration" value="2"/>
        <SegmentTemplate timescale="48000" presentationTimeOffset="0" startNumber="100"
            media="tok-a1-1-$Number$.m4s" initialization="tok-a1-i1.mp4"
            duration="96000" availabilityTimeOffset="1.800" availabilityTimeComplete="false"/>
      </Representation>
    </AdaptationSet>
  </Period>
  <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="/api/v1/utc"/>
</MPD>
)");
  EXPECT_EQ(check(text), "ok\n");
}

TEST(Mpd, SaysTheSameWhileNothingHappens) {
  FakeStream s = picture_and_sound();
  Planner planner(2s);
  s.segments(2, 2s);
  const std::string text = mpd(s.sources(), planner);
  s.segments(50, 2s);
  EXPECT_EQ(mpd(s.sources(), planner), text);
}

TEST(Mpd, OfAnEndedStreamIsStatic) {
  FakeStream s = picture_and_sound();
  s.segments(3, 2s);
  s.segment(500ms);
  s.end();
  const std::string text = mpd(s);
  EXPECT_THAT(text, HasSubstr("type=\"static\""));
  EXPECT_THAT(text, HasSubstr("mediaPresentationDuration=\"PT6.5S\""));
  EXPECT_THAT(text, HasSubstr("endNumber=\"103\""));
  for (const char* live : {"minimumUpdatePeriod", "timeShiftBufferDepth", "UTCTiming",
                           "ServiceDescription", "availabilityTimeOffset", "suggested"})
    EXPECT_THAT(text, Not(HasSubstr(live)));
  EXPECT_EQ(check(text), "ok\n");
}

TEST(Mpd, PeriodsFollowTheWallClock) {
  FakeStream s = picture_and_sound();
  Planner planner(2s);
  s.segments(3, 2s);
  mpd(s.sources(), planner);
  s.away(4500ms);
  s.lane("v1", picture(640, 360));
  s.segments(2, 2s);
  const std::string text = mpd(s.sources(), planner);
  EXPECT_THAT(text, HasSubstr("<Period id=\"100\" start=\"PT0S\">"));
  EXPECT_THAT(text, HasSubstr("<Period id=\"103\" start=\"PT10.5S\">"));
  EXPECT_THAT(text, HasSubstr("duration=\"180000\" endNumber=\"102\" availabilityTimeOffset"));
  // The stream's time went on from 6 s.
  EXPECT_THAT(text, HasSubstr("timescale=\"90000\" presentationTimeOffset=\"540000\" "
                              "startNumber=\"103\"\n            media=\"tok-v1-2-$Number$.m4s\" "
                              "initialization=\"tok-v1-i2.mp4\""));
  EXPECT_THAT(text, HasSubstr("media=\"tok-v1-0-$Number$.m4s\" initialization=\"tok-v1-i0.mp4\""));
  EXPECT_THAT(text, HasSubstr("timescale=\"48000\" presentationTimeOffset=\"288000\" "
                              "startNumber=\"103\""));
  EXPECT_EQ(check(text), "ok\n");
}

// What a template makes of a number is the name of that segment, whichever lane has a new header
// and though nothing is cut for it.
TEST(Mpd, TemplatesNameNothingThatNeedsAnotherHeader) {
  for (const bool regular : {true, false}) {
    FakeStream s = picture_and_sound();
    Planner planner(2s);
    const auto go_on = [&] {
      for (int i = 0; i < 7; ++i) {
        s.segment(regular ? 2s : i % 2 == 0 ? 1s : 3s);
        mpd(s.sources(), planner);
      }
    };
    go_on();
    s.lane("a1", sound("de"));
    go_on();
    s.lane("v1", picture(640, 360));
    s.lane("a1", sound("en"));
    go_on();
    const std::string text = mpd(s.sources(), planner);
    const auto view = s.view();
    size_t covered = 0;
    for (const Period& p : planner.periods())
      for (const PlannedLane& lane : p.lanes) {
        const std::string front = "media=\"tok-" + lane.lane + "-" +
                                  std::to_string(lane.init->number) + "-$Number$.m4s\"";
        EXPECT_THAT(text, HasSubstr(front + " initialization=\"" + lane.init->name + "\""));
        for (const auto& segment : *view->lane(lane.lane)->segments) {
          if (segment->number < lane.first || (lane.last && segment->number > *lane.last)) continue;
          EXPECT_EQ(segment->init, lane.init) << segment->name;
          ++covered;
        }
      }
    EXPECT_EQ(covered, 2u * 21u);
    EXPECT_GE(planner.periods().size(), 3u);
  }
}

TEST(Mpd, OtherStreamsAreRenditionsToo) {
  FakeStream source = picture_and_sound();
  FakeStream low({"live", "s_$1 <", {}}, "low", 7000);
  low.lane("v1", picture(640, 360));
  low.skip(700ms);  // an encoder of its own
  for (auto* s : {&source, &low}) s->segments(2, 2s);
  Sources all = source.sources();
  all.push_back(low.sources().front());
  Planner planner(2s);
  const std::string text = mpd(all, planner);
  EXPECT_THAT(text, HasSubstr("media=\"../s_%241%20%3C/low-v1-0-$Number$.m4s\" "
                              "initialization=\"../s_%241%20%3C/low-v1-i0.mp4\""));
  EXPECT_THAT(text, HasSubstr("<Representation id=\"v1@s_$1 &lt;\""));
  EXPECT_THAT(text,
              HasSubstr("contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"false\""));
  EXPECT_EQ(check(text), "ok\n");
}

TEST(Mpd, IrregularSegmentsAreListed) {
  FakeStream s = picture_and_sound();
  Planner planner(2s);
  s.segments(10, 2s);
  for (const Time d : std::vector<Time>{5s, 2s, 7s, 2500ms, 9s, 3s, 3s, 3s, 4s}) {
    s.segment(d);
    planner.update(s.sources(), s.now());
  }
  s.open();
  const std::string text = mpd(s.sources(), planner);
  const std::string last = text.substr(text.rfind("<Period"));
  EXPECT_THAT(last, HasSubstr(R"(startNumber="115"
            media="tok-v1-0-$Number$.m4s" initialization="tok-v1-i0.mp4">
          <SegmentTimeline>
            <S t="4095000" d="270000" r="2"/>
            <S d="360000"/>
          </SegmentTimeline>)"))
      << last;
  EXPECT_THAT(last, Not(HasSubstr("availabilityTimeOffset")));
  // Players must stay behind what is complete.
  EXPECT_THAT(text, HasSubstr("suggestedPresentationDelay=\"PT27S\""));
  EXPECT_EQ(check(text), "ok\n");
  s.close(3s);
  s.window(3);
  s.segment(3s);
  s.make_gap("a1");
  EXPECT_THAT(mpd(s.sources(), planner), HasSubstr("startNumber=\"118\""));
  s.segments(3, 3s);
  s.make_gap("v1");
  s.end();
  const std::string end = mpd(s.sources(), planner);
  EXPECT_THAT(end, HasSubstr("type=\"static\""));
  EXPECT_EQ(check(end), "ok\n");
}

TEST(Mpd, RenditionsShareASetLanguagesHaveTheirOwn) {
  FakeStream source = picture_and_sound();
  source.lane("a1", sound("en"));
  source.lane("a2", sound("de-AT"));
  source.lane("a3", sound("\"><x>"));
  FakeStream low({"live", "s", "a<b"}, "low", 7000);
  low.lane("v1", picture(640, 360, 29.97));
  for (auto* s : {&source, &low}) s->segments(2, 2s);
  Sources all = source.sources();
  all.push_back(low.sources().front());
  Planner planner(2s);
  const std::string text = mpd(all, planner);
  EXPECT_EQ(count(text, "contentType=\"video\""), 1u);
  EXPECT_EQ(count(text, "contentType=\"audio\""), 3u);
  EXPECT_EQ(count(text, "value=\"main\""), 2u);
  EXPECT_EQ(count(text, "value=\"alternate\""), 2u);
  EXPECT_EQ(count(text, "lang="), 2u);
  EXPECT_THAT(text, HasSubstr("startWithSAP=\"1\" lang=\"de-AT\">"));
  EXPECT_THAT(text, HasSubstr("<Representation id=\"v1@a&lt;b\""));
  EXPECT_THAT(text, HasSubstr("width=\"640\" height=\"360\" frameRate=\"30000/1001\""));
  EXPECT_THAT(text, HasSubstr("media=\"low-v1-0-$Number$.m4s\" initialization=\"low-v1-i0.mp4\""));
  EXPECT_EQ(check(text), "ok\n");
  // The rendition is no longer made.
  all.pop_back();
  EXPECT_THAT(mpd(all, planner), Not(HasSubstr("low-v1")));
}

TEST(Mpd, LatencyIsNeverLessThanThreeParts) {
  FakeStream s = picture_and_sound();
  s.segments(2, 2s);
  EXPECT_THAT(mpd(s, {.latency = 500ms}), HasSubstr("Latency target=\"600\" min=\"300\""));
  EXPECT_THAT(mpd(s, {.latency = 8s}), HasSubstr("suggestedPresentationDelay=\"PT7.8S\""));
}

TEST(Mpd, RewindIsWhatIsThere) {
  FakeStream s = picture_and_sound();
  s.segments(20, 2s);
  EXPECT_THAT(mpd(s, {.rewind = 3600s}), HasSubstr("timeShiftBufferDepth=\"PT3600S\""));
  EXPECT_THAT(mpd(s, {.rewind = 0s}), HasSubstr("timeShiftBufferDepth=\"PT12S\""));
  s.window(15);
  s.segments(1, 2s);
  EXPECT_THAT(mpd(s, {.rewind = 3600s}), HasSubstr("timeShiftBufferDepth=\"PT30S\""));
  EXPECT_THAT(mpd(s, {.rewind = 20s}), HasSubstr("timeShiftBufferDepth=\"PT20S\""));
}

TEST(Mpd, IsEmptyWithoutMedia) {
  EXPECT_EQ(mpd(FakeStream()), "");
  EXPECT_EQ(write_mpd({}, {}, {}, kEpoch), "");
  FakeStream s = picture_and_sound();
  EXPECT_EQ(mpd(s), "");
}

TEST(Mpd, DurationsAreExactToTheMicrosecond) {
  EXPECT_EQ(xs_duration(0ns), "PT0S");
  EXPECT_EQ(xs_duration(-5s), "PT0S");
  EXPECT_EQ(xs_duration(2002ms), "PT2.002S");
  EXPECT_EQ(xs_duration(36'000s + 1us), "PT36000.000001S");
  EXPECT_EQ(xs_duration(10s), "PT10S");
  EXPECT_EQ(xs_duration(1999999600ns), "PT2S");
}

TEST(Mpd, TextIsEscaped) { EXPECT_EQ(xml_escape("a<b>&\"\n"), "a&lt;b&gt;&amp;&quot;_"); }

}  // namespace
}  // namespace weir::dash
