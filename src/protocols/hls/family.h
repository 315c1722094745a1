// Weir live-streaming server. MIT licence, see LICENSE.

// Family: the streams that one multivariant playlist lists: NAME itself with its renditions, then
// NAME + suffix for each suffix of `hls.variants`, in the order given there, as nginx-rtmp's
// hls_variant has it. NAME need not be published. Also how their playlists are called and how one
// names the other. Pure but for the look-up in the directory's copy of the calling core.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "segments/directory.h"

namespace weir::hls {

// As written in the configuration: BANDWIDTH and 288000, CODECS and "avc1..." with its quotes.
struct Attribute {
  std::string name, value;
  bool operator==(const Attribute&) const = default;
};

struct VariantRule {
  std::string suffix;
  std::vector<Attribute> attributes;  // instead of measured ones
};
using VariantRules = std::vector<VariantRule>;

// "_low BANDWIDTH=288000 CODECS=\"avc1.4d401f,mp4a.40.2\"": a suffix, then attributes behind spaces
// or commas.
Result<VariantRule> parse_variant(std::string_view);

// A stream, or one rendition of it, that a list names.
struct Member {
  StreamKey key;
  segments::ViewPtr view;
  const VariantRule* rule = nullptr;  // null for NAME and its renditions
};

// Those of NAME that are there now.
std::vector<Member> family(const segments::Directory&, const StreamKey& name, const VariantRules&);
// The names that may be listed at NAME, NAME first.
std::vector<StreamKey> family_names(const StreamKey& name, const VariantRules&);
// The NAME at which this stream is listed: without its suffix if it bears one.
StreamKey head_of_family(const StreamKey&, const VariantRules&);

// The media playlist of a lane, relative to playlists of the stream `from`: "v1.m3u8",
// "v1@720p.m3u8", "../foo_low/v1.m3u8"; encoded for a URL.
std::string playlist_uri(const StreamKey& from, const StreamKey& to, std::string_view lane,
                         std::string_view query);

// What "v1@720p" in a URL means.
struct LaneName {
  std::string lane, rendition;
};
LaneName parse_lane_name(std::string_view);

}  // namespace weir::hls
