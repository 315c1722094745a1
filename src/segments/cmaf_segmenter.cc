// Weir live-streaming server. MIT licence, see LICENSE.
#include "segments/cmaf_segmenter.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <utility>

#include "codecs/registry.h"
#include "segments/waiting.h"

namespace weir::segments {
namespace {

// A lane that is this much behind the others when its segment should end is silent, not late.
constexpr Time kSilent = 1s;
constexpr size_t kMostCuts = 16;    // that a silent lane remembers
constexpr size_t kMostBehind = 4;   // cuts that a lane may have ahead of it and not be cut
constexpr Time kUsualFrame = 40ms;  // the only one of a track that says nothing of its rate
constexpr Time kGap = 100ms;        // between frames of sound: some are missing
constexpr Time kRounding = 1ms;     // of clocks that count milliseconds

template <class To>
To clamp_to(int64_t v) {
  return static_cast<To>(
      std::clamp<int64_t>(v, std::numeric_limits<To>::min(), std::numeric_limits<To>::max()));
}

}  // namespace

class CmafSegmenter::Lane {
 public:
  Lane(std::string id, const Options& options, LaneSink& sink, Counts& counts)
      : id_(std::move(id)),
        options_(options),
        sink_(sink),
        counts_(counts),
        target_(options.part_target) {}

  // Another track or configuration; what came before has ended.
  void begin(const Track&);
  // The same media; another language needs another header, from the next segment on.
  void describe(const Track& track) {
    if (track.language != track_.language) header_state_ = Header::wanted;
    track_ = track;
  }
  bool is_sound() const { return track_.kind() == Kind::audio; }
  Time part_target() const { return target_; }

  void cut(const Cut&);
  void picture(const Packet&, Time now);
  void sound(const PacketPtr& p) { waiting_.push(p); }
  // `picture`: nothing to wait for when there is none.
  void release(std::optional<Time> picture, Time now);
  void end_if_silent(Time now);
  void end();

 private:
  enum class Part { full, cut_short };
  struct Frame {
    Bytes payload;
    Time start{}, length{};  // its own length, should no other follow; zero: unknown
    int64_t decode = 0;      // ticks
    int32_t composition = 0;
    bool key = false;
    Time end() const { return start + length; }
  };

  bool must_wait(Time picture, Time now) const;
  bool too_many_wait() const {
    return waiting_.size() > options_.max_early_audio || waiting_.bytes() > options_.max_part_bytes;
  }
  Frame place(const Packet&);
  void put(Frame, Time now);
  bool prepare_header(const Frame&);
  std::optional<Cut> reached(const Frame&, Time now);
  void open(Cut, const Frame&);
  void grow(const Frame& next);
  Time expected(const Frame& next) const;
  std::optional<Time> nominal() const;
  double announced() const { return track_.video() ? track_.video()->frame_rate : 0; }
  void close_before(const Cut&, const Frame& next);
  void finish_segment(Time end, int64_t decode_end);
  void emit(size_t n, Time end, int64_t decode_end, Part);
  void fix_target(Time duration, Part);
  int64_t ticks(Time t) const { return to_ticks(t, mp4::timescale_of(track_)); }

  const std::string id_;
  const Options& options_;
  LaneSink& sink_;
  Counts& counts_;
  Track track_;
  Bytes header_;
  enum class Header { wanted, ready, told } header_state_ = Header::wanted;
  Time target_;
  bool target_fixed_ = false;
  uint32_t sequence_ = 0;

  std::deque<Cut> cuts_;  // not reached yet
  bool open_ = false, segment_begins_ = false;
  std::vector<Frame> frames_;  // of the open part; the last one's end is not known yet
  size_t bytes_ = 0;

