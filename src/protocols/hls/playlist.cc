// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/playlist.h"

#include <fmt/format.h>

#include <iterator>

#include "codecs/registry.h"

namespace weir::hls {
namespace {

constexpr std::string_view kHead = "#EXTM3U\n#EXT-X-VERSION:3\n";

int64_t milliseconds(Time t) { return std::chrono::round<std::chrono::milliseconds>(t).count(); }

std::string codecs_of(const std::vector<Track>& tracks) {
  std::string list;
  for (const auto& track : tracks) {
    const std::string one = codecs::rfc6381(track);
    if (one.empty() || ("," + list + ",").find("," + one + ",") != std::string::npos) continue;
    list += (list.empty() ? "" : ",") + one;
  }
  return list;
}

const VideoParams* picture_of(const std::vector<Track>& tracks) {
  for (const auto& track : tracks)
    if (const auto* video = track.video()) return video;
  return nullptr;
}

}  // namespace

std::string media_playlist(const segments::Window& w) {
  std::string out(kHead);
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n", w.target_duration / 1s,
                 w.listed.front()->number);
  fmt::format_to(to, "#EXT-X-DISCONTINUITY-SEQUENCE:{}\n", w.discontinuity_sequence);
  for (const auto& s : w.listed) {
    if (s->discontinuity) out += "#EXT-X-DISCONTINUITY\n";
    const int64_t ms = milliseconds(s->duration);
    fmt::format_to(to, "#EXT-X-PROGRAM-DATE-TIME:{}\n#EXTINF:{}.{:03},\n{}\n", format_utc(s->wall),
                   ms / 1000, ms % 1000, s->name);
  }
  if (w.ended) out += "#EXT-X-ENDLIST\n";
  return out;
}

std::string multivariant_playlist(const segments::Window& w, std::string_view media) {
  std::string out(kHead);
  const auto to = std::back_inserter(out);
  const auto& tracks = *w.listed.back()->tracks;
  fmt::format_to(to, "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={}", w.peak_rate,
                 w.average_rate);
  if (const std::string codecs = codecs_of(tracks); !codecs.empty())
    fmt::format_to(to, ",CODECS=\"{}\"", codecs);
  if (const VideoParams* video = picture_of(tracks)) {
    if (video->width > 0 && video->height > 0)
      fmt::format_to(to, ",RESOLUTION={}x{}", video->width, video->height);
    const double rate = video->frame_rate > 0 ? video->frame_rate : w.picture_rate;
    if (rate > 0) fmt::format_to(to, ",FRAME-RATE={:.3f}", rate);
  }
  fmt::format_to(to, "\n{}\n", media);
  return out;
}

}  // namespace weir::hls
