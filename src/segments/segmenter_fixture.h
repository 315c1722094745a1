// Weir live-streaming server. MIT licence, see LICENSE.

// For tests of what cuts: a publisher made of numbers (frame rates, B-frames, millisecond clocks,
// tracks that are ahead or behind), the chain Boundaries + segmenters as the packager drives it,
// and a recorder that keeps what a lane was told and checks it by the rules, reading the bytes back
// with the reader of MP4, which shares no code with the writer.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "containers/mp4/reader.h"
#include "containers/mpegts/fixture.h"
#include "segments/boundaries.h"
#include "segments/cmaf_segmenter.h"
#include "segments/ts_segmenter.h"

namespace weir::segments::fixture {

using mpegts::fixture::aac_track;
using mpegts::fixture::h264_track;
using mpegts::fixture::kAudio;
using mpegts::fixture::kVideo;

inline StreamInfoPtr info_of(std::vector<Track> tracks, uint32_t incarnation = 1) {
  StreamInfo i;
  i.incarnation = incarnation;
  i.epoch = WallTime{1000s};
  i.tracks = std::move(tracks);
  return std::make_shared<const StreamInfo>(std::move(i));
}

inline Track h264_without_rate() {
  Track t = h264_track();
  t.params = VideoParams{320, 180, 0};
  return t;
}

// Frames carry a number that no other has.
inline PacketPtr frame(TrackId track, Time dts, Time pts, bool key, size_t size = 40) {
  static uint64_t serial = 0;
  ByteWriter w;
  w.u32(static_cast<uint32_t>(size + 9));
  w.u8(key ? 0x65 : 0x41);
  w.u64(++serial);
  w.zeros(size);
  return std::make_shared<const Packet>(Packet{track, dts, pts, 0ns, key, w.take()});
}

inline Time to_ms(Time t) { return std::chrono::round<std::chrono::milliseconds>(t); }

// Packets in the order a publisher sends them.
struct Source {
  struct Picture {
    int64_t rate = 30, per = 1;  // 30000 / 1001
    int gop = 60;
    bool b_frames = false;
    bool ms = true;  // times rounded as RTMP has them
  };
  struct Sent {
    Time at;
    PacketPtr packet;
  };

  Source& pictures(Time from, Time to, Picture o, TrackId track = kVideo) {
    const auto at = [&](int64_t i) {
      const Time t = from + from_ticks(i * o.per, o.rate);
      return o.ms ? to_ms(t) : t;
    };
    int64_t decoded = 0;
    for (int64_t first = 0; at(first) < to; first += o.gop) {
      std::vector<int64_t> order{0};
      const int64_t step = o.b_frames ? 3 : 1;
      for (int64_t base = 0; base + 1 < o.gop;) {
        const int64_t next = std::min<int64_t>(base + step, o.gop - 1);
        order.push_back(next);
        for (int64_t b = base + 1; b < next; ++b) order.push_back(b);
        base = next;
      }
      for (const int64_t shown : order) {
        const Time dts = at(decoded++);
        if (dts < to) add(frame(track, dts, at(first + shown + (o.b_frames ? 1 : 0)), shown == 0));
      }
    }
    return *this;
  }
  // AAC at 48 kHz. `ahead`: arrives this much before pictures of the same time.
  Source& sound(Time from, Time to, Time ahead = {}, TrackId track = kAudio) {
    for (int64_t i = 0; from + from_ticks(i * 1024, 48000) < to; ++i) {
      const Time t = to_ms(from + from_ticks(i * 1024, 48000));
      add(frame(track, t, t, true), ahead);
    }
    return *this;
  }
  Source& add(PacketPtr p, Time ahead = {}) {
    sent.push_back({p->dts - ahead, std::move(p)});
    return *this;
  }
  std::vector<PacketPtr> packets() const {
    std::multimap<Time, PacketPtr> sorted;  // equal times in the order of their making
    for (const auto& s : sent) sorted.emplace(s.at, s.packet);
    std::vector<PacketPtr> out;
    for (const auto& [at, packet] : sorted) out.push_back(packet);
    return out;
  }
  std::vector<Sent> sent;
};

struct LaneSegment {
  Cut cut;
  Time start{}, end{};
  size_t header = 0;
  std::vector<MadePart> parts;
  bool closed = false;
  double seconds() const { return static_cast<double>((end - start).count()) / 1e9; }
};

struct LaneLog {
  std::vector<Track> tracks;
  std::vector<Bytes> headers;
  std::vector<LaneSegment> segments;

