// Weir live-streaming server. MIT licence, see LICENSE.

// For tests only: real tracks, made by ffmpeg and taken apart by ffprobe, so that nothing of ours
// stands between an encoder and the writer under test; and what both say of a file of ours. They
// are part of the test machine; without them their tests skip.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "codecs/registry.h"
#include "codecs/vp9.h"
#include "media/track.h"

namespace weir::mp4::fixture {

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

// A file that goes with its object.
class TempFile {
 public:
  explicit TempFile(const std::string& name) {
    const char* dir = std::getenv("TMPDIR");
    path_ = std::string(dir ? dir : "/tmp") + "/weir_" + std::to_string(getpid()) + "_" + name;
  }
  ~TempFile() { unlink(path_.c_str()); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const std::string& path() const { return path_; }
  void write(ByteSpan bytes) const {
    std::ofstream(path_, std::ios::binary) << Bytes::copy(bytes).text();
  }
  Bytes read() const {
    std::ifstream file(path_, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    return Bytes::take(std::move(content).str());
  }

 private:
  std::string path_;
};

// A packet as ffprobe tells it, in the track's own ticks.
struct Packet {
  int64_t pts = 0, dts = 0, duration = 0;
  size_t size = 0, position = 0;
  bool key = false;
};

// In decoding order. Edit lists are not applied: bare times are what a fragment states. Of a
// fragmented file ffprobe 5.1 tells no durations, or guesses.
inline std::vector<Packet> packets_of(const std::string& path) {
  std::istringstream lines(
      run("ffprobe -v error -ignore_editlist 1 -of compact=p=0 -show_entries "
          "packet=pts,dts,duration,size,pos,flags '" +
          path + "' 2>&1"));
  std::vector<Packet> out;
  for (std::string line; std::getline(lines, line);) {
    auto number = [&line](const std::string& name) {
      const auto at = line.find(name + "=");
      return at == std::string::npos ? -1 : std::atoll(line.c_str() + at + name.size() + 1);
    };
    if (!line.starts_with("pts=")) continue;
    out.push_back({number("pts"), number("dts"), number("duration"),
                   static_cast<size_t>(number("size")), static_cast<size_t>(number("pos")),
                   line.find("flags=K") != std::string::npos});
  }
  return out;
}

// One stream property as ffprobe names it: "codec_name", "color_space".
inline std::string property(const std::string& path, const std::string& name) {
  auto text = run("ffprobe -v error -of default=nk=1:nw=1 -show_entries stream=" + name + " '" +
                  path + "' 2>&1");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// ffprobe dumps the decoder configuration as "00000000: 0164 001f ...  .d..".
inline Bytes configuration_of(const std::string& path) {
  std::istringstream lines(
      run("ffprobe -v error -show_data -show_entries stream=extradata '" + path + "'"));
  std::string hex;
  for (std::string line; std::getline(lines, line);)
    if (line.size() > 10 && line.substr(8, 2) == ": ") hex += line.substr(10, 40);
  return from_hex(hex);
}

// What decoding gives: a digest, or complaints.
inline std::string decode(const std::string& path) {
  return run("ffmpeg -v error -xerror -ignore_editlist 1 -i '" + path + "' -f md5 - 2>&1");
}

struct RealTrack {
  Track track;
  std::vector<Packet> packets;
  std::vector<Bytes> payloads;
  std::string decoded;
};

// `options`: of ffmpeg, input and encoder. Pictures are on a 90 kHz clock.
inline RealTrack real_track(Codec codec, const std::string& options) {
  const TempFile file("source.mp4");
  run("ffmpeg -hide_banner -loglevel error -y " + options +
      " -strict -2 -video_track_timescale 90000 '" + file.path() + "' 2>&1");
  RealTrack r;
  r.packets = packets_of(file.path());
  r.decoded = decode(file.path());
  const Bytes content = file.read();
  for (const auto& p : r.packets) r.payloads.push_back(content.slice(p.position, p.size));
  if (r.payloads.empty()) return r;
  r.track.codec = codec;
  if (codec == Codec::vp9) {
    if (const auto c = codecs::vp9_config_from_keyframe(r.payloads[0]))
      r.track.config = codecs::write_vpcc(*c);
  } else if (codec != Codec::mp3 && codec != Codec::ac3 && codec != Codec::eac3) {
    r.track.config = configuration_of(file.path());
  }
  if (const auto p = codecs::describe(codec, r.track.config)) r.track.params = *p;
  if (const auto p = codecs::describe_frame(codec, r.payloads[0])) r.track.params = *p;
  return r;
}

}  // namespace weir::mp4::fixture
