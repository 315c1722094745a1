// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/metadata.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "containers/flv/amf0.h"
#include "containers/flv/enhanced.h"

namespace weir::flv {
namespace {

// What only we may say; the publisher's words on these could be of other tracks than we send.
constexpr std::array<std::string_view, 7> kOurs{
    "videocodecid",        "audiocodecid",       "stereo", "hasVideo", "hasAudio",
    "videoTrackIdInfoMap", "audioTrackIdInfoMap"};
// What is true of a file only: a player would believe in an end and in places to seek to.
constexpr std::array<std::string_view, 9> kOfFile{"duration",
                                                  "filesize",
                                                  "keyframes",
                                                  "hasKeyframes",
                                                  "canSeekToEnd",
                                                  "lasttimestamp",
                                                  "datasize",
                                                  "lastkeyframetimestamp",
                                                  "lastkeyframelocation"};
constexpr std::array<std::string_view, 5> kOfVideo{"width", "height", "framerate", "videodatarate",
                                                   "videokeyframe_frequency"};
constexpr std::array<std::string_view, 4> kOfAudio{"audiosamplerate", "audiosamplesize",
                                                   "audiochannels", "audiodatarate"};

// E.4.2.1, E.4.3.1; others have their FourCC as a number.
double codec_id(Codec codec) {
  switch (codec) {
    case Codec::h264: return 7;
    case Codec::aac: return 10;
    case Codec::mp3: return 2;
    default: return fourcc_of(codec);
  }
}

void set(std::vector<Member>& members, std::string_view key, Value value) {
  const auto at = std::ranges::find(members, key, &Member::key);
  if (at == members.end())
    members.push_back({std::string(key), std::move(value)});
  else
    at->value = std::move(value);
}

void set_known(std::vector<Member>& members, std::string_view key, double value) {
  if (value > 0) set(members, key, value);
}

void describe(std::vector<Member>& members, const Track& track) {
  if (const auto* video = track.video()) {
    set_known(members, "width", video->width);
    set_known(members, "height", video->height);
    set_known(members, "framerate", video->frame_rate);
    set(members, "videocodecid", codec_id(track.codec));
  } else if (const auto* audio = track.audio()) {
    set(members, "audiocodecid", codec_id(track.codec));
    set_known(members, "audiosamplerate", audio->sample_rate);
    if (audio->channels > 0) set(members, "stereo", audio->channels > 1);
  }
}

std::vector<Member> of_publisher(ByteSpan values, bool video, bool audio) {
  ByteReader in(values);
  const auto value = read_amf0(in);
  if (!value || !value->members()) return {};
  const auto in_list = [](const auto& list, std::string_view key) {
    return std::ranges::find(list, key) != list.end();
  };
  std::vector<Member> kept;
  for (const auto& m : *value->members()) {
    if (in_list(kOurs, m.key) || in_list(kOfFile, m.key) || (!video && in_list(kOfVideo, m.key)) ||
        (!audio && in_list(kOfAudio, m.key)))
      continue;
    kept.push_back(m);
  }
  return kept;
}

}  // namespace

EcmaArray make_meta_data(const std::vector<NumberedTrack>& tracks, ByteSpan publisher) {
  const auto has = [&](Kind kind) {
    return std::ranges::any_of(tracks, [&](const auto& t) { return t.track->kind() == kind; });
  };
  const bool video = has(Kind::video), audio = has(Kind::audio);
  EcmaArray data{of_publisher(publisher, video, audio)};
  EcmaArray more_video, more_audio;
  for (const auto& [track, number] : tracks) {
    if (number == 0) {
      describe(data.members, *track);
      continue;
    }
    Object one;
    describe(one.members, *track);
    auto& map = track->kind() == Kind::video ? more_video : more_audio;
    map.members.push_back({std::to_string(number), std::move(one)});
  }
  if (!more_video.members.empty())
    set(data.members, "videoTrackIdInfoMap", Object{{}, std::move(more_video.members)});
  if (!more_audio.members.empty())
    set(data.members, "audioTrackIdInfoMap", Object{{}, std::move(more_audio.members)});
  // mpegts.js shows nothing before each kind has come that the file header or this promises.
  if (video || audio) {
    set(data.members, "hasVideo", video);
    set(data.members, "hasAudio", audio);
  }
  if (!Value(data).find("encoder")) set(data.members, "encoder", "Weir");
  return data;
}

}  // namespace weir::flv