  std::vector<double> durations() const {
    std::vector<double> d;
    for (const auto& s : segments) d.push_back(s.seconds());
    return d;
  }
  std::vector<uint64_t> ordinals() const {
    std::vector<uint64_t> o;
    for (const auto& s : segments) o.push_back(s.cut.ordinal);
    return o;
  }
  std::vector<MadePart> parts() const {
    std::vector<MadePart> all;
    for (const auto& s : segments) all.insert(all.end(), s.parts.begin(), s.parts.end());
    return all;
  }
};

class Recorder final : public LaneSink {
 public:
  void init(const std::string& lane, const Track& track, Bytes header) override {
    auto& l = lanes[lane];
    EXPECT_TRUE(l.segments.empty() || l.segments.back().closed) << "a header inside a segment";
    l.tracks.push_back(track);
    l.headers.push_back(std::move(header));
  }
  void open(const std::string& lane, const Cut& cut, Time start) override {
    auto& l = lanes[lane];
    ASSERT_FALSE(l.headers.empty());
    if (!l.segments.empty()) {
      EXPECT_TRUE(l.segments.back().closed);
      EXPECT_GT(cut.ordinal, l.segments.back().cut.ordinal);
    }
    l.segments.push_back({cut, start, start, l.headers.size() - 1, {}, false});
  }
  void part(const std::string& lane, MadePart part) override {
    auto& s = lanes[lane].segments;
    ASSERT_TRUE(!s.empty() && !s.back().closed);
    s.back().parts.push_back(std::move(part));
  }
  void close(const std::string& lane, Time end) override {
    auto& s = lanes[lane].segments;
    ASSERT_TRUE(!s.empty() && !s.back().closed);
    s.back().end = end;
    s.back().closed = true;
  }
  std::map<std::string, LaneLog> lanes;
};

// What the packager does with a stream.
struct Chain {
  explicit Chain(Boundaries::Options o = {}, CmafSegmenter::Options c = {})
      : boundaries(o), cmaf(c, recorder) {}

  void info(const StreamInfoPtr& i) {
    now = i;
    const bool discontinuous = boundaries.info(i);
    cmaf.info(i, discontinuous);
    keep(ts.info(i, discontinuous));
  }
  void packet(const PacketPtr& p) {
    const auto cut = boundaries.packet(*p);
    if (cut) cuts.push_back(*cut);
    published[p->track].push_back(p);
    cmaf.packet(p, cut);
    keep(ts.packet(*p, cut));
  }
  void play(const Source& s) {
    for (const auto& p : s.packets()) packet(p);
  }
  void finish() {
    cmaf.finish();
    keep(ts.finish());
  }
  void keep(std::optional<MadeTs> m) {
    if (m) made_ts.push_back(*std::move(m));
  }
  LaneLog& lane(const std::string& id) { return recorder.lanes[id]; }

  Recorder recorder;
  Boundaries boundaries;
  CmafSegmenter cmaf;
  TsSegmenter ts;
  StreamInfoPtr now;
  std::vector<Cut> cuts;
  std::vector<MadeTs> made_ts;
  std::map<TrackId, std::vector<PacketPtr>> published;
};

inline std::vector<std::string> contents(const std::vector<PacketPtr>& packets) {
  std::vector<std::string> out;
  for (const auto& p : packets) out.emplace_back(p->payload.text());
  return out;
}

// The frames of a lane in order, as a reader finds them.
inline std::vector<mp4::ReadSample> samples_of(const LaneLog& lane) {
  std::vector<mp4::ReadSample> all;
  for (const auto& s : lane.segments) {
    const auto header = mp4::read_header(lane.headers[s.header]);
    EXPECT_TRUE(header) << header.error().what;
    if (!header) return all;
    for (const auto& p : s.parts) {
      const auto chunks = mp4::read_chunks(*header, p.data);
      EXPECT_TRUE(chunks) << chunks.error().what;
      if (!chunks) return all;
      EXPECT_EQ(chunks->size(), 1u);
      for (const auto& c : *chunks) {
        EXPECT_EQ(c.samples.size(), p.frames);
        all.insert(all.end(), c.samples.begin(), c.samples.end());
      }
    }
  }
  return all;
}

inline std::vector<std::string> contents(const LaneLog& lane) {
  std::vector<std::string> out;
  for (const auto& s : samples_of(lane)) out.emplace_back(Bytes::copy(s.payload).text());
  return out;
}

// Parts are contiguous, no longer than announced (but for single frames), and make up the segment.
inline void check_parts(const LaneLog& lane, Time target, bool video) {
  for (const auto& s : lane.segments) {
    ASSERT_TRUE(s.closed);
    ASSERT_FALSE(s.parts.empty());
    Time at = s.start;
    for (const auto& p : s.parts) {
      EXPECT_EQ(p.start, at);
      EXPECT_GT(p.duration, 0ns);
      if (p.frames > 1) {
        EXPECT_LE(p.duration, target) << "part at " << p.start.count();
      }
      if (!video) {
        EXPECT_TRUE(p.independent);
      }
      at += p.duration;
    }
    EXPECT_EQ(at, s.end);
    EXPECT_EQ(s.cut.independent, s.parts[0].independent);
    EXPECT_EQ(Bytes(s.parts[0].data).slice(4, 4).text(), "styp");
  }
}

// Without holes in the source: each segment begins where the one before ended.
inline void check_contiguous(const LaneLog& lane) {
  for (size_t i = 1; i < lane.segments.size(); ++i)
    EXPECT_EQ(lane.segments[i].start, lane.segments[i - 1].end) << "segment " << i;
}

// 8.8.12, 8.8.8: each sample's decoding time is the sum of all durations before it.
inline void check_decode_times(const LaneLog& lane) {
  const auto samples = samples_of(lane);
  for (size_t i = 1; i < samples.size(); ++i)
    ASSERT_EQ(samples[i].decode_time, samples[i - 1].decode_time + samples[i - 1].duration) << i;
}

}  // namespace weir::segments::fixture
