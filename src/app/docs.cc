// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/docs.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/config_file.h"

namespace weir::app {
namespace {

constexpr std::string_view kYamlHeader =
    R"(# Weir's configuration, complete. Every section and key is optional: leave out what you keep.
# A key may also come from the environment (WEIR_LOG_LEVEL=debug) or the command line
# (--set log.level=debug), which win over the file. `weir check FILE` says whether a file is right.
)";

constexpr std::string_view kMarkdownHeader = R"(# Configuration

Made by `weir docs config` from the server's own descriptions; do not edit by hand.

Nothing needs to be configured. What is, comes from these places, the later winning over the earlier:

1. the defaults below (`weir print-config` prints them as a file to start from: [weir.yaml](../config/weir.yaml)),
2. the YAML file named by `--config FILE` or `WEIR_CONFIG`; no file is read that nobody named,
3. environment variables: `WEIR_<SECTION>_<KEY>`, for example `WEIR_LOG_LEVEL=debug`,
4. `--set section.key=value` on the command line, as often as needed.

`weir check FILE` prints `ok`, or every mistake with line and column. An unknown key is a mistake.

| type | written as |
| --- | --- |
| duration | `200ms`, `2s`, `10m`, `1h`, `1d`; a plain number is seconds |
| size | `4096`, `64k`, `1M`, `2G`: powers of 1024 |
| address | `127.0.0.1:1935`, `[::]:1935`; `:1935` is every address; empty or `off` is none |
| list | a YAML list; `a, b` in the environment and with `--set` |
| map | a YAML map; `key=value, key2=value2` in the environment and with `--set` |
)";

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

// Plain where no YAML reader could take it for anything else; quotes everywhere else.
std::string yaml_scalar(std::string_view text, FieldKind kind) {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-' || c == ':' || c == '/';
  };
  const bool free_text =
      kind == FieldKind::text || kind == FieldKind::list || kind == FieldKind::map;
  const bool safe = !free_text && !text.empty() && text.front() != '-' && text.front() != ':' &&
                    text.back() != ':' && std::all_of(text.begin(), text.end(), plain);
  return safe || kind == FieldKind::integer || kind == FieldKind::number ? std::string(text)
                                                                         : quoted(text);
}

std::string yaml_value(const FieldValue& value, FieldKind kind) {
  if (const auto* text = std::get_if<std::string>(&value)) return " " + yaml_scalar(*text, kind);
  std::string out;
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    for (const std::string& item : *list) out += "\n    - " + yaml_scalar(item, kind);
    return out.empty() ? " []" : out;
  }
  for (const auto& [key, item] : std::get<std::map<std::string, std::string>>(value))
    out += fmt::format("\n    {}: {}", quoted(key), yaml_scalar(item, kind));
  return out.empty() ? " {}" : out;
}

// Words wrapped to 100 columns behind "# ".
std::string comment(std::string_view text, std::string_view indent) {
  constexpr size_t kColumns = 100;
  std::string out, line;
  const auto put = [&] {
    out += fmt::format("{}#{}\n", indent, line);
    line.clear();
  };
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    if (!line.empty() && indent.size() + 1 + line.size() + 1 + word.size() > kColumns) put();
    line += ' ';
    line += word;
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  put();
  return out;
}

// "128 to 65536", "debug, info, warn or error", or nothing.
std::string allowed(const ConfigField& field, std::string_view quote) {
  if (!field.min.empty()) return fmt::format("{} to {}", field.min, field.max);
  std::string out;
  for (size_t i = 0; i < field.choices.size(); ++i) {
    const bool last = i + 1 == field.choices.size();
    out += fmt::format("{}{}{}{}",
                       i == 0 ? ""
                       : last ? " or "
                              : ", ",
                       quote, field.choices[i], quote);
  }
  return out;
}

std::string field_yaml(const ConfigField& field, const FieldValue& value) {
  const std::string limits = allowed(field, "");
  std::string out =
      comment(limits.empty() ? field.doc : fmt::format("{} ({})", field.doc, limits), "  ");
  if (field.secret && !to_line(value).empty())
    return out + fmt::format("  # {}: *** is set; secrets are not printed\n", field.name);
  return out + fmt::format("  {}:{}\n", field.name, yaml_value(value, field.kind));
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string field_row(const ConfigField& field, const FieldValue& value) {
  const std::string limits = allowed(field, "`");
  const std::string type =
      field.kind == FieldKind::choice
          ? limits
          : fmt::format("{}{}{}", to_string(field.kind), limits.empty() ? "" : ", ", limits);
  const std::string text = to_line(value);
  const std::string shown = text.empty()   ? "none"
                            : field.secret ? "***"
                                           : fmt::format("`{}`", text);
  return fmt::format("| `{}` | {} | {} | {}{} |\n", field.name, cell(type), cell(shown),
                     cell(field.doc), field.secret ? " Secret: never printed or logged." : "");
}

}  // namespace

std::string config_yaml(const Config& config) {
  std::string out(kYamlHeader);
  for (const ConfigPart& part : config.parts()) {
    out += "\n" + comment(part.section->doc, "") + part.section->name + ":\n";
    for (const ConfigField& field : part.section->fields)
      out += field_yaml(field, field.show(part.value.get()));
  }
  return out;
}

std::string config_markdown(const ConfigSchema& schema) {
  std::string out(kMarkdownHeader);
  for (const ConfigSectionPtr& section : schema.sections()) {
    out += fmt::format(
        "\n## {}\n\n{}\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n",
        section->name, section->doc);
    for (const ConfigField& field : section->fields)
      out += field_row(field, field.show(section->defaults.get()));
  }
  return out;
}

}  // namespace weir::app
