// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/clip.h"

#include <fstream>
#include <iterator>

namespace weir::bench {
namespace {

// Adobe FLV 10.1 E.4.2.1, E.4.3.1: the second byte of AAC and AVC bodies, zero in sequence headers.
bool is_header(const flv::Tag& t) {
  return t.type == flv::TagType::script || (t.body.size() > 1 && t.body[1] == 0);
}

}  // namespace

bool is_keyframe(const flv::Tag& t) {
  return t.type == flv::TagType::video && !t.body.empty() && t.body[0] >> 4 == 1 && !is_header(t);
}

Result<Clip> read_clip(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::not_found, "cannot open " + path);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<flv::Tag> all;
  flv::FileReader reader;
  TRY(reader.read(as_bytes({bytes.data(), bytes.size()}), all));
  Clip clip;
  uint32_t first_video = 0, last_video = 0, frames = 0;
  for (flv::Tag& t : all) {
    if (is_header(t)) {
      // What an encoder sends when it stops is no part of the circle.
      if (clip.tags.empty()) clip.headers.push_back(std::move(t));
      continue;
    }
    if (t.type == flv::TagType::video && t.body.size() > 1 && t.body[1] != 1) continue;
    if (t.type == flv::TagType::video) {
      if (frames++ == 0) first_video = t.timestamp_ms;
      last_video = t.timestamp_ms;
    }
    if (t.body.size() > 1) clip.tags.push_back(std::move(t));
  }
  if (frames < 2) return fail(Code::unsupported, path + " has no video to speak of");
  // One frame more than the distance of first and last; rounded up, which no player minds.
  const uint32_t span = last_video - first_video;
  clip.length = std::chrono::milliseconds{span + (span + frames - 2) / (frames - 1)};
  // Sound that runs on behind the last picture would overlap the next round's.
  std::erase_if(clip.tags, [&](const flv::Tag& t) {
    return std::chrono::milliseconds{t.timestamp_ms} >= clip.length;
  });
  return clip;
}

}  // namespace weir::bench
