// Weir live-streaming server. MIT licence, see LICENSE.

// Logging: one line per fact, `level time [context] message key=value`, as text or JSON. A Logger
// is a value with a context prefix ("rtmp 10.0.0.1:53122 live/foo"), set once per session and
// inherited with with(). Any core may log; nothing on the packet path does: it bumps counters.
// Secrets never come here: pass names through redact_query() first.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace weir {

enum class Level { debug, info, warn, error };
enum class LogFormat { text, json };

// Process-wide; set by main at start, and again while cores log when a reload changes it.
void configure_logging(Level lowest, LogFormat format);
bool log_enabled(Level);
void log_line(Level, std::string_view context, std::string_view message);

// "name?key=secret&x=1" -> "name?key=***&x=***": for anything a peer named that may carry a query.
std::string redact_query(std::string_view);

class Logger {
 public:
  explicit Logger(std::string context = {}) : context_(std::move(context)) {}
  // A logger whose context is this one's plus `more`.
  Logger with(std::string_view more) const {
    return Logger(context_.empty() ? std::string(more) : context_ + " " + std::string(more));
  }
  const std::string& context() const { return context_; }

  template <class... A>
  void debug(fmt::format_string<A...> f, A&&... a) const {
    put(Level::debug, f, std::forward<A>(a)...);
  }
  template <class... A>
  void info(fmt::format_string<A...> f, A&&... a) const {
    put(Level::info, f, std::forward<A>(a)...);
  }
  template <class... A>
  void warn(fmt::format_string<A...> f, A&&... a) const {
    put(Level::warn, f, std::forward<A>(a)...);
  }
  template <class... A>
  void error(fmt::format_string<A...> f, A&&... a) const {
    put(Level::error, f, std::forward<A>(a)...);
  }

 private:
  template <class... A>
  void put(Level level, fmt::format_string<A...> f, A&&... a) const {
    if (log_enabled(level)) log_line(level, context_, fmt::format(f, std::forward<A>(a)...));
  }
  std::string context_;
};

}  // namespace weir
