// Weir live-streaming server. MIT licence, see LICENSE.
#include "media/codec.h"
#include "media/stream_key.h"
#include "media/track.h"

namespace weir {

std::string_view to_string(Codec c) {
  switch (c) {
    case Codec::h264: return "h264";
    case Codec::h265: return "h265";
    case Codec::av1: return "av1";
    case Codec::vp8: return "vp8";
    case Codec::vp9: return "vp9";
    case Codec::aac: return "aac";
    case Codec::opus: return "opus";
    case Codec::flac: return "flac";
    case Codec::mp3: return "mp3";
    case Codec::ac3: return "ac3";
    case Codec::eac3: return "eac3";
    case Codec::script: return "script";
  }
  return "unknown";
}

const Track* StreamInfo::find(TrackId id) const {
  for (const auto& t : tracks)
    if (t.id == id) return &t;
  return nullptr;
}

const Track* StreamInfo::first(Kind kind) const {
  for (const auto& t : tracks)
    if (t.kind() == kind) return &t;
  return nullptr;
}

const Track* StreamInfo::main_video() const { return first(Kind::video); }

std::string StreamKey::to_string() const {
  return app + "/" + name + (rendition.empty() ? "" : "@" + rendition);
}

namespace {

Result<> check_part(std::string_view part) {
  if (part.empty()) return fail(Code::protocol, "stream name has an empty part");
  if (part == "." || part == "..") return fail(Code::protocol, "stream name has a dot part");
  for (const char c : part) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7f || c == '\\' || c == '%' || c == '?' || c == '#' || c == '@')
      return fail(Code::protocol, "stream name has a character that is not allowed");
  }
  return {};
}

}  // namespace

Result<StreamKey> make_stream_key(std::string_view app, std::string_view name) {
  if (app.size() > 255 || name.size() > 255)
    return fail(Code::limit, "stream name is longer than 255 bytes");
  for (size_t at = 0; at <= app.size();) {
    const auto slash = std::min(app.find('/', at), app.size());
    TRY(check_part(app.substr(at, slash - at)));
    at = slash + 1;
  }
  if (name.find('/') != std::string_view::npos)
    return fail(Code::protocol, "stream name has a slash");
  TRY(check_part(name));
  return StreamKey{std::string(app), std::string(name), {}};
}

}  // namespace weir
