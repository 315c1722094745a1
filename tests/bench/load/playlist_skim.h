// Weir live-streaming server. MIT licence, see LICENSE.

// Skims the end of a low-latency media playlist: the parts that are new to a viewer and the one
// that is announced to come. Pure. Reads backwards from the end and stops at the first part that is
// known, so its cost does not depend on the playlist's length. Believes its server and its names
// ("...-<number>.<part>.m4s"). Spec: RFC 8216bis 4.4.4.9, 4.4.5.3.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::bench {

struct PartId {
  uint64_t msn = 0;
  uint64_t part = 0;
  auto operator<=>(const PartId&) const = default;
};
std::optional<PartId> parse_part_name(std::string_view name);

// Names are those of the playlist's text and as short-lived.
struct NamedPart {
  PartId id;
  std::string_view name;
};

struct PlaylistEnd {
  std::vector<NamedPart> fresh;  // behind the one known, oldest first
  NamedPart hint;                // what comes next
};

// False for a text without a part or a hint: not low-latency, or ended. `out` is overwritten; its
// memory is used again.
bool skim_playlist(std::string_view text, const PartId& known, PlaylistEnd& out);

}  // namespace weir::bench
