// Weir live-streaming server. MIT licence, see LICENSE.

#include "app/config_yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <sstream>

namespace weir::app {
namespace {

constexpr size_t kMostErrors = 50;

// Tells where a document starts and drops the rest.
class DocumentStart final : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> at;

  void OnDocumentStart(const YAML::Mark& mark) override { at = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Where a second document, or stray text behind the first, begins. Not YAML::LoadAll: version 0.7
// never comes back from a text such as "," and takes ever more memory (jbeder/yaml-cpp#1319).
std::optional<YAML::Mark> second_document(std::string_view text) {
  std::istringstream in{std::string(text)};
  YAML::Parser parser(in);
  DocumentStart first, second;
  parser.HandleNextDocument(first);
  parser.HandleNextDocument(second);
  return second.at;
}

class YamlLoader {
 public:
  YamlLoader(std::string_view file_name, const ConfigSchema& schema, ConfigDraft& draft)
      : file_(file_name), schema_(schema), draft_(draft) {}

  std::vector<std::string> load(std::string_view text) {
    if (text.size() > kLargestConfig) {
      errors_.push_back(fmt::format("{}: larger than 1 MiB", file_));
      return std::move(errors_);
    }
    // yaml-cpp reports by throwing; nothing of it passes this function.
    try {
      if (const auto extra = second_document(text))
        error(*extra, "unexpected here: only one document is read");
      root(YAML::Load(std::string(text)));
    } catch (const YAML::Exception& e) {
      error(e.mark, e.msg);
    } catch (const std::exception& e) {
      errors_.push_back(fmt::format("{}: {}", file_, e.what()));
    }
    return std::move(errors_);
  }

 private:
  using Seen = std::map<std::string, int>;

  void error(const YAML::Mark& at, std::string_view what) {
    if (errors_.size() == kMostErrors) errors_.push_back(fmt::format("{}: and more", file_));
    if (errors_.size() > kMostErrors) return;
    if (at.is_null()) {
      errors_.push_back(fmt::format("{}: {}", file_, what));
    } else {
      errors_.push_back(fmt::format("{}:{}:{}: {}", file_, at.line + 1, at.column + 1, what));
    }
  }

  // yaml-cpp keeps both of two equal keys; the second is told to the user instead.
  bool usable_key(const YAML::Node& key, std::string_view inside, Seen& seen) {
    if (!key.IsScalar()) {
      error(key.Mark(), fmt::format("a key {} must be a plain name", inside));
      return false;
    }
    const auto [first, added] = seen.try_emplace(key.Scalar(), key.Mark().line + 1);
    if (added) return true;
    error(key.Mark(), fmt::format("key \"{}\" {} twice, first in line {}", key.Scalar(), inside,
                                  first->second));
    return false;
  }

  void root(const YAML::Node& node) {
    if (node.IsNull()) return;
    if (!node.IsMap()) return error(node.Mark(), "must be a map of sections");
    Seen seen;
    for (const auto& entry : node)
      if (usable_key(entry.first, "at the top", seen)) section(entry.first, entry.second);
  }

  void section(const YAML::Node& key, const YAML::Node& node) {
    const std::string& name = key.Scalar();
    if (!schema_.find(name)) {
      // The draft knows the names and words the message.
      if (const auto unknown = draft_.set(name, "", ""); !unknown)
        error(key.Mark(), unknown.error().what);
      return;
    }
    if (node.IsNull()) return;
    if (!node.IsMap()) return error(node.Mark(), fmt::format("\"{}\" must be a map of keys", name));
    Seen seen;
    const std::string inside = fmt::format("in \"{}\"", name);
    for (const auto& entry : node)
      if (usable_key(entry.first, inside, seen)) field(name, entry.first, entry.second);
  }

  void field(const std::string& section, const YAML::Node& key, const YAML::Node& node) {
    const std::string& name = key.Scalar();
    FieldValue value;
    const bool known = schema_.find(section)->find(name) != nullptr;
    if (known && !read(node, section + "." + name, value)) return;
    const auto done = draft_.set(section, name, value);
    if (done) return;
    if (!known) return error(key.Mark(), done.error().what);
    error(node.IsNull() ? key.Mark() : node.Mark(),
          fmt::format("{}.{} {}", section, name, done.error().what));
  }

  bool read(const YAML::Node& node, std::string_view name, FieldValue& out) {
    if (node.IsSequence()) {
      std::vector<std::string> list;
      for (const auto& item : node) {
        if (!item.IsScalar()) return not_single(item, name);
        list.push_back(item.Scalar());
      }
      out = std::move(list);
    } else if (node.IsMap()) {
      std::map<std::string, std::string> map;
      Seen seen;
      for (const auto& entry : node) {
        if (!usable_key(entry.first, fmt::format("in \"{}\"", name), seen)) return false;
        if (!entry.second.IsScalar()) return not_single(entry.second, name);
        map.emplace(entry.first.Scalar(), entry.second.Scalar());
      }
      out = std::move(map);
    } else {
      out = node.IsNull() ? std::string() : node.Scalar();
    }
    return true;
  }

  bool not_single(const YAML::Node& node, std::string_view name) {
    error(node.Mark(), fmt::format("{}: what is inside must be single values", name));
    return false;
  }

  std::string_view file_;
  const ConfigSchema& schema_;
  ConfigDraft& draft_;
  std::vector<std::string> errors_;
};

}  // namespace

std::vector<std::string> apply_yaml(std::string_view text, std::string_view file_name,
                                    const ConfigSchema& schema, ConfigDraft& draft) {
  return YamlLoader(file_name, schema, draft).load(text);
}

}  // namespace weir::app
