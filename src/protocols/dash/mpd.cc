// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/dash/mpd.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "codecs/registry.h"
#include "containers/mp4/writer.h"
#include "net/http/target.h"

namespace weir::dash {
namespace {

using segments::SegmentPtr;
using segments::View;
using segments::Window;

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// "30000/1001", "25", "12500/1000".
std::string frame_rate_text(double rate) {
  const double whole = std::round(rate);
  if (std::abs(rate - whole) < 0.0001) return fmt::format("{:.0f}", whole);
  const double ntsc = std::round(rate * 1001 / 1000);
  if (std::abs(rate * 1001 / 1000 - ntsc) < 0.0001) return fmt::format("{:.0f}/1001", ntsc * 1000);
  return fmt::format("{:.0f}/1000", rate * 1000);
}

// RFC 5646 2.1, roughly: what a publisher said may be anything.
bool is_language(std::string_view text) {
  return text.size() >= 2 && text.size() <= 35 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-';
         });
}

// ISO/IEC 23001-8 table 8: up to six channels the index is their number.
int channel_configuration(int channels) {
  if (channels == 7) return 11;
  return channels == 8 ? 12 : channels;
}

int64_t ticks(Time t, uint32_t timescale) {
  return std::max<int64_t>(0, to_ticks(std::max(t, Time{0}), timescale));
}

const View* find_view(const Sources& sources, const StreamKey& key) {
  const auto it = std::ranges::find_if(sources, [&](const auto& s) { return s.first == key; });
  return it == sources.end() ? nullptr : it->second.get();
}

// Segments of one lane within one Period that a timeline lists.
std::vector<SegmentPtr> listed(const PlannedLane& lane, const View& view) {
  std::vector<SegmentPtr> out;
  const auto window = view.lane(lane.lane);
  if (!window) return out;
  const auto& all = *window->segments;
  for (size_t i = window->first_listed; i < all.size(); ++i) {
    if (all[i]->number < lane.first) continue;
    if (lane.last && all[i]->number > *lane.last) break;
    // 5.3.9.6: numbers count on from @startNumber, so that a gap can only be left out in front.
    if (!out.empty() || !all[i]->gap) out.push_back(all[i]);
  }
  return out;
}

class Writer {
 public:
  Writer(const Sources& sources, const std::vector<Period>& periods, const MpdOptions& options)
      : sources_(sources),
        source_(*sources.front().second),
        options_(options),
        ended_(source_.ended) {
    for (const Period& p : periods)
      if (has_media(p)) periods_.push_back(&p);
  }

  std::string write(WallTime published) {
    if (periods_.empty()) return {};
    head(published);
    if (!ended_) service_description();
    for (const Period* p : periods_) period(*p);
    if (!ended_)
      add("  <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-xsdate:2014\" value=\"{}\"/>\n",
          xml_escape(options_.time_url));
    return std::move(out_) + "</MPD>\n";
  }

 private:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  const Period& newest() const { return *periods_.back(); }

  bool has_media(const Period& p) const {
    if (p.addressing == Addressing::number) return true;
    return std::ranges::any_of(p.lanes, [&](const PlannedLane& lane) {
      const View* view = find_view(sources_, lane.stream);
      return view && !listed(lane, *view).empty();
    });
  }

  // The longest segment of the lane that sets the pace.
  Time longest() const {
    Time most{};
    for (const Period* p : periods_) most = std::max(most, p->nominal);
    const Window& w = *source_.lanes.front();
    for (size_t i = w.first_listed; i < w.segments->size(); ++i)
      most = std::max(most, (*w.segments)[i]->duration);
    return std::chrono::ceil<milliseconds>(most);
  }

  Time part() const {
    Time most{};
    for (const PlannedLane& lane : newest().lanes) most = std::max(most, lane.part);
    return most;
  }

  Time latency() const {
    if (newest().addressing == Addressing::timeline) return 3 * longest();
    return std::max(options_.latency, 3 * part());
  }

  // dash.js and ExoPlayer go by the service description. shaka-player starts this much behind what
  // availabilityTimeOffset lets it ask for, which is a part behind live.
  Time delay() const {
    return newest().addressing == Addressing::timeline ? latency() : latency() - part();
  }

  // What is listed may be less than `rewind` when memory was short.
  Time depth() const {
    const Window& w = *source_.lanes.front();
    const Time least = 6 * newest().nominal;
    const auto& all = *w.segments;
    if (w.first_listed >= all.size() || all[w.first_listed]->number <= w.first_number)
      return std::max(options_.rewind, least);
    const Time span = all.back()->wall + all.back()->duration - all[w.first_listed]->wall;
    if (options_.rewind >= least && span >= options_.rewind) return options_.rewind;
    return std::chrono::floor<std::chrono::seconds>(span);
  }

