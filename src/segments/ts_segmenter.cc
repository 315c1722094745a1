// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/ts_segmenter.h"

#include <algorithm>

namespace weir::segments {
namespace {

constexpr size_t kMostEarly = 500;  // sound frames that wait for the first picture

}  // namespace

TsSegmenter::TsSegmenter()
    : writer_(std::vector<Track>{}),
      carried_(fail(Code::not_found, "the stream has no audio or video track")) {}

std::optional<MadeTs> TsSegmenter::info(const StreamInfoPtr& info, bool discontinuous) {
  if (!info) return {};
  std::optional<MadeTs> made;
  const bool same = tracks_ && !discontinuous;
  if (!same && open_) made = close(end_);
  choose(*info);
  if (same) return made;
  writer_.set_tracks(*tracks_);
  clock_.reset();
  last_picture_.reset();
  pace_ = Pace();
  seen_keyframe_ = false;
  early_.clear();
  return made;
}

void TsSegmenter::choose(const StreamInfo& info) {
  std::vector<Track> tracks;
  main_video_.reset();
  carried_ = fail(Code::not_found, "the stream has no audio or video track");
  for (const auto& track : info.tracks) {
    if (track.kind() == Kind::data) continue;
    const auto can = mpegts::Writer::carries(track);
    if (!can) {
      if (carried_.error().code == Code::not_found) carried_ = can;
      continue;
    }
    if (!main_video_ && track.kind() == Kind::video) main_video_ = track.id;
    tracks.push_back(track);
  }
  if (!tracks.empty()) carried_ = {};
  tracks_ = std::make_shared<const std::vector<Track>>(std::move(tracks));
}

std::optional<MadeTs> TsSegmenter::packet(const Packet& p, const std::optional<Cut>& cut) {
  std::optional<MadeTs> made;
  if (cut && carried_) {
    if (open_) made = close(end_before(*cut));
    open(*cut);
  }
  if (!writer_.carries(p.track) || must_drop(p)) return made;
  if (open_)
    write(p);
  else if (early_.size() < kMostEarly && is_sound(p.track))
    early_.push_back(p);
  return made;
}

std::optional<MadeTs> TsSegmenter::finish() { return open_ ? close(end_) : std::nullopt; }

bool TsSegmenter::is_sound(TrackId id) const {
  const auto it = std::ranges::find(*tracks_, id, &Track::id);
  return it != tracks_->end() && it->kind() == Kind::audio;
}

bool TsSegmenter::must_drop(const Packet& p) {
  if (p.track != main_video_ || seen_keyframe_) return false;
  if (p.keyframe && open_) {
    seen_keyframe_ = true;
    return false;
  }
  ++dropped_;
  return true;
}

void TsSegmenter::open(const Cut& cut) {
  open_ = cut;
  end_ = cut.start;
  pictures_ = 0;
  written_ = false;
  out_.reserve(last_size_ + last_size_ / 4);
  writer_.start_segment(out_);
  // Sound that waited for the first picture is of the segment that begins with it; what came before
  // the cut in the middle of a stream, where this began, is of a segment that is not made.
  const bool first = cut.ordinal == 0 || cut.discontinuity;
  for (const Packet& p : early_)
    if (first && p.pts >= cut.start) write(p);
  early_.clear();
}

void TsSegmenter::write(const Packet& p) {
  writer_.write(p, out_);
  written_ = true;
  if (p.track == main_video_) {
    const Time at = clock_.take(p);
    if (last_picture_) pace_.add(at - *last_picture_);
    last_picture_ = at;
    // From now on the picture says how long the segment is: sound may be ahead of it.
    end_ = at + (p.duration > 0ns ? p.duration : pace_.step());
    ++pictures_;
  } else if (pictures_ == 0) {
    end_ = std::max(end_, p.pts + p.duration);
  }
}

// Where it ends because another begins.
Time TsSegmenter::end_before(const Cut& cut) const {
  if (cut.discontinuity && cut.start - end_ > kHole) return end_;
  return std::min(cut.start, std::max(end_, cut.latest_end));
}

std::optional<MadeTs> TsSegmenter::close(Time end) {
  writer_.finish(out_);
  MadeTs made;
  made.cut = *open_;
  made.end = std::max(end, made.cut.start + 1ms);
  made.pictures = pictures_;
  made.tracks = tracks_;
  last_size_ = out_.size();
  made.data = out_.take();
  open_.reset();
  if (!written_) return {};  // tables alone are nothing to play
  return made;
}

}  // namespace weir::segments
