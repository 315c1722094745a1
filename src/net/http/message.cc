// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/message.h"

#include <algorithm>

#include "net/http/target.h"

namespace weir::net::http {
namespace {

constexpr std::string_view kMethodNames[] = {"GET",   "HEAD",   "POST",    "PUT",
                                             "PATCH", "DELETE", "OPTIONS", "OTHER"};

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
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

}  // namespace weir::net::http
