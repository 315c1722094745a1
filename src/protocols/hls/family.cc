// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/hls/family.h"

#include <algorithm>

#include "net/http/target.h"

namespace weir::hls {
namespace {

bool is_name_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

bool is_separator(char c) { return c == ' ' || c == '\t' || c == ','; }

// One NAME=value from the front of `rest`; a quoted value may hold separators. RFC 8216 4.2.
Result<Attribute> take_attribute(std::string_view& rest) {
  const size_t equals = rest.find('=');
  const std::string_view name = rest.substr(0, equals);
  if (equals == std::string_view::npos || name.empty() ||
      !std::ranges::all_of(name, is_name_character))
    return fail(Code::protocol, "expected NAME=value, not \"" + std::string(rest) + "\"");
  std::string_view value = rest.substr(equals + 1);
  size_t size = 0;
  if (value.starts_with('"')) {
    const size_t close = value.find('"', 1);
    if (close == std::string_view::npos)
      return fail(Code::protocol, std::string(name) + ": the quote is not closed");
    size = close + 1;
    if (size < value.size() && !is_separator(value[size]))
      return fail(Code::protocol, std::string(name) + ": text behind the quote");
  } else {
    size = static_cast<size_t>(std::ranges::find_if(value, is_separator) - value.begin());
  }
  if (size == 0) return fail(Code::protocol, std::string(name) + " has no value");
  rest.remove_prefix(equals + 1 + size);
  return Attribute{std::string(name), std::string(value.substr(0, size))};
}

void skip_separators(std::string_view& rest) {
  while (!rest.empty() && is_separator(rest.front())) rest.remove_prefix(1);
}

}  // namespace

Result<VariantRule> parse_variant(std::string_view text) {
  if (std::ranges::any_of(text, [](char c) { return c != '\t' && (c < ' ' || c == 0x7f); }))
    return fail(Code::protocol, "control characters");
  VariantRule rule;
  const size_t size = std::min(text.find_first_of(" \t,"), text.size());
  rule.suffix = text.substr(0, size);
  if (rule.suffix.empty()) return fail(Code::protocol, "a suffix must come first");
  if (!make_stream_key("app", "name" + rule.suffix) || rule.suffix.find('/') != std::string::npos)
    return fail(Code::protocol, "\"" + rule.suffix + "\" cannot be part of a stream's name");
  std::string_view rest = text.substr(size);
  for (skip_separators(rest); !rest.empty(); skip_separators(rest)) {
    TRY(auto attribute, take_attribute(rest));
    rule.attributes.push_back(std::move(attribute));
  }
  return rule;
}

std::vector<StreamKey> family_names(const StreamKey& name, const VariantRules& rules) {
  std::vector<StreamKey> names{{name.app, name.name, {}}};
  for (const auto& rule : rules) names.push_back({name.app, name.name + rule.suffix, {}});
  return names;
}

std::vector<Member> family(const segments::Directory& directory, const StreamKey& name,
                           const VariantRules& rules) {
  std::vector<Member> members;
  const auto names = family_names(name, rules);
  for (size_t i = 0; i < names.size(); ++i)
    for (auto& [key, view] : directory.renditions(names[i]))
      members.push_back({key, view, i == 0 ? nullptr : &rules[i - 1]});
  return members;
}

StreamKey head_of_family(const StreamKey& key, const VariantRules& rules) {
  size_t longest = 0;
  for (const auto& rule : rules)
    if (key.name.size() > rule.suffix.size() && key.name.ends_with(rule.suffix))
      longest = std::max(longest, rule.suffix.size());
  return {key.app, key.name.substr(0, key.name.size() - longest), {}};
}

std::string playlist_uri(const StreamKey& from, const StreamKey& to, std::string_view lane,
                         std::string_view query) {
  using net::http::percent_encode_path;
  std::string uri;
  if (to.name != from.name) uri = "../" + percent_encode_path(to.name) + "/";
  uri += lane;
  if (!to.rendition.empty()) uri += "@" + percent_encode_path(to.rendition);
  uri += ".m3u8";
  uri += query;
  return uri;
}

LaneName parse_lane_name(std::string_view text) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos) return {std::string(text), {}};
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

}  // namespace weir::hls
