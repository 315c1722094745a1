// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/response_writer.h"

#include <ctime>

#include <algorithm>

#include "net/http/negotiate.h"

namespace weir::net::http {
namespace {

constexpr std::string_view kOkLine = "HTTP/1.1 200 OK\r\n";
// What scripts may read besides the safelisted ones.
constexpr std::string_view kExposed =
    "Access-Control-Expose-Headers: Content-Length, Content-Range, Date, ETag, Link, Location\r\n";
// Fetch 3.2.3: Authorization is never covered by a wildcard, so all are named.
constexpr std::string_view kAllowedHeaders =
    "Authorization, Content-Type, If-Match, If-None-Match, If-Range, Range, X-Requested-With";
constexpr std::string_view kPreflightAge = "86400";

// RFC 9110 6.4.1 and 8.6: these have no body and no length.
bool is_bodiless(int status) { return status < 200 || status == 204 || status == 304; }

void add_line(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ").append(value).append("\r\n");
}

void add_status(std::string& text, int status) {
  text.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  text.append(reason_phrase(status)).append("\r\n");
}

// Rare enough that the text may move. Before a body is added: what is in front of it stays as it
// is.
void set_status(int status, size_t begin, std::string& text) {
  if (status == 200) return;
  std::string line;
  add_status(line, status);
  text.replace(begin, kOkLine.size(), line);
}

// RFC 9110 13.1.5: a range is for the very bytes named; a date never matches, for we give none.
bool range_still_valid(const Request& request, const Content& content) {
  const std::string_view condition = request.header("If-Range");
  return condition.empty() || condition == content.etag();
}

}  // namespace

std::string join_methods(const std::vector<Method>& methods) {
  std::string out;
  for (const Method m : methods) out.append(out.empty() ? "" : ", ").append(to_string(m));
  return out;
}

std::string http_date(WallTime t) {
  static constexpr char kDays[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr char kMonths[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t s = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(t));
  tm utc{};
  gmtime_r(&s, &utc);
  char tail[64];
  const size_t n = strftime(tail, sizeof tail, " %Y %H:%M:%S GMT", &utc);
  std::string out = kDays[utc.tm_wday];
  out += ", ";
  out += static_cast<char>('0' + utc.tm_mday / 10);
  out += static_cast<char>('0' + utc.tm_mday % 10);
  return out.append(" ").append(kMonths[utc.tm_mon]).append(tail, n);
}

std::string chunk_head(size_t size) {
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) {
    const auto digit = static_cast<size_t>(size >> shift & 15);
    if (digit != 0 || !out.empty() || shift == 0) out.push_back("0123456789abcdef"[digit]);
  }
  return out += "\r\n";
}

ResponseWriter::ResponseWriter(std::vector<std::string> cors_origins)
    : origins_(std::move(cors_origins)) {
  any_origin_ = std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
}

const std::string& ResponseWriter::common(WallTime now) {
  const int64_t second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  if (second == second_) return common_;
  second_ = second;
  common_ = kOkLine;
  add_line(common_, "Server", "weir");
  add_line(common_, "Date", http_date(now));
  if (any_origin_) common_.append("Access-Control-Allow-Origin: *\r\n").append(kExposed);
  return common_;
}

void ResponseWriter::add_cors(const Request& request, std::string& text) const {
  if (any_origin_ || origins_.empty()) return;
  add_line(text, "Vary", "Origin");
  const std::string_view origin = request.header("Origin");
  if (origin.empty() || std::find(origins_.begin(), origins_.end(), origin) == origins_.end())
    return;
  add_line(text, "Access-Control-Allow-Origin", origin);
  text.append(kExposed);
}

Follows ResponseWriter::write(const Request& request, Response& response, bool keep_alive,
                              WallTime now, Output& out) {
  std::string& text = out.text();
  const bool head = request.method == Method::head;
  const size_t begin = text.size();
  text.append(common(now));
  add_cors(request, text);
  Follows follows = Follows::nothing;
  if (response.takeover) {
    follows = head ? Follows::nothing : Follows::takeover;
  } else if (response.source) {
    const bool chunked = request.version >= 11;
    if (chunked && !head) text.append("Transfer-Encoding: chunked\r\n");
    if (!head) follows = chunked ? Follows::source : Follows::raw;
  }
  const bool until_close = follows == Follows::takeover || follows == Follows::raw;
  if (response.status != 101) {
    if (!keep_alive || until_close)
      text.append("Connection: close\r\n");
    else if (request.version < 11)
      text.append("Connection: keep-alive\r\n");
  }
  for (const auto& h : response.headers) add_line(text, h.name, h.value);
  if (response.takeover || response.source) {
    text.append("\r\n");
    set_status(response.status, begin, text);
  } else {
    write_content(request, response, begin, text, out);
  }
  return follows;
}

// Everything from the content's own lines on. May change the status.
void ResponseWriter::write_content(const Request& request, Response& response, size_t begin,
                                   std::string& text, Output& out) {
  ContentPtr content = std::move(response.content);
  const bool get = request.method == Method::get, head = request.method == Method::head;
  if (!content || is_bodiless(response.status)) {
    if (content) text.append(content->common_lines());
    if (!is_bodiless(response.status)) text.append("Content-Length: 0\r\n");
    text.append("\r\n");
    set_status(response.status, begin, text);
    return;
  }
  const bool selectable = response.status == 200 && (get || head);
  const std::string_view range_header =
      selectable && get ? request.header("Range") : std::string_view{};
  const bool gzip = !content->gzip().empty() && range_header.empty() &&
                    accepts_gzip(request.header("Accept-Encoding"));
  if (selectable) {
    const std::string_view known = request.header("If-None-Match");
    if (!known.empty() &&
        (etag_listed(known, content->etag()) || etag_listed(known, content->gzip_etag()))) {
      response.status = 304;
      text.append(content->common_lines());
      add_line(text, "ETag", gzip ? content->gzip_etag() : content->etag());
      text.append("\r\n");
      set_status(response.status, begin, text);
      return;
    }
    if (!range_header.empty() && range_still_valid(request, *content)) {
      const Range range = parse_range(range_header, content->size());
      if (range.kind == Range::Kind::unsatisfiable) {
        response.status = 416;
        add_line(text, "Content-Range", "bytes */" + std::to_string(content->size()));
        text.append("Content-Length: 0\r\n\r\n");
        set_status(response.status, begin, text);
        return;
      }
      if (range.kind == Range::Kind::part) {
        response.status = 206;
        set_status(response.status, begin, text);
        return write_range(std::move(content), range, text, out);
      }
    }
  }
  if (response.status == 200) {
    text.append(gzip ? content->gzip_lines() : content->full_lines());
  } else {
    text.append(content->common_lines());
    if (gzip) text.append("Content-Encoding: gzip\r\n");
    add_line(text, "Content-Length",
             std::to_string(gzip ? content->gzip().size() : content->size()));
  }
  text.append("\r\n");
  set_status(response.status, begin, text);
  if (head) return;
  gzip ? out.gzip_body(std::move(content)) : out.body(std::move(content));
}

void ResponseWriter::write_range(ContentPtr content, const Range& range, std::string& text,
                                 Output& out) {
  text.append(content->common_lines());
  add_line(text, "ETag", content->etag());
  add_line(text, "Accept-Ranges", "bytes");
  add_line(text, "Content-Range",
           "bytes " + std::to_string(range.first) + "-" +
               std::to_string(range.first + range.count - 1) + "/" +
               std::to_string(content->size()));
  add_line(text, "Content-Length", std::to_string(range.count));
  text.append("\r\n");
  out.body_part(std::move(content), range.first, range.count);
}

Response ResponseWriter::options(const Request& request, const std::vector<Method>& allow) const {
  if (allow.empty()) return Response::error(404, "nothing is served at this path");
  Response r(204);
  r.headers.push_back({"Allow", join_methods(allow)});
  if (request.header("Access-Control-Request-Method").empty() || origins_.empty()) return r;
  r.headers.push_back({"Access-Control-Allow-Methods", join_methods(allow)});
  r.headers.push_back({"Access-Control-Allow-Headers", std::string(kAllowedHeaders)});
  r.headers.push_back({"Access-Control-Max-Age", std::string(kPreflightAge)});
  return r;
}

}  // namespace weir::net::http
