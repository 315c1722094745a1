// Weir live-streaming server. MIT licence, see LICENSE.

#include "base/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace weir {
namespace {

bool good_name(std::string_view name) {
  if (name.empty() || name.front() < 'a' || name.front() > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// A field whose own default it would refuse is a mistake in its description.
void check_section(const ConfigSection& section) {
  CHECK(good_name(section.name), "configuration section name");
  const std::shared_ptr<void> scratch = section.clone(section.defaults.get());
  for (const ConfigField& field : section.fields) {
    CHECK(good_name(field.name), "configuration field name");
    CHECK(section.find(field.name) == &field, "configuration field declared twice");
    const FieldValue value = field.show(section.defaults.get());
    CHECK(field.read(scratch.get(), value), "default value outside the field's own description");
  }
  CHECK(section.equal(scratch.get(), section.defaults.get()), "default does not survive its text");
}

template <class Parts>
std::vector<std::string_view> section_names(const Parts& parts) {
  std::vector<std::string_view> names;
  for (const auto& part : parts) names.push_back(part.section->name);
  return names;
}

// One row of the table of optimal string alignment: insert, delete, replace, swap neighbours.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::unexpected<Error> out_of_range(const FieldValue& value, const ConfigField& field) {
  return fail(Code::limit,
              fmt::format("must be {} to {}, not {}", field.min, field.max, to_line(value)));
}

Result<size_t> read_choice(const FieldValue& value, const std::vector<std::string>& names) {
  TRY(const std::string_view text, single(value));
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == text) return i;
  return fail(Code::not_found, fmt::format("must be one of {}, not \"{}\"", to_line(names), text));
}

const ConfigField* ConfigSection::find(std::string_view field) const {
  for (const ConfigField& f : fields)
    if (f.name == field) return &f;
  return nullptr;
}

const ConfigSection* ConfigSchema::find(std::string_view section) const {
  for (const ConfigSectionPtr& s : sections_)
    if (s->name == section) return s.get();
  return nullptr;
}

void ConfigSchema::add(ConfigSectionPtr section) {
  CHECK(!find(section->name), "configuration section declared twice");
  check_section(*section);
  sections_.push_back(std::move(section));
}

const ConfigPart& Config::part(std::string_view section, std::type_index type) const {
  for (const ConfigPart& p : parts_) {
    if (p.section->name != section) continue;
    CHECK(p.section->type == type, "configuration section asked for as another type");
    return p;
  }
  check_failed(__FILE__, __LINE__, "section", "configuration section was never declared");
}

std::vector<std::string> changed_fields(const Config& before, const Config& after) {
  std::vector<std::string> names;
  for (const ConfigPart& now : after.parts()) {
    for (const ConfigPart& old : before.parts()) {
      if (old.section != now.section) continue;
      for (const ConfigField& field : now.section->fields) {
        if (field.show(old.value.get()) == field.show(now.value.get())) continue;
        names.push_back(now.section->name + "." + field.name);
      }
    }
  }
  return names;
}

bool changed(const Config& before, const Config& after, std::string_view section) {
  const auto of = [&](const Config& c) {
    const auto at = std::find_if(c.parts().begin(), c.parts().end(),
                                 [&](const ConfigPart& p) { return p.section->name == section; });
    CHECK(at != c.parts().end(), "configuration section was never declared");
    return *at;
  };
  const ConfigPart old = of(before), now = of(after);
  CHECK(old.section == now.section, "snapshots of different schemas");
  return !now.section->equal(old.value.get(), now.value.get());
}

ConfigDraft::ConfigDraft(const ConfigSchema& schema) {
  for (const ConfigSectionPtr& s : schema.sections())
    parts_.push_back({s, s->clone(s->defaults.get())});
}

ConfigDraft::ConfigDraft(const Config& config) {
  for (const ConfigPart& p : config.parts())
    parts_.push_back({p.section, p.section->clone(p.value.get())});
}

Result<void> ConfigDraft::set(std::string_view section, std::string_view field,
                              const FieldValue& value) {
  const auto part = std::find_if(parts_.begin(), parts_.end(),
                                 [&](const Part& p) { return p.section->name == section; });
  if (part == parts_.end()) {
    return fail(Code::not_found, fmt::format("unknown section \"{}\"{}", section,
                                             did_you_mean(section, section_names(parts_))));
  }
  const ConfigField* found = part->section->find(field);
  if (!found) {
    std::vector<std::string_view> names;
    for (const ConfigField& f : part->section->fields) names.push_back(f.name);
    return fail(Code::not_found, fmt::format("unknown key \"{}\" in \"{}\"{}", field, section,
                                             did_you_mean(field, names)));
  }
  Result<void> done = found->read(part->value.get(), value);
  if (!done && found->secret) return fail(done.error().code, "is not valid (a secret, not shown)");
  return done;
}

void* ConfigDraft::edit(std::string_view section, std::type_index type) {
  for (Part& p : parts_) {
    if (p.section->name != section) continue;
    CHECK(p.section->type == type, "configuration section asked for as another type");
    return p.value.get();
  }
  check_failed(__FILE__, __LINE__, "section", "configuration section was never declared");
}

std::vector<Error> ConfigDraft::check() const {
  std::vector<Error> errors;
  for (const Part& p : parts_) {
    for (const auto& rule : p.section->checks) {
      if (Result<void> held = rule(p.value.get()); !held)
        errors.push_back(std::move(held).error().in(p.section->name));
    }
  }
  return errors;
}

ConfigPtr ConfigDraft::finish() && {
  auto config = std::make_shared<Config>();
  for (Part& p : parts_) config->parts_.push_back({std::move(p.section), std::move(p.value)});
  return config;
}

std::string_view nearest_name(std::string_view name,
                              const std::vector<std::string_view>& candidates) {
  constexpr size_t kLongest = 64;  // names in a file may be of any length; the table is quadratic
  if (name.empty() || name.size() > kLongest) return {};
  std::string_view best;
  size_t least = std::max<size_t>(1, name.size() / 3) + 1;
  for (std::string_view candidate : candidates) {
    const size_t d = distance(name, candidate);
    if (d < least) {
      least = d;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& candidates) {
  const std::string_view near = nearest_name(name, candidates);
  return near.empty() ? std::string() : fmt::format(", did you mean \"{}\"?", near);
}

}  // namespace weir
