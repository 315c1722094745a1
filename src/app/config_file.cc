// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/config_file.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "app/config_yaml.h"

namespace weir::app {
namespace {

constexpr std::string_view kPrefix = "WEIR_";
constexpr std::string_view kConfigVariable = "WEIR_CONFIG";

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::string file_of(const ConfigSources& sources) {
  if (!sources.file.empty()) return sources.file;
  for (const auto& [name, value] : sources.environment)
    if (name == kConfigVariable) return value;
  return {};
}

void append(std::vector<std::string>& to, std::vector<std::string> from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

std::vector<std::string> apply_file(const std::string& path, const ConfigSchema& schema,
                                    ConfigDraft& draft) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return {fmt::format("{}: {}", path, std::strerror(errno))};
  std::string text(kLargestConfig + 1, '\0');  // one more than allowed, to notice what is too large
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return {fmt::format("{}: cannot be read", path)};
  text.resize(static_cast<size_t>(in.gcount()));
  return apply_yaml(text, path, schema, draft);
}

using Names = std::map<std::string, std::pair<std::string, std::string>, std::less<>>;

Names environment_names(const ConfigSchema& schema) {
  Names names;
  for (const ConfigSectionPtr& s : schema.sections())
    for (const ConfigField& f : s->fields)
      names.emplace(environment_name(s->name, f.name), std::pair(s->name, f.name));
  return names;
}

// A name that begins like a section of ours, or nearly is one of our names, was meant for us.
// Others (a container platform sets WEIR_SERVICE_HOST and the like by itself) are nobody's
// business.
std::string unknown_variable(std::string_view name, const ConfigSchema& schema,
                             const Names& names) {
  std::vector<std::string_view> candidates;
  for (const auto& [known, field] : names)
    candidates.push_back(std::string_view(known).substr(kPrefix.size()));
  const std::string_view near = nearest_name(name.substr(kPrefix.size()), candidates);
  bool ours = !near.empty();
  for (const ConfigSectionPtr& s : schema.sections())
    ours = ours || name.starts_with(environment_name(s->name, ""));
  if (!ours) return {};
  const std::string hint = near.empty() ? "" : fmt::format(", did you mean {}{}?", kPrefix, near);
  return fmt::format("{} is no setting and is ignored{}", name, hint);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> weir_environment(const char* const* environ) {
  std::vector<std::pair<std::string, std::string>> found;
  for (; environ && *environ; ++environ) {
    const std::string_view entry = *environ;
    const size_t equals = entry.find('=');
    if (!entry.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    found.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return found;
}

std::string environment_name(std::string_view section, std::string_view field) {
  return fmt::format("{}{}_{}", kPrefix, upper(section), upper(field));
}

std::vector<std::string> apply_environment(const ConfigSchema& schema, const ConfigSources& sources,
                                           ConfigDraft& draft, std::vector<std::string>& warnings) {
  std::vector<std::string> errors;
  const Names names = environment_names(schema);
  for (const auto& [name, value] : sources.environment) {
    if (name == kConfigVariable) continue;
    if (const auto known = names.find(name); known != names.end()) {
      const auto& [section, field] = known->second;
      if (const auto done = draft.set(section, field, value); !done)
        errors.push_back(fmt::format("{} {}", name, done.error().what));
    } else if (std::string warning = unknown_variable(name, schema, names); !warning.empty()) {
      warnings.push_back(std::move(warning));
    }
  }
  return errors;
}

std::vector<std::string> apply_sets(const std::vector<std::string>& sets, ConfigDraft& draft) {
  std::vector<std::string> errors;
  for (const std::string& set : sets) {
    const size_t equals = set.find('=');
    const std::string path = set.substr(0, equals);
    const size_t dot = path.find('.');
    if (equals == std::string::npos || dot == std::string::npos) {
      errors.push_back(fmt::format("--set {}: must have the form section.key=value", path));
      continue;
    }
    const auto done = draft.set(path.substr(0, dot), path.substr(dot + 1), set.substr(equals + 1));
    if (!done) errors.push_back(fmt::format("--set {}: {}", path, done.error().what));
  }
  return errors;
}

LoadedConfig load_config(const ConfigSchema& schema, const ConfigSources& sources) {
  LoadedConfig loaded;
  ConfigDraft draft(schema);
  if (const std::string file = file_of(sources); !file.empty())
    append(loaded.errors, apply_file(file, schema, draft));
  append(loaded.errors, apply_environment(schema, sources, draft, loaded.warnings));
  append(loaded.errors, apply_sets(sources.sets, draft));
  // Rules over several fields mean something only when each field is right.
  if (loaded.errors.empty())
    for (Error& broken : draft.check()) loaded.errors.push_back(std::move(broken.what));
  if (loaded.errors.empty()) loaded.config = std::move(draft).finish();
  return loaded;
}

}  // namespace weir::app
