// Weir live-streaming server. MIT licence, see LICENSE.

// The description of a configuration, made once and used for everything: parsing, errors, ranges,
// environment names, --print-config, docs/config.md, the API's schema, reload. A section is a plain
// struct with its defaults in its members and `bool operator==(const X&) const = default`,
// described by a function beside it (found by argument-dependent lookup):
//
//   struct HttpConfig { Endpoint listen{"0.0.0.0:8080"}; int max_headers{100}; ... };
//   void describe(Fields<HttpConfig>& f) {
//     f.add("listen", &HttpConfig::listen, "Where to accept HTTP; empty turns it off.");
//     f.add("max_headers", &HttpConfig::max_headers, "Lines of one request.").range(1, 1000);
//   }
//   schema.section<HttpConfig>("http", "The HTTP server.");
//
// A ConfigDraft is filled on one core; finish() makes an immutable Config that any core may hold.
// Leaves out: YAML, files, environment (app/config_file.h).
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <vector>

#include "base/config_values.h"

namespace weir {

// One described field, its type erased: `read` and `show` take a pointer to the section's struct.
struct ConfigField {
  std::string name;
  std::string doc;
  FieldKind kind = FieldKind::text;
  std::vector<std::string> choices;  // of FieldKind::choice
  std::string min, max;              // as text; empty when unbounded
  bool secret = false;
  std::function<Result<void>(void*, const FieldValue&)> read;
  std::function<FieldValue(const void*)> show;
};

// What range() compares: the member itself, or the duration within a DurationOrAuto.
template <class M>
const M* ranged(const M& value) {
  return &value;
}
inline const Duration* ranged(const DurationOrAuto& value) {
  return value.automatic ? nullptr : &value.value;
}
// limit: "must be 128 to 65536, not 5".
std::unexpected<Error> out_of_range(const FieldValue& value, const ConfigField& field);

// Returned by Fields::add to say more about the field just added.
template <class T, class M>
class FieldRef {
 public:
  FieldRef(ConfigField& field, M T::*member) : field_(field), member_(member) {}

  // Both ends are allowed. Of a DurationOrAuto the duration is held to it, "auto" always fits.
  template <class L, class H>
  FieldRef& range(L lowest, H highest) {
    using Limit = std::remove_cvref_t<decltype(*ranged(std::declval<const M&>()))>;
    const Limit low(lowest), high(highest);
    field_.min = to_line(show_value(low));
    field_.max = to_line(show_value(high));
    ConfigField shown;
    shown.min = field_.min;
    shown.max = field_.max;
    field_.read = [member = member_, low, high, shown](void* section,
                                                       const FieldValue& v) -> Result<void> {
      M parsed{};
      TRY(read_value(v, parsed));
      const Limit* number = ranged(parsed);
      if (number && (*number < low || high < *number)) return out_of_range(v, shown);
      static_cast<T*>(section)->*member = std::move(parsed);
      return {};
    };
    return *this;
  }
  // Shown as *** wherever a configuration is printed or logged.
  FieldRef& secret() {
    field_.secret = true;
    return *this;
  }

 private:
  ConfigField& field_;
  M T::*member_;
};

// not_found: "must be one of debug, info, not \"x\"".
Result<size_t> read_choice(const FieldValue&, const std::vector<std::string>& names);

// Collects the fields of one section while describe() runs.
template <class T>
class Fields {
 public:
  template <class M>
  FieldRef<T, M> add(std::string name, M T::*member, std::string doc) {
    ConfigField& field = append(std::move(name), std::move(doc), kind_of(T{}.*member));
    field.read = [member](void* section, const FieldValue& v) -> Result<void> {
      return read_value(v, static_cast<T*>(section)->*member);
    };
    field.show = [member](const void* section) {
      return show_value(static_cast<const T*>(section)->*member);
    };
    return {field, member};
  }

  // An enum by its names: f.add("level", &LogConfig::level, {{"debug", Level::debug}, ...}, "...").
  template <class E>
  FieldRef<T, E> add(std::string name, E T::*member,
                     std::initializer_list<std::pair<const char*, std::type_identity_t<E>>> table,
                     std::string doc) {
    ConfigField& field = append(std::move(name), std::move(doc), FieldKind::choice);
    std::vector<E> values;
    for (const auto& [text, value] : table) {
      field.choices.emplace_back(text);
      values.push_back(value);
    }
    field.read = [member, values, names = field.choices](void* section,
                                                         const FieldValue& v) -> Result<void> {
      TRY(const size_t at, read_choice(v, names));
      static_cast<T*>(section)->*member = values[at];
      return {};
    };
    field.show = [member, values, names = field.choices](const void* section) -> FieldValue {
      for (size_t i = 0; i < values.size(); ++i)
        if (values[i] == static_cast<const T*>(section)->*member) return names[i];
      return std::string{};
    };
    return {field, member};
  }