  void head(WallTime published) {
    add("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
        "profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"{}\"\n"
        "     availabilityStartTime=\"{}\" publishTime=\"{}\"\n",
        ended_ ? "static" : "dynamic", format_utc(source_.first_epoch), format_utc(published));
    if (ended_) {
      add("     mediaPresentationDuration=\"{}\"", xs_duration(newest().end));
    } else {
      // dash.js asks once a second at most, shaka-player as often as it can when this is zero.
      add("     minimumUpdatePeriod=\"{}\" timeShiftBufferDepth=\"{}\"\n"
          "     suggestedPresentationDelay=\"{}\"",
          xs_duration(std::chrono::ceil<milliseconds>(std::clamp<Time>(newest().nominal, 1s, 4s))),
          xs_duration(depth()), xs_duration(delay()));
    }
    add(" maxSegmentDuration=\"{}\" minBufferTime=\"{}\">\n", xs_duration(longest()),
        xs_duration(std::chrono::ceil<milliseconds>(newest().nominal)));
  }

  // K.3; milliseconds. Between target and max players leave the latency to PlaybackRate, beyond max
  // dash.js jumps. The least rate is 1: shaka-player, which counts latency from where it starts,
  // would slow down until it is target - 0.5 s further behind.
  void service_description() {
    const auto target = duration_cast<milliseconds>(latency()).count();
    add("  <ServiceDescription id=\"0\">\n"
        "    <Latency target=\"{}\" min=\"{}\" max=\"{}\"/>\n"
        "    <PlaybackRate min=\"1\" max=\"1.08\"/>\n"
        "  </ServiceDescription>\n",
        target, target / 2, target * 3);
  }

  void period(const Period& p) {
    add("  <Period id=\"{}\" start=\"{}\">\n", p.first, xs_duration(p.start));
    std::vector<Codec> pictures;
    bool first_sound = true;
    for (const PlannedLane& lane : p.lanes) {
      const Track& track = lane.init->track;
      if (track.kind() == Kind::audio) {
        audio_set(p, lane, std::exchange(first_sound, false));
      } else if (std::ranges::find(pictures, track.codec) == pictures.end()) {
        pictures.push_back(track.codec);
        video_set(p, track.codec, pictures.size());
      }
    }
    add("  </Period>\n");
  }

  void role(bool main) {
    add("      <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"{}\"/>\n",
        main ? "main" : "alternate");
  }

  // All renditions of one codec.
  void video_set(const Period& p, Codec codec, size_t id) {
    const bool aligned = std::ranges::all_of(p.lanes, [&](const PlannedLane& lane) {
      return lane.aligned || lane.init->track.codec != codec;
    });
    add("    <AdaptationSet id=\"{}\" contentType=\"video\" mimeType=\"video/mp4\" "
        "segmentAlignment=\"{}\" startWithSAP=\"1\">\n",
        id, aligned);
    role(id == 1);
    for (const PlannedLane& lane : p.lanes)
      if (lane.init->track.codec == codec) representation(p, lane);
    add("    </AdaptationSet>\n");
  }

  void audio_set(const Period& p, const PlannedLane& lane, bool main) {
    add("    <AdaptationSet id=\"1{}\" contentType=\"audio\" mimeType=\"audio/mp4\" "
        "segmentAlignment=\"true\" startWithSAP=\"1\"",
        lane.lane.substr(1));
    const std::string& language = lane.init->track.language;
    if (is_language(language)) add(" lang=\"{}\"", language);
    add(">\n");
    role(main);
    representation(p, lane);
    add("    </AdaptationSet>\n");
  }

