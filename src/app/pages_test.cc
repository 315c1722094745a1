// Weir live-streaming server. MIT licence, see LICENSE.
#include "app/pages.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <set>
#include <string>

namespace weir::app {
namespace {

std::string text(ByteSpan bytes) { return {bytes.begin(), bytes.end()}; }

const Page* find(std::string_view path) {
  auto at = std::ranges::find(pages(), path, &Page::path);
  return at == pages().end() ? nullptr : &*at;
}

std::string unpack(ByteSpan in, size_t size) {
  std::string out(size + 1, '\0');
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
  z.next_in = const_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

TEST(Pages, IndexIsThereAndIsHtml) {
  const Page* index = find("/index.html");
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(index->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(text(index->plain).find("<!doctype html>"), 0u);
}

TEST(Pages, IndexNamesOnlyFilesThatAreThere) {
  const std::string html = text(find("/index.html")->plain);
  int named = 0;
  for (size_t at = html.find("\"/assets/"); at != std::string::npos;
       at = html.find("\"/assets/", at + 1)) {
    const std::string path = html.substr(at + 1, html.find('"', at + 1) - at - 1);
    EXPECT_NE(find(path), nullptr) << path;
    ++named;
  }
  EXPECT_GE(named, 2);  // the script and the style sheet
}

// A policy of script-src 'self' and style-src 'self' must not break the page.
TEST(Pages, IndexHasNothingInline) {
  const std::string html = text(find("/index.html")->plain);
  EXPECT_EQ(html.find("<style"), std::string::npos);
  EXPECT_EQ(html.find(" style="), std::string::npos);
  EXPECT_EQ(html.find(" onload="), std::string::npos);
  for (size_t at = html.find("<script"); at != std::string::npos;
       at = html.find("<script", at + 1)) {
    EXPECT_NE(html.substr(at, html.find('>', at) - at).find(" src="), std::string::npos);
  }
}

TEST(Pages, PackedBytesUnpackToThePlainOnes) {
  int packed = 0;
  for (const Page& page : pages()) {
    EXPECT_FALSE(page.plain.empty()) << page.path;
    if (page.gzip.empty()) continue;
    EXPECT_LT(page.gzip.size(), page.plain.size()) << page.path;
    EXPECT_EQ(unpack(page.gzip, page.plain.size()), text(page.plain)) << page.path;
    ++packed;
  }
  EXPECT_GE(packed, 3);
}

TEST(Pages, TagsAreQuotedAndDiffer) {
  std::set<std::string_view> tags;
  for (const Page& page : pages()) {
    EXPECT_GE(page.etag.size(), 18u);
    EXPECT_EQ(page.etag.front(), '"');
    EXPECT_EQ(page.etag.back(), '"');
    EXPECT_TRUE(tags.insert(page.etag).second) << page.path;
  }
}

TEST(Pages, SortedByPath) { EXPECT_TRUE(std::ranges::is_sorted(pages(), {}, &Page::path)); }

// The first page without the players, fonts included: what a phone loads before it shows a list.
TEST(Pages, FirstPageIsSmall) {
  size_t bytes = 0;
  for (const Page& page : pages()) {
    const bool player = page.path.find("/engine_") != std::string_view::npos ||
                        page.path.find("/hls.worker") != std::string_view::npos;
    if (!player) bytes += page.gzip.empty() ? page.plain.size() : page.gzip.size();
  }
  EXPECT_LT(bytes, 150u * 1024);
}

}  // namespace
}  // namespace weir::app