  // A rule over several fields, asked once all are set: f.check([](const X& x) -> Result<void>
  // {...}).
  void check(std::function<Result<void>(const T&)> rule) {
    checks_.push_back([rule = std::move(rule)](const void* section) {
      return rule(*static_cast<const T*>(section));
    });
  }

 private:
  friend class ConfigSchema;
  ConfigField& append(std::string name, std::string doc, FieldKind kind) {
    ConfigField& field = fields_.emplace_back();
    field.name = std::move(name);
    field.doc = std::move(doc);
    field.kind = kind;
    return field;
  }
  std::vector<ConfigField> fields_;
  std::vector<std::function<Result<void>(const void*)>> checks_;
};

// One described section, its type erased. Immutable once declared.
struct ConfigSection {
  std::string name;
  std::string doc;
  std::type_index type = typeid(void);
  std::vector<ConfigField> fields;
  std::vector<std::function<Result<void>(const void*)>> checks;
  std::shared_ptr<const void> defaults;
  std::shared_ptr<void> (*clone)(const void*) = nullptr;
  bool (*equal)(const void*, const void*) = nullptr;

  const ConfigField* find(std::string_view field) const;
};
using ConfigSectionPtr = std::shared_ptr<const ConfigSection>;

// All sections in the order in which they were declared. Built by main, then only read.
class ConfigSchema {
 public:
  // Names are lower case, digits and underscores, and new; anything else is a CHECK.
  template <class T>
  void section(std::string name, std::string doc) {
    Fields<T> fields;
    describe(fields);
    auto s = std::make_shared<ConfigSection>();
    s->name = std::move(name);
    s->doc = std::move(doc);
    s->type = typeid(T);
    s->fields = std::move(fields.fields_);
    s->checks = std::move(fields.checks_);
    s->defaults = std::make_shared<const T>();
    s->clone = [](const void* p) -> std::shared_ptr<void> {
      return std::make_shared<T>(*static_cast<const T*>(p));
    };
    s->equal = [](const void* a, const void* b) {
      return *static_cast<const T*>(a) == *static_cast<const T*>(b);
    };
    add(std::move(s));
  }
  const std::vector<ConfigSectionPtr>& sections() const { return sections_; }
  // Null when there is none.
  const ConfigSection* find(std::string_view section) const;

 private:
  void add(ConfigSectionPtr);
  std::vector<ConfigSectionPtr> sections_;
};

// A section's description with one set of values.
struct ConfigPart {
  ConfigSectionPtr section;
  std::shared_ptr<const void> value;
};

// An immutable snapshot; sessions keep the one they began with.
class Config {
 public:
  // A reference good as long as this Config. A section that was not declared as a T is a CHECK.
  template <class T>
  const T& get(std::string_view section) const {
    return *static_cast<const T*>(part(section, typeid(T)).value.get());
  }
  // The same, kept alive on its own.
  template <class T>
  std::shared_ptr<const T> share(std::string_view section) const {
    return std::static_pointer_cast<const T>(part(section, typeid(T)).value);
  }
  const std::vector<ConfigPart>& parts() const { return parts_; }

 private:
  friend class ConfigDraft;
  const ConfigPart& part(std::string_view section, std::type_index) const;
  std::vector<ConfigPart> parts_;
};
using ConfigPtr = std::shared_ptr<const Config>;

// Whether the section differs between two snapshots of one schema: reload asks this per module.
bool changed(const Config& before, const Config& after, std::string_view section);
// "http.listen", ...: every field that differs, for the log line of a reload. Names only.
std::vector<std::string> changed_fields(const Config& before, const Config& after);

// A configuration being made. One core, short-lived.
class ConfigDraft {
 public:
  // Starts with every default, or with a snapshot's values.
  explicit ConfigDraft(const ConfigSchema&);
  explicit ConfigDraft(const Config&);

  // not_found: `unknown key "lisen" in "http", did you mean "listen"?`; else what the value must
  // be. An error leaves the field as it was. A secret's value is never part of the message.
  Result<void> set(std::string_view section, std::string_view field, const FieldValue&);
  // Typed access, for code and tests that build a configuration themselves.
  template <class T>
  T& edit(std::string_view section) {
    return *static_cast<T*>(edit(section, typeid(T)));
  }
  // The sections' own rules over several fields; every broken one, each "section: what".
  std::vector<Error> check() const;
  ConfigPtr finish() &&;

 private:
  void* edit(std::string_view section, std::type_index);
  struct Part {
    ConfigSectionPtr section;
    std::shared_ptr<void> value;
  };
  std::vector<Part> parts_;
};

// The candidate that `name` most likely was meant to be, or "" when none is near: optimal string
// alignment distance, at most a third of the name's length (and at least 1).
std::string_view nearest_name(std::string_view name,
                              const std::vector<std::string_view>& candidates);
// `, did you mean "listen"?`, or "".
std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace weir
