// Weir live-streaming server. MIT licence, see LICENSE.

// Content: what a URL gives: bytes, their type, validator and cache rule, and optionally the same
// bytes gzipped. Made once per version of a playlist, segment or page, immutable afterwards and
// shared by every request on every core; its header lines are rendered when it is made, so that
// answering with it costs two copies of a short text and no copy of the bytes. Leaves out what
// depends on the request: ranges, conditions, choice of coding (response_writer.h). RFC 9110 8.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace weir::net::http {

// Cache-Control values. A playlist: kNoCache. A segment whose name is never reused: kImmutable.
inline constexpr std::string_view kNoCache = "no-cache";
inline constexpr std::string_view kNoStore = "no-store";
inline constexpr std::string_view kImmutable = "public, max-age=31536000, immutable";
// "public, max-age=SECONDS"
std::string cache_for(int seconds);

struct ContentOptions {
  std::string_view cache_control = kNoCache;  // empty: no such line
  std::string_view etag = {};                 // without quotes; empty: made from the bytes
  Bytes gzip = {};                            // the same bytes, gzipped (gzip.h); empty: none
};

class Content {
 public:
  Content(std::string_view type, std::vector<Bytes> body, const ContentOptions&);

  const std::string& type() const { return type_; }
  const std::vector<Bytes>& body() const { return body_; }
  uint64_t size() const { return size_; }
  const Bytes& gzip() const { return gzip_; }
  // With quotes. The gzipped form has its own, since a strong validator is for exact bytes.
  const std::string& etag() const { return etag_; }
  const std::string& gzip_etag() const { return gzip_etag_; }

  // Header lines, each with its CRLF. `common`: type, cache rule, Vary, Accept-Ranges; what a 206
  // or 304 also needs is in there. `full` adds ETag and Content-Length of the plain or of the
  // gzipped form.
  const std::string& common_lines() const { return common_; }
  const std::string& full_lines() const { return full_; }
  const std::string& gzip_lines() const { return gzip_full_; }

 private:
  std::string type_;
  std::vector<Bytes> body_;
  uint64_t size_ = 0;
  Bytes gzip_;
  std::string etag_, gzip_etag_, common_, full_, gzip_full_;
};

using ContentPtr = std::shared_ptr<const Content>;

ContentPtr make_content(std::string_view type, Bytes body, const ContentOptions& = {});
ContentPtr make_content(std::string_view type, std::vector<Bytes> body, const ContentOptions& = {});

}  // namespace weir::net::http
