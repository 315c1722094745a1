// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/message.h"

#include <algorithm>

#include "net/http/target.h"

namespace weir::net::http {
namespace {

constexpr std::string_view kMethodNames[] = {"GET",   "HEAD",   "POST",    "PUT",
                                             "PATCH", "DELETE", "OPTIONS", "OTHER"};

struct Phrase {
  int status;
  std::string_view text;
};

constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

std::string_view to_string(Method m) { return kMethodNames[static_cast<size_t>(m)]; }

Method method_from(std::string_view name) {
  const auto* end = std::end(kMethodNames) - 1;
  return static_cast<Method>(std::find(std::begin(kMethodNames), end, name) -
                             std::begin(kMethodNames));
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& h : headers)
    if (equal_ignoring_case(h.name, name)) return h.value;
  return {};
}

bool Request::header_has(std::string_view name, std::string_view token) const {
  for (const auto& h : headers) {
    if (!equal_ignoring_case(h.name, name)) continue;
    for (std::string_view rest = h.value; !rest.empty();) {
      const std::string_view item = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(item.size() + 1, rest.size()));
      if (equal_ignoring_case(trim(item), token)) return true;
    }
  }
  return false;
}

std::optional<std::string> Request::query_param(std::string_view name) const {
  return find_query_param(query, name);
}

std::string_view Request::param(std::string_view name) const {
  for (const auto& p : params)
    if (p.name == name) return p.value;
  return {};
}

Response Response::text(int status, std::string_view type, std::string body,
                        std::string_view cache_control) {
  Response r(status);
  r.content = make_content(type, Bytes::take(std::move(body)), {.cache_control = cache_control});
  return r;
}

Response Response::error(int status, std::string_view why) {
  std::string line = std::to_string(status) + " " + std::string(reason_phrase(status));
  if (!why.empty()) line += ": " + std::string(why);
  return text(status, "text/plain; charset=utf-8", line + "\n");
}

Response Response::redirect(std::string location, int status) {
  Response r = error(status, location);
  r.headers.push_back({"Location", std::move(location)});
  return r;
}

Response Response::stream(std::string type, std::unique_ptr<BodySource> source) {
  Response r;
  r.headers.push_back({"Content-Type", std::move(type)});
  r.headers.push_back({"Cache-Control", std::string(kNoStore)});
  r.source = std::move(source);
  return r;
}

Response Response::take_over(std::string type, Takeover takeover) {
  Response r;
  r.headers.push_back({"Content-Type", std::move(type)});
  r.headers.push_back({"Cache-Control", std::string(kNoStore)});
  r.takeover = std::move(takeover);
  return r;
}

std::string_view reason_phrase(int status) {
  for (const auto& p : kPhrases)
    if (p.status == status) return p.text;
  return "Unknown";
}

}  // namespace weir::net::http
