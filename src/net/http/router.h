// Weir live-streaming server. MIT licence, see LICENSE.

// Router: which handler answers a path. Filled by the modules before the server starts, immutable
// afterwards and shared by all cores; a handler runs on the core of its connection, so several may
// run at once and what they touch must be immutable or belong to Core::here().
//
// Templates: "/{app...}/{stream}/index.m3u8". A segment is literal, or {name} with literal text
// before and behind ("{stream}.flv", "seg-{n}.ts"), or once per template {name...}: one or more
// whole segments (apps may hold slashes). Literal beats {name} with text around, that beats {name},
// that beats {name...}, first from the left up to {name...}, then from the right. Trailing slashes
// do not matter.
//
// Aliases: "/hls/{stream}.m3u8" -> "/live/{stream}/index.m3u8" rewrite the path before the routes
// are asked; they are the operator's and win over routes, once (no chains).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "net/http/message.h"

namespace weir::net::http {

// Answers without waiting: no coroutine is made.
using SyncHandler = std::move_only_function<Response(Request&) const>;
// May wait. The Request stays until the task is done.
using AsyncHandler = std::move_only_function<Task<Response>(Request&) const>;

struct Handler {
  SyncHandler sync;
  AsyncHandler async;
  explicit operator bool() const { return sync || async; }
};

// A parsed template. Pure.
class RouteTemplate {
 public:
  static Result<RouteTemplate> parse(std::string_view);
  // Appends what the names matched; `params` is as before when it does not match.
  bool match(std::string_view path, std::vector<HeaderView>& params) const;
  // The path with each {name} replaced; a name that is missing gives "".
  std::string fill(const std::vector<HeaderView>& params) const;
  const std::string& text() const { return text_; }
  bool has_param(std::string_view name) const;
  // Sorts the more exact first.
  const std::string& order() const { return order_; }

 private:
  friend class Router;
  struct Segment {
    enum class Kind : uint8_t { literal, around, param, rest } kind;
    std::string before, name, after;  // a literal's text is `before`
    bool match(std::string_view part, std::vector<HeaderView>& params) const;
  };
  static Result<Segment> parse_segment(std::string_view route, std::string_view part);
  void set_order();

  std::string text_, order_;
  std::vector<Segment> segments_;
  size_t rest_at_ = SIZE_MAX;  // index of {name...}
};

class Router {
 public:
  // A template that does not parse, or a second handler for one template and method, is a CHECK.
  // HEAD is answered by the GET handler; OPTIONS by the server unless there is a handler.
  template <class H>
  void add(Method method, std::string_view route, H handler) {
    using R = std::invoke_result_t<const H&, Request&>;
    if constexpr (std::is_same_v<R, Task<Response>>) {
      insert(method, route, {.sync = {}, .async = std::move(handler)});
    } else {
      static_assert(std::is_convertible_v<R, Response>,
                    "a handler gives a Response or a Task of one");
      insert(method, route, {.sync = std::move(handler), .async = {}});
    }
  }
  template <class H>
  void get(std::string_view route, H handler) {
    add(Method::get, route, std::move(handler));
  }
  template <class H>
  void post(std::string_view route, H handler) {
    add(Method::post, route, std::move(handler));
  }

  // From configuration. Code::protocol says what is wrong with the texts.
  Result<> add_alias(std::string_view route, std::string_view target);

  struct Match {
    const Handler* handler = nullptr;  // null: 404 when `allow` is empty, else 405
    std::vector<Method> allow;         // only filled when there is no handler
  };
  // Path after aliases; when one matched, it is put into `storage` and viewed.
  std::string_view rewrite(std::string_view path, std::string& storage) const;
  // Fills request.params, which view request.path.
  Match find(Request& request) const;
  // Every method the path answers, for Allow and preflights; empty: no such path.
  std::vector<Method> methods(std::string_view path) const;

 private:
  static constexpr size_t kMethods = static_cast<size_t>(Method::other);
  struct Route {
    RouteTemplate pattern;
    Handler handlers[kMethods];
  };
  struct Alias {
    RouteTemplate from, to;
  };
  void insert(Method, std::string_view route, Handler);
  std::vector<Route> routes_;  // in order of match
  std::vector<Alias> aliases_;
};

}  // namespace weir::net::http
