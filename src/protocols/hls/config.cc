// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/config.h"

#include "protocols/hls/family.h"

namespace weir::hls {
namespace {

void describe_files(Fields<HlsConfig>& f) {
  f.add("path", &HlsConfig::path,
        "Also write each stream's MPEG-TS segments and playlist below this folder, for another "
        "server to hand out; empty writes nothing.");
  f.add("window", &HlsConfig::window,
        "How much of the stream the playlists on disk list; never less than three segments. After "
        "the end they stay this long, segments and keys twice as long.")
      .range(2s, 24h);
  f.add("nested", &HlsConfig::nested,
        "On disk, a folder per stream (PATH/APP/NAME/index.m3u8); false: PATH/APP/NAME.m3u8.");
  f.add("naming", &HlsConfig::naming,
        {{"sequential", Naming::sequential},
         {"timestamp", Naming::timestamp},
         {"system", Naming::system}},
        "What segments on disk are called: their number, the stream's time at their start in ticks "
        "of 90 kHz, or the wall clock there in milliseconds.");
  f.add("naming_granularity", &HlsConfig::naming_granularity,
        "With naming timestamp or system: round down to a multiple of this; 0 does not round.")
      .range(0s, 60s);
  f.add(
      "continuous", &HlsConfig::continuous,
      "Go on from the playlist that is on disk when a stream starts again, after a discontinuity; "
      "false starts an empty one.");
  f.add("cleanup", &HlsConfig::cleanup,
        "Remove files on disk that playlists of type live no longer list.");
  f.add("base_url", &HlsConfig::base_url,
        "What stands for `path` in playlists on disk: BASE_URL/APP/NAME/0.ts; empty leaves names "
        "relative to the playlist.");
  f.add("keys", &HlsConfig::keys, "Encrypt segments on disk with AES-128.");
  f.add("key_path", &HlsConfig::key_path,
        "Where key files go, as KEY_PATH/APP/NAME/0.key; empty: beside the segments.");
  f.add("key_url", &HlsConfig::key_url,
        "What stands for `key_path` in playlists; empty leaves names relative.");
  f.add("fragments_per_key", &HlsConfig::fragments_per_key,
        "A new key after this many segments; 0 is one key for a stream's whole life.")
      .range(0, 1000000);
}

}  // namespace

void describe(Fields<HlsConfig>& f) {
  f.add("enabled", &HlsConfig::enabled, "Serve every published stream as HLS.");
  f.add("format", &HlsConfig::format, {{"cmaf", Format::cmaf}, {"ts", Format::ts}},
        "What index.m3u8 gives: low-latency HLS from CMAF parts, or MPEG-TS, which is always at "
        "ts.m3u8 too.");
  f.add("type", &HlsConfig::type, {{"live", PlaylistType::live}, {"event", PlaylistType::event}},
        "live: playlists slide with `segments.rewind`; event: they keep everything and say so "
        "(EXT-X-PLAYLIST-TYPE). One player can ask for it with ?type=event.");
  f.add("variants", &HlsConfig::variants,
        "Suffixes of stream names that are renditions of the name before it, with attributes for "
        "the playlist if measured ones will not do: [\"_low BANDWIDTH=288000\", \"_hi\"]. "
        "live/foo_low and live/foo_hi are then listed at live/foo.");
  f.check([](const HlsConfig& c) -> Result<void> {
    for (const auto& line : c.variants)
      if (const auto rule = parse_variant(line); !rule)
        return fail(Code::protocol, "variants: \"" + line + "\": " + rule.error().what);
    return {};
  });
  describe_files(f);
}

}  // namespace weir::hls
