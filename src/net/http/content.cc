// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/content.h"

#include <functional>

namespace weir::net::http {
namespace {

// Not cryptographic: it tells versions of one URL apart. The size is in it too.
std::string digest(const std::vector<Bytes>& body, uint64_t size) {
  uint64_t h = 0;
  for (const auto& piece : body)
    h = h * 0x9e3779b97f4a7c15 + std::hash<std::string_view>{}(piece.text());
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[h >> shift & 15]);
  return out + "-" + std::to_string(size);
}

void add_line(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string cache_for(int seconds) { return "public, max-age=" + std::to_string(seconds); }

Content::Content(std::string_view type, std::vector<Bytes> body, const ContentOptions& options)
    : type_(type), body_(std::move(body)), gzip_(options.gzip) {
  for (const auto& piece : body_) size_ += piece.size();
  const std::string tag = options.etag.empty() ? digest(body_, size_) : std::string(options.etag);
  etag_ = "\"" + tag + "\"";
  gzip_etag_ = "\"" + tag + "-gzip\"";
  if (!type_.empty()) add_line(common_, "Content-Type", type_);
  if (!options.cache_control.empty()) add_line(common_, "Cache-Control", options.cache_control);
  if (!gzip_.empty()) add_line(common_, "Vary", "Accept-Encoding");
  full_ = common_;
  add_line(full_, "ETag", etag_);
  add_line(full_, "Accept-Ranges", "bytes");
  add_line(full_, "Content-Length", std::to_string(size_));
  if (gzip_.empty()) return;
  gzip_full_ = common_;
  add_line(gzip_full_, "ETag", gzip_etag_);
  add_line(gzip_full_, "Content-Encoding", "gzip");
  add_line(gzip_full_, "Content-Length", std::to_string(gzip_.size()));
}

ContentPtr make_content(std::string_view type, Bytes body, const ContentOptions& options) {
  std::vector<Bytes> pieces;
  if (!body.empty()) pieces.push_back(std::move(body));
  return std::make_shared<Content>(type, std::move(pieces), options);
}

ContentPtr make_content(std::string_view type, std::vector<Bytes> body,
                        const ContentOptions& options) {
  return std::make_shared<Content>(type, std::move(body), options);
}

}  // namespace weir::net::http