  void representation(const Period& p, const PlannedLane& lane) {
    const View* view = find_view(sources_, lane.stream);
    if (!view) return;  // a rendition that is no longer made
    const Track& track = lane.init->track;
    std::string id = lane.lane;
    if (lane.stream.name != sources_.front().first.name) id += "@" + lane.stream.name;
    if (!lane.stream.rendition.empty()) id += "@" + lane.stream.rendition;
    add("      <Representation id=\"{}\" codecs=\"{}\" bandwidth=\"{}\"", xml_escape(id),
        xml_escape(codecs::rfc6381(track)), lane.bandwidth);
    if (const auto* video = track.video()) {
      if (video->width > 0 && video->height > 0)
        add(" width=\"{}\" height=\"{}\"", video->width, video->height);
      if (lane.frame_rate > 0) add(" frameRate=\"{}\"", frame_rate_text(lane.frame_rate));
    }
    const auto* audio = track.audio();
    if (audio && audio->sample_rate > 0) add(" audioSamplingRate=\"{}\"", audio->sample_rate);
    add(">\n");
    if (audio && audio->channels > 0)
      add("        <AudioChannelConfiguration "
          "schemeIdUri=\"urn:mpeg:mpegB:cicp:ChannelConfiguration\" value=\"{}\"/>\n",
          channel_configuration(audio->channels));
    if (p.addressing == Addressing::number)
      number_template(p, lane);
    else
      timeline_template(lane, *view);
    add("      </Representation>\n");
  }

  // Of the segments, as seen from the manifest. A '$', which a template would take for its own, is
  // encoded like the rest.
  std::string folder(const PlannedLane& lane) const {
    if (lane.stream.name == sources_.front().first.name) return {};
    return xml_escape("../" + net::http::percent_encode_path(lane.stream.name) + "/");
  }

  void open_template(const PlannedLane& lane, uint64_t start_number) {
    const uint32_t timescale = mp4::timescale_of(lane.init->track);
    add("        <SegmentTemplate timescale=\"{}\" presentationTimeOffset=\"{}\" "
        "startNumber=\"{}\"\n"
        "            media=\"{}{}-{}-{}-$Number$.m4s\" initialization=\"{}{}\"",
        timescale, ticks(lane.media, timescale), start_number, folder(lane), lane.token, lane.lane,
        lane.init->number, folder(lane), lane.init->name);
  }

  void number_template(const Period& p, const PlannedLane& lane) {
    open_template(lane, lane.first);
    add("\n            duration=\"{}\"", ticks(p.nominal, mp4::timescale_of(lane.init->track)));
    // Not of the newest while it may go on: dash.js takes that for the end of the stream.
    if (lane.last && (ended_ || &p != &newest())) add(" endNumber=\"{}\"", *lane.last);
    // Past Periods say so too: shaka-player goes by the least of all offsets it has seen.
    if (!ended_ && lane.part > 0ns && lane.part < p.nominal)
      add(" availabilityTimeOffset=\"{:.3f}\" availabilityTimeComplete=\"false\"",
          std::chrono::duration<double>(p.nominal - lane.part).count());
    add("/>\n");
  }

  void timeline_template(const PlannedLane& lane, const View& view) {
    const auto segments = listed(lane, view);
    open_template(lane, segments.empty() ? lane.first : segments.front()->number);
    add(">\n          <SegmentTimeline>\n");
    const uint32_t timescale = mp4::timescale_of(lane.init->track);
    int64_t expected = -1, run = -1;  // of the S that is not written yet: its length, repeats
    int repeats = 0;
    const auto flush = [&] {
      if (run >= 0 && repeats > 0) add(" d=\"{}\" r=\"{}\"/>\n", run, repeats);
      if (run >= 0 && repeats == 0) add(" d=\"{}\"/>\n", run);
    };
    for (size_t i = 0; i < segments.size(); ++i) {
      const auto& s = *segments[i];
      const int64_t t = ticks(s.start, timescale);
      const bool next = i + 1 < segments.size();
      const int64_t end = ticks(next ? segments[i + 1]->start : s.start + s.duration, timescale);
      if (t == expected && end - t == run) {
        ++repeats;
      } else {
        flush();
        add("            <S");
        if (t != expected) add(" t=\"{}\"", t);
        run = end - t;
        repeats = 0;
      }
      expected = end;
    }
    flush();
    add("          </SegmentTimeline>\n        </SegmentTemplate>\n");
  }

  const Sources& sources_;
  const View& source_;
  const MpdOptions& options_;
  bool ended_;
  std::vector<const Period*> periods_;
  std::string out_;
};

}  // namespace

std::string xs_duration(Time t) {
  const auto us = std::chrono::round<std::chrono::microseconds>(std::max(t, Time{0})).count();
  std::string text = fmt::format("PT{}.{:06}", us / 1'000'000, us % 1'000'000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + "S";
}

std::string xml_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? '_' : c;
    }
  }
  return out;
}

std::string write_mpd(const Sources& sources, const std::vector<Period>& periods,
                      const MpdOptions& options, WallTime published) {
  if (sources.empty() || sources.front().second->lanes.empty()) return {};
  return Writer(sources, periods, options).write(published);
}

}  // namespace weir::dash
