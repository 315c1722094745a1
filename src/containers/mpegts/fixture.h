// Weir live-streaming server. MIT licence, see LICENSE.

// For tests only: tracks and packets without an encoder, a real stream made by ffmpeg and taken
// apart by our own Reader, and what ffprobe sees in a file of ours. Used by the tests of every room
// that writes transport streams. ffmpeg and ffprobe are part of the test machine; without them
// their tests skip.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/unwrap.h"
#include "codecs/aac.h"
#include "codecs/ac3.h"
#include "codecs/h264.h"
#include "codecs/h265.h"
#include "codecs/mp3.h"
#include "codecs/nal.h"
#include "codecs/registry.h"
#include "containers/mpegts/reader.h"
#include "media/packet.h"

namespace weir::mpegts::fixture {

inline constexpr TrackId kVideo{0}, kAudio{1};

// avcC with one made-up parameter set of each kind.
inline Track h264_track(std::string_view sps = "67640015acd94141fb01100000030010000003032000") {
  Track t{kVideo, Codec::h264, {}, VideoParams{320, 180, 25}, {}};
  ByteWriter w;
  const Bytes s = from_hex(sps);
  const Bytes pps = from_hex("68ebe3cb22c0");
  w.u8(1);
  w.bytes(s.span().subspan(1, 3));
  w.u16(0xffe1);
  w.u16(static_cast<uint16_t>(s.size()));
  w.bytes(s);
  w.u8(1);
  w.u16(static_cast<uint16_t>(pps.size()));
  w.bytes(pps);
  w.bytes(from_hex("fdf8f800"));
  t.config = w.take();
  return t;
}

// AAC LC, 48 kHz, stereo.
inline Track aac_track() {
  return {kAudio, Codec::aac, from_hex("1190"), AudioParams{48000, 2}, {}};
}

inline PacketPtr video(Time dts, Time pts, bool key, size_t size = 500) {
  auto p = std::make_shared<Packet>(Packet{kVideo, dts, pts, 40ms, key, {}});
  ByteWriter w;
  w.u32(static_cast<uint32_t>(size));
  w.u8(key ? 0x65 : 0x41);
  for (size_t i = 1; i < size; ++i) w.u8(static_cast<uint8_t>(i * 7 | 1));
  p->payload = w.take();
  return p;
}

inline PacketPtr audio(Time at, size_t size = 200) {
  std::vector<uint8_t> bytes(size, 0x5a);
  return std::make_shared<Packet>(
      Packet{kAudio, at, at, 21333us, true, Bytes::take(std::move(bytes))});
}

struct RealStream {
  StreamInfoPtr info;
  std::vector<PacketPtr> packets;  // in dts order
};

inline std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return out;
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  pclose(pipe);
  return out;
}

inline bool have_ffmpeg() { return !run("command -v ffmpeg && command -v ffprobe").empty(); }

inline std::string temp_path(const std::string& name) {
  const char* dir = std::getenv("TMPDIR");
  return std::string(dir ? dir : "/tmp") + "/weir_" + std::to_string(getpid()) + "_" + name;
}

inline void write_file(const std::string& path, ByteSpan bytes) {
  std::ofstream(path, std::ios::binary) << Bytes::copy(bytes).text();
}

// Canonical payloads carry their parameter sets in the track only.
inline Bytes without_sets(ByteSpan payload, bool h265) {
  std::vector<uint8_t> kept;
  for (codecs::NalReader nals(payload); const auto nal = nals.next();) {
    const int type = h265 ? static_cast<int>(codecs::h265_nal_type(*nal))
                          : static_cast<int>(codecs::h264_nal_type(*nal));
    if (h265 ? type < 32 || type > 35 : type < 7 || type > 9) codecs::append_nal(kept, *nal);
  }
  return Bytes::take(std::move(kept));
}

inline void add_video(const PesUnit& u, Time dts, Time pts, RealStream& s, Track& track) {
  const bool h265 = u.type == StreamType::h265;
  const Bytes payload = codecs::from_annexb(u.payload);
  if (track.config.empty()) {
    const auto avc = codecs::avc_config_in_band(payload);
    const auto hevc = codecs::hevc_config_in_band(payload);
    if (!h265 && avc) track.config = codecs::write_avcc(*avc);
    if (h265 && hevc) track.config = codecs::write_hvcc(*hevc);
    track.codec = h265 ? Codec::h265 : Codec::h264;
  }
  Packet p{kVideo,
           dts,
           pts,
           0ns,
           codecs::is_keyframe(track.codec, payload),
           without_sets(payload, h265)};
  s.packets.push_back(std::make_shared<Packet>(std::move(p)));
}

