// Weir live-streaming server. MIT licence, see LICENSE.

// Boundaries: where segments begin, decided once for all lanes of a stream. A cut is at a keyframe
// of the main video, `duration` or more after the last one (plain), or when the time grid's cell
// changes (aligned: several encoders in step); at any packet when there is no picture; inside a
// group of pictures when it outlasts what was promised to players; by what still comes while the
// main video does not; at any packet of a segment that is too big; and where the tracks change or
// another publisher takes over. Pure; owned by one packager, on its core; a few values, no queue.
//
// Holes: where more than kHole of the picture is missing (frames were lost; what follows a loss is
// a keyframe) the keyframe behind it cuts at once and is a discontinuity: the segment before ends
// with its last frame, so no EXTINF covers the hole, and PROGRAM-DATE-TIME, which is epoch + start
// of each segment, stays right on both sides. A picture that merely stands still goes on without a
// keyframe and is no hole: its last frame is shown until the next.
#pragma once

#include <optional>

#include "media/packet.h"
#include "segments/pace.h"

namespace weir::segments {

enum class Slicing { plain, aligned };

constexpr Time kHole = 1s;
// Sound may be this much ahead of the picture and still be put where the picture's cuts are: it
// waits for the picture that long, unless that has been gone for kPictureGone.
constexpr Time kSoundLead = 400ms;
constexpr Time kPictureGone = 1s;

struct Cut {
  uint64_t ordinal = 0;  // 0, 1, 2 ... of the stream
  Time start{};          // presentation time where the segment begins
  bool discontinuity = false;
  bool independent = true;  // of the main video: false for a cut inside a group of pictures
  // The segment before it is not said to last beyond this, when nothing fills it until `start`.
  Time latest_end = Time::max();
};

class Boundaries {
 public:
  struct Options {
    Time duration{2s};
    Time longest{20s};  // while nothing is promised and no keyframe comes
    Slicing slicing = Slicing::plain;
    size_t max_bytes = 64u << 20;  // of all tracks: a segment is cut at this size
  };

  explicit Boundaries(Options options);

  // New tracks or another publisher. Whether the media is discontinuous from here on; the next
  // packet() that opens a segment then makes a cut flagged so.
  bool info(const StreamInfoPtr&);
  // To be called with every packet, in order, before the lanes see it: the cut it makes, if any.
  // Video before the first keyframe makes none (the lanes drop it). Sound before the first picture
  // waits for it, at most `duration`; it belongs to the segment of the cut that then comes, which
  // starts with it.
  std::optional<Cut> packet(const Packet&);

  // Fixes target_duration() for good: players are about to be told. The configured duration, or
  // what the groups of pictures seen so far ask for.
  void promise();
  // Whole seconds; zero before promise(). No segment is longer (rounded) from then on.
  Time target_duration() const { return target_duration_; }

 private:
  enum class By { picture, other };
  enum class Hole { no, yes };

  std::optional<Cut> picture(const Packet&);
  std::optional<Cut> sound(const Packet&);
  std::optional<Cut> other_picture(const Packet&);
  bool is_gone(Time at) const;
  Time cut_by_other(Time at) const;
  bool is_cut(Time at) const;
  bool keyframe_cuts(Time at) const;
  bool sound_cuts(Time at, Time step) const;
  Cut cut(Time start, By, Hole);
  Time limit() const;
  Time due() const { return last_->start + limit(); }
  int64_t cell(Time) const;

  Options options_;
  StreamInfoPtr info_;
  std::optional<TrackId> main_video_;
  PictureClock clock_;
  std::optional<Cut> last_;
  bool open_ = false;                 // last_ is of this incarnation
  std::optional<Time> early_sound_;   // the first that waits for a picture
  std::optional<Time> last_picture_;  // lane time; of this incarnation, as what follows
  std::optional<Time> last_sound_;
  std::optional<Time> last_other_;  // picture that is not of the main video
  std::optional<Time> last_keyframe_;
  Time gop_{};        // the last whole group of pictures
  Pace pace_;         // of what makes cuts: the main video, or sound without one
  Time end_{};        // of the newest frame of what makes cuts
  Time longest_{};    // segment or group of pictures of the stream
  size_t bytes_ = 0;  // since the last cut
  uint64_t pictures_ = 0;
  By last_by_ = By::picture;
  bool keyframe_ = false;  // the packet at hand is one
  bool discontinuity_ = false;
  Time target_duration_{};
};

// What a decoder must be told about differs: codec, configuration, size or sound format, or the set
// of tracks; a language, an announced frame rate or a data track is not.
bool same_media(const StreamInfo&, const StreamInfo&);

}  // namespace weir::segments
