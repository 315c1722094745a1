// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/router.h"

#include <algorithm>

#include "base/check.h"

namespace weir::net::http {
namespace {

// The segments of a path as views, without allocating for the usual depth.
class Parts {
 public:
  explicit Parts(std::string_view path) {
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    if (path.ends_with('/')) path.remove_suffix(1);
    if (path.empty()) return;
    size_ = static_cast<size_t>(std::count(path.begin(), path.end(), '/')) + 1;
    if (size_ > kFew) more_.resize(size_);
    std::string_view* to = data();
    for (size_t i = 0; i < size_; ++i) {
      to[i] = path.substr(0, path.find('/'));
      path.remove_prefix(std::min(to[i].size() + 1, path.size()));
    }
  }
  size_t size() const { return size_; }
  std::string_view operator[](size_t i) { return data()[i]; }

 private:
  static constexpr size_t kFew = 8;
  std::string_view* data() { return size_ > kFew ? more_.data() : few_; }
  std::string_view few_[kFew];
  std::vector<std::string_view> more_;
  size_t size_ = 0;
};

// From the first to the last of two neighbouring views of one path, slashes between included.
std::string_view joined(std::string_view first, std::string_view last) {
  return {first.data(), static_cast<size_t>(last.data() + last.size() - first.data())};
}

std::unexpected<Error> bad(std::string_view route, std::string_view why) {
  return fail(Code::protocol, "route \"" + std::string(route) + "\": " + std::string(why));
}

}  // namespace

bool RouteTemplate::Segment::match(std::string_view part, std::vector<HeaderView>& params) const {
  if (kind == Kind::literal) return part == before;
  if (part.size() <= before.size() + after.size() || !part.starts_with(before) ||
      !part.ends_with(after))
    return false;
  params.push_back({name, part.substr(before.size(), part.size() - before.size() - after.size())});
  return true;
}

Result<RouteTemplate::Segment> RouteTemplate::parse_segment(std::string_view route,
                                                            std::string_view part) {
  Segment s{Segment::Kind::literal, std::string(part), {}, {}};
  const size_t open = part.find('{'), close = part.find('}');
  if (open == std::string_view::npos && close == std::string_view::npos) return s;
  const bool once = std::count(part.begin(), part.end(), '{') == 1 &&
                    std::count(part.begin(), part.end(), '}') == 1;
  if (!once || close < open + 2) return bad(route, "wants {name} at most once in a segment");
  s.before = part.substr(0, open);
  s.name = part.substr(open + 1, close - open - 1);
  s.after = part.substr(close + 1);
  const bool whole = s.before.empty() && s.after.empty();
  s.kind = whole ? Segment::Kind::param : Segment::Kind::around;
  if (!s.name.ends_with("...")) return s;
  s.name.resize(s.name.size() - 3);
  s.kind = Segment::Kind::rest;
  if (s.name.empty()) return bad(route, "has a parameter without a name");
  if (!whole) return bad(route, "{name...} must be a whole segment");
  return s;
}

Result<RouteTemplate> RouteTemplate::parse(std::string_view text) {
  RouteTemplate t;
  t.text_ = text;
  if (!text.starts_with('/')) return bad(text, "must begin with /");
  if (text.find("//") != std::string_view::npos) return bad(text, "has an empty segment");
  Parts parts(text);
  for (size_t i = 0; i < parts.size(); ++i) {
    TRY(Segment s, parse_segment(text, parts[i]));
    if (s.kind == Segment::Kind::rest) {
      if (t.rest_at_ != SIZE_MAX) return bad(text, "has {name...} more than once");
      t.rest_at_ = i;
    }
    if (t.has_param(s.name)) return bad(text, "names {" + s.name + "} twice");
    t.segments_.push_back(std::move(s));
  }
  t.set_order();
  return t;
}

// Ranks from the left up to {name...}, then from the right: what the header promises, as a text to
// compare.
void RouteTemplate::set_order() {
  const auto rank = [](const Segment& s) {
    return static_cast<char>('0' + static_cast<int>(s.kind));
  };
  const size_t left = std::min(rest_at_, segments_.size());
  for (size_t i = 0; i < left; ++i) order_.push_back(rank(segments_[i]));
  if (rest_at_ != SIZE_MAX) {
    order_.push_back(rank(segments_[left]));
    for (size_t i = segments_.size(); i-- > left + 1;) order_.push_back(rank(segments_[i]));
  }
  order_.push_back('~');  // of two that agree so far the longer one comes first
}

bool RouteTemplate::has_param(std::string_view name) const {
  return std::any_of(segments_.begin(), segments_.end(), [&](const Segment& s) {
    return s.kind != Segment::Kind::literal && s.name == name;
  });
}

bool RouteTemplate::match(std::string_view path, std::vector<HeaderView>& params) const {
  // The cheap refusal first: most templates differ from most paths in a literal at either end.
  if (!segments_.empty()) {
    const Segment& last = segments_.back();
    std::string_view tail = path;
    if (tail.ends_with('/')) tail.remove_suffix(1);
    if (last.kind == Segment::Kind::literal && !tail.ends_with(last.before)) return false;
    if (last.kind == Segment::Kind::around && !tail.ends_with(last.after)) return false;
  }
  Parts parts(path);
  const size_t mine = segments_.size(), theirs = parts.size(), before = params.size();
  const bool rest = rest_at_ != SIZE_MAX;
  if (rest ? theirs < mine : theirs != mine) return false;
  const size_t left = std::min(rest_at_, mine), skew = theirs - mine;
  bool ok = true;
  for (size_t i = 0; ok && i < mine; ++i) {
    if (i < left) {
      ok = segments_[i].match(parts[i], params);
    } else if (i == left && rest) {
      params.push_back({segments_[i].name, joined(parts[i], parts[i + skew])});
    } else {
      ok = segments_[i].match(parts[i + skew], params);
    }
  }
  if (!ok) params.resize(before);
  return ok;
}

std::string RouteTemplate::fill(const std::vector<HeaderView>& params) const {
  std::string out;
  for (const auto& s : segments_) {
    out.append("/").append(s.before);
    if (s.kind == Segment::Kind::literal) continue;
    for (const auto& p : params)
      if (p.name == s.name) out.append(p.value);
    out.append(s.after);
  }
  return out.empty() ? "/" : out;
}

void Router::insert(Method method, std::string_view route, Handler handler) {
  auto pattern = RouteTemplate::parse(route);
  CHECK(pattern, "a route's template parses");
  CHECK(method != Method::other && method != Method::head, "a method of its own");
  auto at = std::find_if(routes_.begin(), routes_.end(),
                         [&](const Route& r) { return r.pattern.text() == route; });
  if (at == routes_.end()) {
    at = std::upper_bound(
        routes_.begin(), routes_.end(), pattern->order(),
        [](const std::string& o, const Route& r) { return o < r.pattern.order(); });
    at = routes_.insert(at, Route{std::move(*pattern), {}});
  }
  Handler& place = at->handlers[static_cast<size_t>(method)];
  CHECK(!place, "one handler for a template and method");
  place = std::move(handler);
}

Result<> Router::add_alias(std::string_view route, std::string_view target) {
  TRY(RouteTemplate from, RouteTemplate::parse(route));
  TRY(RouteTemplate to, RouteTemplate::parse(target));
  for (const auto& s : to.segments_)
    if (s.kind != RouteTemplate::Segment::Kind::literal && !from.has_param(s.name))
      return bad(target, "{" + s.name + "} is not in \"" + std::string(route) + "\"");
  const auto at =
      std::upper_bound(aliases_.begin(), aliases_.end(), from.order(),
                       [](const std::string& o, const Alias& a) { return o < a.from.order(); });
  aliases_.insert(at, Alias{std::move(from), std::move(to)});
  return {};
}

std::string_view Router::rewrite(std::string_view path, std::string& storage) const {
  std::vector<HeaderView> params;
  for (const auto& alias : aliases_) {
    if (!alias.from.match(path, params)) continue;
    // The parameters may view `storage` itself.
    std::string filled = alias.to.fill(params);
    storage = std::move(filled);
    return storage;
  }
  return path;
}

Router::Match Router::find(Request& request) const {
  const Method method = request.method == Method::head ? Method::get : request.method;
  request.params.clear();
  const std::string* decided = nullptr;  // the order of the first template that matched the path
  for (const auto& route : routes_) {
    // A less exact template does not answer for a path that a more exact one claimed.
    if (decided && route.pattern.order() != *decided) break;
    if (!route.pattern.match(request.path, request.params)) continue;
    if (method != Method::other) {
      const Handler& h = route.handlers[static_cast<size_t>(method)];
      if (h) return {&h, {}};
    }
    decided = &route.pattern.order();
    request.params.clear();
  }
  if (!decided) return {};
  return {nullptr, methods(request.path)};
}

std::vector<Method> Router::methods(std::string_view path) const {
  std::vector<Method> out;
  std::vector<HeaderView> ignored;
  const std::string* decided = nullptr;
  for (const auto& route : routes_) {
    if (decided && route.pattern.order() != *decided) break;
    if (!route.pattern.match(path, ignored)) continue;
    decided = &route.pattern.order();
    for (size_t m = 0; m < kMethods; ++m) {
      if (!route.handlers[m]) continue;
      out.push_back(static_cast<Method>(m));
      if (out.back() == Method::get) out.push_back(Method::head);
    }
  }
  if (decided && std::find(out.begin(), out.end(), Method::options) == out.end())
    out.push_back(Method::options);
  return out;
}

}  // namespace weir::net::http
