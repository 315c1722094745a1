// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "base/time.h"

namespace weir {
namespace {

// Read by every core, changed by a reload while they run.
std::atomic<LogFormat> line_format{LogFormat::text};
std::atomic<Level> lowest_level{Level::info};

struct Sink {
  std::shared_ptr<spdlog::logger> out;
};

Sink& sink() {
  static Sink s = [] {
    Sink fresh;
    fresh.out =
        std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    fresh.out->set_pattern("%v");
    fresh.out->set_level(spdlog::level::trace);
    fresh.out->flush_on(spdlog::level::trace);
    return fresh;
  }();
  return s;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
  }
  return "?";
}

// A peer may put anything into a stream name or user agent: one fact stays one line.
void append_escaped(std::string& out, std::string_view in, bool json) {
  for (const char c : in) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7f) {
      out += fmt::format("\\u{:04x}", u);
    } else {
      if (json && (c == '"' || c == '\\')) out += '\\';
      out += c;
    }
  }
}

std::string render(Level level, std::string_view context, std::string_view message, LogFormat f) {
  const auto time = format_utc(SystemClock{}.wall());
  std::string out;
  if (f == LogFormat::json) {
    out = fmt::format(R"({{"level":"{}","time":"{}","context":")", name(level), time);
    append_escaped(out, context, true);
    out += R"(","message":")";
    append_escaped(out, message, true);
    out += "\"}";
    return out;
  }
  out = fmt::format("{:<5} {} ", name(level), time);
  if (!context.empty()) {
    out += '[';
    append_escaped(out, context, false);
    out += "] ";
  }
  append_escaped(out, message, false);
  return out;
}

}  // namespace

void configure_logging(Level lowest, LogFormat format) {
  lowest_level.store(lowest, std::memory_order_relaxed);
  line_format.store(format, std::memory_order_relaxed);
}

bool log_enabled(Level level) { return level >= lowest_level.load(std::memory_order_relaxed); }

void log_line(Level level, std::string_view context, std::string_view message) {
  const LogFormat format = line_format.load(std::memory_order_relaxed);
  sink().out->info(render(level, context, message, format));
}

std::string redact_query(std::string_view in) {
  const auto query = in.find('?');
  if (query == std::string_view::npos) return std::string(in);
  std::string out(in.substr(0, query + 1));
  bool value = false;
  for (const char c : in.substr(query + 1)) {
    if (c == '&') value = false;
    if (!value) out += c;
    if (c == '=' && !value) {
      value = true;
      out += "***";
    }
  }
  return out;
}

}  // namespace weir
