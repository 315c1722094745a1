// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/ts_segmenter.h"

#include <algorithm>

namespace weir::segments {
namespace {

// RFC 8216 4.3.3.1: EXTINF rounded to the nearest second is at most the target duration. Segments
// may be this much longer; the rest up to half a second is for clocks that are not exact.
constexpr Time kOver = 400ms;
constexpr Time kMargin = 300ms;

Time whole_seconds_up(Time t) { return std::chrono::ceil<std::chrono::seconds>(t); }

// What a decoder must be told about: a language or an announced frame rate is not.
bool same_media(const std::vector<Track>& a, const std::vector<Track>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Track& x, const Track& y) {
    const auto *ax = x.audio(), *ay = y.audio();
    return x.id == y.id && x.codec == y.codec && x.config == y.config && (!ax || !ay || *ax == *ay);
  });
}

}  // namespace

uint64_t bit_rate(uint64_t bytes, Time duration) {
  if (duration <= 0ns) return 0;
  const auto bits = static_cast<unsigned __int128>(bytes) * 8 * 1'000'000'000u;
  const auto d = static_cast<unsigned __int128>(duration.count());
  return static_cast<uint64_t>((bits + d - 1) / d);
}

TsSegmenter::TsSegmenter(Options options)
    : options_(options), writer_({}), target_duration_(options.target_duration) {}

std::optional<MadeSegment> TsSegmenter::info(const StreamInfoPtr& info) {
  if (!info) return {};
  Chosen chosen = choose(*info);
  const bool same =
      info_ && info->incarnation == info_->incarnation && same_media(*tracks_, *chosen.tracks);
  std::optional<MadeSegment> made;
  if (!same && open_) made = close(open_->end);
  info_ = info;
  carried_ = std::move(chosen.carried);
  main_video_ = chosen.main_video;
  tracks_ = std::move(chosen.tracks);
  if (same) return made;
  writer_.set_tracks(*tracks_);
  discontinuity_ = made_any_;
  seen_keyframe_ = false;
  last_picture_.reset();
  return made;
}

TsSegmenter::Chosen TsSegmenter::choose(const StreamInfo& info) {
  Chosen chosen;
  std::vector<Track> tracks;
  chosen.carried = fail(Code::not_found, "the stream has no audio or video track");
  for (const auto& track : info.tracks) {
    if (track.kind() == Kind::data) continue;
    const auto can = mpegts::Writer::carries(track);
    if (!can) {
      if (chosen.carried.error().code == Code::not_found) chosen.carried = can;
      continue;
    }
    if (!chosen.main_video && track.kind() == Kind::video) chosen.main_video = track.id;
    tracks.push_back(track);
  }
  if (!tracks.empty()) chosen.carried = {};
  chosen.tracks = std::make_shared<const std::vector<Track>>(std::move(tracks));
  return chosen;
}

std::optional<MadeSegment> TsSegmenter::packet(const Packet& p) {
  if (!writer_.carries(p.track) || must_drop(p)) return {};
  std::optional<MadeSegment> made;
  if (!open_) {
    open(p, p.pts);
  } else if (is_cut(p)) {
    const Time end = std::min(p.pts, open_->start + limit());
    made = close(std::max(end, open_->start + 1ms));
    // Where a stretch of the timeline is missing, the next segment starts behind it.
    open(p, p.pts - end > 1s ? p.pts : end);
  }
  writer_.write(p, out_);
  note_end(p);
  return made;
}

std::optional<MadeSegment> TsSegmenter::finish() {
  return open_ ? close(open_->end) : std::nullopt;
}

bool TsSegmenter::must_drop(const Packet& p) {
  if (p.track != main_video_ || seen_keyframe_) return false;
  if (p.keyframe) {
    seen_keyframe_ = true;
    return false;
  }
  ++dropped_;
  return true;
}

Time TsSegmenter::limit() const {
  return target_duration_ > 0ns ? target_duration_ + kOver : options_.longest;
}

bool TsSegmenter::is_cut(const Packet& p) const {
  const Time elapsed = p.pts - open_->start;
  if (elapsed >= limit() || out_.size() >= options_.max_bytes) return true;
  // Millisecond clocks and uneven frame rates: a keyframe a little early is not worth doubling the
  // segment's length for.
  if (p.track == main_video_)
    return p.keyframe && elapsed >= options_.target - options_.target / 20;
  // Sound while there is no picture: an audio stream, or a camera that is switched off.
  return open_->pictures == 0 && elapsed >= options_.target;
}

void TsSegmenter::open(const Packet& p, Time start) {
  open_ = Open{start, start, !main_video_ || (p.track == main_video_ && p.keyframe), 0};
  out_.reserve(last_size_ + last_size_ / 4);
  writer_.start_segment(out_);
}

void TsSegmenter::note_end(const Packet& p) {
  Time length = p.duration;
  if (p.track == main_video_) {
    ++open_->pictures;
    if (last_picture_ && p.dts > *last_picture_) step_ = p.dts - *last_picture_;
    last_picture_ = p.dts;
    if (length <= 0ns) length = step_;
  }
  open_->end = std::max(open_->end, p.pts + length);
}

std::optional<MadeSegment> TsSegmenter::close(Time end) {
  writer_.finish(out_);
  MadeSegment made;
  made.start = open_->start;
  made.duration = std::clamp(end - open_->start, Time{1ms}, limit());
  made.wall = info_->epoch + made.start;
  made.discontinuity = discontinuity_;
  made.independent = open_->independent;
  made.pictures = open_->pictures;
  made.tracks = tracks_;
  last_size_ = out_.size();
  made.data = out_.take();
  open_.reset();
  discontinuity_ = false;
  made_any_ = true;
  if (target_duration_ == 0ns)
    target_duration_ = std::max(whole_seconds_up(options_.target),
                                whole_seconds_up(std::max(made.duration - kMargin, Time{1ms})));
  return made;
}

}  // namespace weir::segments