// Where the first frame of `in` ends, and what of it is payload.
struct Frame {
  size_t skip = 0, size = 0;
  Time duration{};
};

inline Frame frame_at(StreamType type, ByteSpan in, Track& track) {
  if (type == StreamType::aac_adts) {
    const auto h = codecs::parse_adts(in);
    if (!h) return {};
    track.codec = Codec::aac;
    if (track.config.empty()) track.config = *codecs::write_audio_specific_config(h->config());
    return {h->header_size, h->frame_size, h->config().frame_duration()};
  }
  if (type == StreamType::ac3) {
    const auto h = codecs::parse_ac3(in);
    if (!h) return {};
    track.codec = Codec::ac3;
    return {0, h->frame_size, h->duration()};
  }
  const auto h = codecs::parse_mp3(in);
  if (!h) return {};
  track.codec = Codec::mp3;
  track.params = AudioParams{h->sample_rate, h->channels};
  return {0, h->frame_size, h->duration()};
}

inline void add_audio(const PesUnit& u, Time pts, RealStream& s, Track& track) {
  for (size_t at = 0; at < u.payload.size();) {
    const Frame f = frame_at(u.type, u.payload.span().subspan(at), track);
    if (f.size == 0) return;
    s.packets.push_back(std::make_shared<Packet>(
        Packet{kAudio, pts, pts, f.duration, true, u.payload.slice(at + f.skip, f.size - f.skip)}));
    pts += f.duration;
    at += f.size;
  }
}

// H.264 with B-frames and AAC, as ffmpeg makes them: `input` are its options in front of the
// output.
inline RealStream real_stream(const std::string& options) {
  const std::string path = temp_path("source.ts");
  run("ffmpeg -hide_banner -loglevel error -y " + options + " -f mpegts " + path);
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  unlink(path.c_str());
  Reader reader;
  std::vector<PesUnit> units;
  reader.read(as_bytes(content.view()), units);
  reader.finish(units);
  RealStream s;
  Track picture{kVideo, {}, {}, VideoParams{}, {}}, sound{kAudio, {}, {}, AudioParams{}, {}};
  Unwrap<33> unwrap;
  const int64_t start = 126'000;  // where ffmpeg's clock starts
  bool has_picture = false, has_sound = false;
  for (const auto& u : units) {
    if (!u.pts) continue;
    const Time dts = from_ticks(unwrap(*u.dts) - start, kClock);
    const Time pts = from_ticks(unwrap(*u.pts) - start, kClock);
    const bool video = u.type == StreamType::h264 || u.type == StreamType::h265;
    (video ? has_picture : has_sound) = true;
    video ? add_video(u, dts, pts, s, picture) : add_audio(u, pts, s, sound);
  }
  std::sort(s.packets.begin(), s.packets.end(), [](const auto& a, const auto& b) {
    return std::pair(a->dts, a->track) < std::pair(b->dts, b->track);
  });
  StreamInfo info;
  info.version = 1;
  for (Track* t : {&picture, &sound}) {
    if (t == &picture ? !has_picture : !has_sound) continue;
    if (const auto params = codecs::describe(t->codec, t->config); params && !t->config.empty())
      t->params = *params;
    info.tracks.push_back(*t);
  }
  s.info = std::make_shared<const StreamInfo>(std::move(info));
  return s;
}

inline const char* kRealOptions =
    "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 "
    "-t 6.5 -c:v libx264 -preset veryfast -bf 2 -g 50 -sc_threshold 0 -b:v 400k "
    "-c:a aac -b:a 96k -muxdelay 0 -muxpreload 0";

struct Probed {
  int64_t pts = 0, dts = 0;  // 90 kHz
  bool key = false;
};

// What ffprobe finds in a file or at an address: packets in file order, by codec type.
inline std::map<std::string, std::vector<Probed>> probe(const std::string& input) {
  const std::string text =
      run("ffprobe -v error -of compact=p=0 -show_entries packet=codec_type,pts,dts,flags '" +
          input + "' 2>&1");
  std::map<std::string, std::vector<Probed>> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    char type[32] = {}, flags[16] = {};
    if (line.empty()) continue;
    long long pts = 0, dts = 0;
    if (std::sscanf(line.c_str(), "codec_type=%31[^|]|pts=%lld|dts=%lld|flags=%15s", type, &pts,
                    &dts, flags) == 4)
      out[type].push_back({pts, dts, flags[0] == 'K'});
    else
      out["complaint: " + line].push_back({});
  }
  return out;
}

}  // namespace weir::mpegts::fixture
