// Weir live-streaming server. MIT licence, see LICENSE.

// Playlists: each core's cache of playlist texts. A text and its gzip are made at most once per
// version of a lane's window, when first asked for, so that everybody who waits for one version on
// a core is answered from one buffer. Holds texts, never windows: an ended stream's memory is not
// kept by it. Owned by the service; called on any core, each touches its own part.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/http/content.h"
#include "net/per_core.h"
#include "protocols/hls/family.h"
#include "protocols/hls/playlist.h"

namespace weir::hls {

using net::http::ContentPtr;

// What of the configuration speaks in playlists; a snapshot for all cores.
struct Settings {
  Format format = Format::cmaf;
  PlaylistType type = PlaylistType::live;
  VariantRules variants;
};
using SettingsPtr = std::shared_ptr<const Settings>;
// Lines of hls.variants that do not parse were refused with the configuration.
SettingsPtr settings_of(const HlsConfig&);

class Playlists {
 public:
  Playlists(net::Cores&, const segments::Directory&, SettingsPtr);

  void reconfigure(SettingsPtr settings) { settings_.publish(std::move(settings)); }
  const Settings& settings() const { return *settings_.local(); }

  // How long caches may keep an answer (RFC 8216bis appendix B): one that names the edge is the
  // same for ever; others are half a target duration old at most.
  enum class Keep { edge, poll };

  // `view`: of `key`, with a window that can be written about for `lane`.
  ContentPtr media(const StreamKey& key, const segments::View& view, const std::string& lane,
                   const Query&, Keep);
  // Null when nothing can be listed yet.
  ContentPtr multivariant(const StreamKey& at, const std::vector<Member>&, const Query&);

  // Texts on the calling core, for tests.
  size_t size() const;

 private:
  struct Text {
    Bytes plain, gzip;
    std::string etag;
    ContentPtr edge, poll;
  };
  struct Media {
    std::weak_ptr<const segments::Window> of;
    Text full, delta;
    Time at{};  // when it was made
  };
  struct Multivariant {
    std::vector<std::weak_ptr<const segments::View>> of;
    ContentPtr content;
  };
  struct Local {
    std::unordered_map<std::string, Media> media;
    std::unordered_map<std::string, Multivariant> multivariants;
  };

  std::string write(const StreamKey&, const segments::View&, const segments::Window&, const Query&,
                    Extent) const;
  std::vector<Report> reports(const StreamKey&, const segments::View&, const segments::Window&,
                              std::string_view query) const;

  const segments::Directory& directory_;
  net::PerCore<SettingsPtr> settings_;
  std::vector<Local> locals_;  // [i] is touched on core i only
};

}  // namespace weir::hls
