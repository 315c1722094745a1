// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/playlist_skim.h"

#include <algorithm>
#include <charconv>

namespace weir::bench {
namespace {

constexpr std::string_view kPart = "\n#EXT-X-PART:", kHint = "\n#EXT-X-PRELOAD-HINT:TYPE=PART,";

bool read_number(std::string_view in, uint64_t& n) {
  const auto [end, problem] = std::from_chars(in.data(), in.data() + in.size(), n);
  return problem == std::errc{} && end == in.data() + in.size();
}

// The URI of the line that begins at `at`.
std::optional<NamedPart> named_at(std::string_view text, size_t at) {
  constexpr std::string_view kUri = "URI=\"";
  const std::string_view line = text.substr(at, text.find('\n', at + 1) - at);
  const size_t begin = line.find(kUri);
  if (begin == line.npos) return std::nullopt;
  const std::string_view rest = line.substr(begin + kUri.size());
  const std::string_view name = rest.substr(0, rest.find('"'));
  const auto id = parse_part_name(name);
  if (!id) return std::nullopt;
  return NamedPart{*id, name};
}

}  // namespace

std::optional<PartId> parse_part_name(std::string_view name) {
  constexpr std::string_view kEnd = ".m4s";
  if (!name.ends_with(kEnd)) return std::nullopt;
  name.remove_suffix(kEnd.size());
  const size_t dash = name.rfind('-'), dot = name.rfind('.');
  if (dash == name.npos || dot == name.npos || dot < dash) return std::nullopt;
  PartId id;
  const bool read = read_number(name.substr(dash + 1, dot - dash - 1), id.msn) &&
                    read_number(name.substr(dot + 1), id.part);
  return read ? std::optional(id) : std::nullopt;
}

bool skim_playlist(std::string_view text, const PartId& known, PlaylistEnd& out) {
  out.fresh.clear();
  const size_t hint_at = text.rfind(kHint);
  if (hint_at == text.npos) return false;
  const auto hint = named_at(text, hint_at);
  if (!hint) return false;
  out.hint = *hint;
  bool any = false;
  for (size_t at = hint_at; at > 0;) {
    at = text.rfind(kPart, at - 1);
    if (at == text.npos) break;
    const auto part = named_at(text, at);
    if (!part) return false;
    any = true;
    if (part->id <= known) break;
    out.fresh.push_back(*part);
  }
  std::reverse(out.fresh.begin(), out.fresh.end());
  return any;
}

}  // namespace weir::bench