  // Pictures.
  PictureClock clock_;
  std::optional<Time> last_picture_;
  Pace pace_;
  FrameRate rate_;
  bool seen_keyframe_ = false;
  int64_t last_decode_ = 0;
  // Sound.
  Waiting waiting_;
  std::optional<int64_t> next_;  // ticks: where the next frame belongs
  int64_t samples_ = 0;          // ticks of the last one; zero: unknown
  Time written_{};               // where the last segment ended
};

void CmafSegmenter::Lane::begin(const Track& track) {
  track_ = track;
  header_state_ = Header::wanted;
  cuts_.clear();
  clock_.reset();
  last_picture_.reset();
  pace_ = Pace();
  rate_ = FrameRate();
  seen_keyframe_ = false;
  last_decode_ = 0;
  next_.reset();
}

void CmafSegmenter::Lane::cut(const Cut& cut) {
  cuts_.push_back(cut);
  if (cuts_.size() > kMostCuts) cuts_.pop_front();
}

void CmafSegmenter::Lane::picture(const Packet& p, Time now) {
  seen_keyframe_ = seen_keyframe_ || (p.keyframe && (open_ || !cuts_.empty()));
  if (!seen_keyframe_) {
    ++counts_.dropped;
    return;
  }
  Frame f;
  f.payload = mp4::sample_payload(track_, p.payload);
  f.start = clock_.take(p);
  // 23000-19 7.5.17: decoding times never go back; all of them are rounded one by one, and
  // durations are the differences, so nothing drifts.
  f.decode = std::max(ticks(p.dts), last_decode_);
  f.composition = clamp_to<int32_t>(ticks(p.pts) - f.decode);
  f.key = p.keyframe;
  if (last_picture_) {
    pace_.add(f.start - *last_picture_);
    rate_.add(f.start - *last_picture_);
  }
  f.length = p.duration > 0ns ? p.duration : pace_.step();
  last_picture_ = f.start;
  last_decode_ = f.decode;
  put(std::move(f), now);
}

void CmafSegmenter::Lane::release(std::optional<Time> picture, Time now) {
  while (!waiting_.empty()) {
    if (!open_ && cuts_.empty()) {  // nobody has said yet where the stream begins
      if (!too_many_wait()) return;
      waiting_.pop();
      ++counts_.dropped;
      continue;
    }
    if (picture && must_wait(*picture, now)) return;
    put(place(*waiting_.pop()), now);
  }
}

// A picture that is gone is not waited for, unless both were: it may come back with the sound.
bool CmafSegmenter::Lane::must_wait(Time picture, Time now) const {
  const Time front = waiting_.front().pts, ahead = waiting_.back().pts - front;
  if (front <= picture || ahead >= kSoundLead || too_many_wait()) return false;
  const bool back_again = open_ && front - frames_.back().end() > kHole;
  return now - picture <= kPictureGone || back_again;
}

// On the sample clock: millisecond times of packets would make frames of 1024 samples 21 or 22 ms
// long. When the two clocks part, the frame goes where its packet says and the one before it lasts
// until there; towards the past only as far as half of that one, which is not written yet.
CmafSegmenter::Lane::Frame CmafSegmenter::Lane::place(const Packet& p) {
  const int64_t said = std::max<int64_t>(ticks(p.pts), 0);
  int64_t at = std::max(said, next_ ? 0 : ticks(written_));
  if (next_) {
    const Time off = p.pts - from_ticks(*next_, mp4::timescale_of(track_));
    const int64_t earliest = *next_ - (frames_.empty() ? 0 : samples_ / 2);
    if (samples_ == 0 || off > options_.audio_sync || off < -options_.audio_sync)
      at = std::max(said, earliest);
    else
      at = *next_;
  }
  Frame f;
  const Time length = codecs::frame_duration(track_, p.payload);
  samples_ = std::max<int64_t>(ticks(length), 0);
  next_ = at + samples_;
  f.payload = mp4::sample_payload(track_, p.payload);
  f.start = from_ticks(at, mp4::timescale_of(track_));
  f.length = samples_ > 0 ? from_ticks(*next_, mp4::timescale_of(track_)) - f.start
                          : std::max(p.duration, Time{});
  f.decode = at;
  f.key = true;
  return f;
}

void CmafSegmenter::Lane::put(Frame f, Time now) {
  if (!prepare_header(f)) {
    ++counts_.dropped;
    return;
  }
  const auto cut = reached(f, now);
  if (open_) cut ? close_before(*cut, f) : grow(f);
  if (cut) open(*cut, f);
  bytes_ += f.payload.size();
  frames_.push_back(std::move(f));
}

bool CmafSegmenter::Lane::prepare_header(const Frame& f) {
  if (header_state_ != Header::wanted) return true;
  auto header = mp4::write_header(track_, f.payload);
  if (!header) return false;
  header_ = *std::move(header);
  header_state_ = Header::ready;
  return true;
}

// The last cut this frame is at or behind. Sound may begin half a frame early, and behind a hole at
// once: the segment before cannot last until there. With nothing open, late frames go into the
// oldest segment they may belong to, or, when they are so late that the others may have given it
// up, into the newest.
std::optional<Cut> CmafSegmenter::Lane::reached(const Frame& f, Time now) {
  std::optional<Cut> cut;
  const bool newest = open_ ? cuts_.size() > kMostBehind : now - f.start > kSilent;
  const Time early = is_sound() ? f.length / 2 : Time{};
  const bool hole = open_ && f.start - frames_.back().end() > kGap;
  const auto is_reached = [&](const Cut& next) {
    return f.start + early >= next.start || newest || (!open_ && !cut) ||
           (hole && (next.discontinuity || f.start > next.latest_end));
  };
  while (!cuts_.empty() && is_reached(cuts_.front())) {
    const Time latest_end = cut ? cut->latest_end : Time::max();
    cut = cuts_.front();
    cut->latest_end = std::min(cut->latest_end, latest_end);
    cuts_.pop_front();
  }
  return cut;
}

void CmafSegmenter::Lane::open(Cut cut, const Frame& f) {
  if (header_state_ == Header::ready) {
    sink_.init(id_, track_, std::exchange(header_, {}));
    header_state_ = Header::told;
  }
  cut.independent = f.key;
  sink_.open(id_, cut, f.start);
  open_ = segment_begins_ = true;
}

void CmafSegmenter::Lane::grow(const Frame& next) {
  // The newest frame lasts longer than expected: it must not make the part longer than announced.
  if (frames_.size() > 1 && next.start - frames_.front().start > target_)
    emit(frames_.size() - 1, frames_.back().start, frames_.back().decode, Part::cut_short);
  // Alone it may: a frame cannot be divided, and players must know how long it really is. Such
  // parts are counted.
  const bool full = expected(next) > target_;
  if (full || bytes_ + next.payload.size() > options_.max_part_bytes)
    emit(frames_.size(), next.start, next.decode, full ? Part::full : Part::cut_short);
}

// How long pictures are meant to last; none while nobody knows.
std::optional<Time> CmafSegmenter::Lane::nominal() const {
  if (is_sound() || !rate_.known()) return {};
  return std::min(rate_.nominal(announced()), pace_.step() + 2 * kRounding);
}

// The length of the part once `next` is in it. Rounded clocks say 167 + 34 ms for six frames of
// 33.3 ms, or 166 + 33 for six of 33.4: a decision by them would change from part to part and with
// it what share of the target parts fill (RFC 8216bis 4.4.4.9 wants 85 %), so whole frames count.
Time CmafSegmenter::Lane::expected(const Frame& next) const {
  const Time span = next.start - frames_.front().start;
  if (is_sound()) return span + next.length;
  const auto step = nominal();
  if (!step) return span + next.length;
  // Until the target is fixed, a rate that is only guessed must not look faster than it is.
  const bool guessed = !rate_.even() && !rate_.confirms(announced());
  const Time margin = !target_fixed_ && guessed ? kRounding : Time{};
  const Time ideal = static_cast<int64_t>(frames_.size()) * *step;
  const Time so_far = std::chrono::abs(span - ideal) <= kRounding ? ideal : span;
  return so_far + *step + margin;
}

void CmafSegmenter::Lane::close_before(const Cut& cut, const Frame& next) {
  const Frame& last = frames_.back();
  Time end = next.start;
  int64_t decode_end = next.decode;
  if (last.length > 0ns && next.start > last.end()) {
    // A hole is not the segment's time; nor may a picture that stands still make the segment longer
    // than promised. Players that buffer it show it until the next anyway.
    const bool hole = next.start - last.end() > kHole;
    end = hole ? last.end() : std::clamp(cut.latest_end, last.end(), next.start);
    if (hole && (is_sound() || cut.discontinuity)) decode_end = last.decode + ticks(last.length);
  }
  finish_segment(end, decode_end);
}

void CmafSegmenter::Lane::end_if_silent(Time now) {
  if (!open_ || cuts_.empty() || !waiting_.empty()) return;
  const Frame& last = frames_.back();
  if (now - last.end() > kSilent && now > cuts_.front().start)
    finish_segment(last.end(), last.decode + ticks(last.length));
}

void CmafSegmenter::Lane::end() {
  release({}, Time{});
  counts_.dropped += waiting_.size();
  waiting_.clear();
  if (open_) {
    Frame& last = frames_.back();
    if (last.length <= 0ns) last.length = kUsualFrame;
    finish_segment(last.end(), last.decode + ticks(last.length));
  }
  cuts_.clear();
}

void CmafSegmenter::Lane::finish_segment(Time end, int64_t decode_end) {
  if (frames_.size() > 1 && end - frames_.front().start > target_)
    emit(frames_.size() - 1, frames_.back().start, frames_.back().decode, Part::cut_short);
  emit(frames_.size(), end, decode_end, Part::cut_short);
  sink_.close(id_, end);
  written_ = std::max(written_, end);
  open_ = false;
}

void CmafSegmenter::Lane::emit(size_t n, Time end, int64_t decode_end, Part why) {
  std::vector<mp4::Sample> samples(n);
  size_t bytes = 0;
  for (size_t i = 0; i < n; ++i) {
    Frame& f = frames_[i];
    const int64_t until = i + 1 < frames_.size() ? frames_[i + 1].decode : decode_end;
    bytes += f.payload.size();
    samples[i] = {clamp_to<uint32_t>(until - f.decode), f.composition, f.key, std::move(f.payload)};
  }
  ByteWriter out;
  out.reserve(bytes + 32 * n + 256);
  if (std::exchange(segment_begins_, false)) mp4::write_segment_type(out);
  const auto decode = static_cast<uint64_t>(frames_.front().decode);
  mp4::write_chunk(track_, ++sequence_, decode, samples, out);

  MadePart part;
  part.start = frames_.front().start;
  part.duration = end - part.start;
  part.independent = frames_.front().key;
  part.frames = static_cast<uint32_t>(n);
  part.data = out.take();
  frames_.erase(frames_.begin(), frames_.begin() + static_cast<ptrdiff_t>(n));
  bytes_ -= bytes;
  fix_target(part.duration, why);
  if (part.duration > target_) ++counts_.long_parts;
  sink_.part(id_, std::move(part));
}

// What parts can be depends on the frame rate: of 200 ms, 29.97 frames a second fill 166.8. To be
// within 85 % of what is announced, that is announced: what the first full part shows, or what
// whole frames give when the first was cut short. Once for all: players are told with the first
// part.
void CmafSegmenter::Lane::fix_target(Time duration, Part why) {
  if (std::exchange(target_fixed_, true)) return;
  Time fits = duration;
  if (why != Part::full || duration * 2 < target_) {
    const auto step = is_sound() ? from_ticks(samples_, mp4::timescale_of(track_)) : nominal();
    if (!step || *step <= 0ns || *step > target_) return;
    fits = target_ / *step * *step;
  }
  target_ = std::min(target_, fits + 1ms);
}

CmafSegmenter::CmafSegmenter(Options options, LaneSink& sink)
    : options_(options),
      sink_(sink),
      carried_(fail(Code::not_found, "the stream has no audio or video track")) {}

CmafSegmenter::~CmafSegmenter() = default;

void CmafSegmenter::info(const StreamInfoPtr& info, bool discontinuous) {
  if (!info) return;
  const bool first = !std::exchange(info_, info);
  if (discontinuous || first) return begin(*info);
  for (const auto& track : info->tracks)
    if (const auto it = by_track_.find(track.id); it != by_track_.end())
      it->second->describe(track);
}

void CmafSegmenter::begin(const StreamInfo& info) {
  finish();
  const Track* main = info.main_video();
  main_video_ = main ? std::optional(main->id) : std::nullopt;
  clock_.reset();
  picture_.reset();
  newest_ = Time::min();
  carried_ = fail(Code::not_found, "the stream has no audio or video track");
  int videos = 0, sounds = 0;
  for (const auto& track : info.tracks) {
    if (track.kind() == Kind::data) continue;
    if (const auto can = mp4::carries(track); !can) {
      if (by_track_.empty() && carried_.error().code == Code::not_found) carried_ = can;
      continue;
    }
    const bool video = track.kind() == Kind::video;
    const std::string id = video ? "v" + std::to_string(++videos) : "a" + std::to_string(++sounds);
    auto& lane = lanes_[id];
    if (!lane) lane = std::make_unique<Lane>(id, options_, sink_, counts_);
    lane->begin(track);
    by_track_[track.id] = lane.get();
  }
  if (!by_track_.empty()) carried_ = {};
}

void CmafSegmenter::packet(const PacketPtr& p, const std::optional<Cut>& cut) {
  if (cut)
    for (const auto& [id, lane] : by_track_) lane->cut(*cut);
  const Track* track = info_ ? info_->find(p->track) : nullptr;
  if (!track || track->kind() == Kind::data) return;
  if (p->track == main_video_ && (picture_ || p->keyframe)) picture_ = clock_.take(*p);
  newest_ = std::max(newest_, p->dts);
  const auto it = by_track_.find(p->track);
  if (it == by_track_.end())
    ++counts_.dropped;
  else if (it->second->is_sound())
    it->second->sound(p);
  else
    it->second->picture(*p, newest_);
  for (const auto& [id, lane] : by_track_) {
    if (lane->is_sound()) lane->release(picture_, newest_);
    lane->end_if_silent(newest_);
  }
}

void CmafSegmenter::finish() {
  for (const auto& [id, lane] : by_track_) lane->end();
  by_track_.clear();
}

Time CmafSegmenter::part_target(const std::string& lane) const {
  const auto it = lanes_.find(lane);
  return it == lanes_.end() ? Time{} : it->second->part_target();
}

}  // namespace weir::segments
