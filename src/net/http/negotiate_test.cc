// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/negotiate.h"

#include <gtest/gtest.h>

namespace weir::net::http {
namespace {

TEST(Gzip, AcceptedWhenAsked) {
  for (const char* yes : {"gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8", "GZIP", "*",
                          "x-gzip", "deflate , gzip ; q=0.001", "gzip;q=1"})
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  for (const char* no : {"", "identity", "br, deflate", "gzip;q=0", "gzip; q=0.000, *", "*;q=0",
                         "gzippy", ";q=1", ","})
    EXPECT_FALSE(accepts_gzip(no)) << no;
}

TEST(Etag, Lists) {
  EXPECT_TRUE(etag_listed("\"a\"", "\"a\""));
  EXPECT_TRUE(etag_listed("\"b\", W/\"a\"", "\"a\""));
  EXPECT_TRUE(etag_listed("\"a,b\", \"c\"", "\"c\""));
  EXPECT_TRUE(etag_listed(" * ", "\"a\""));
  EXPECT_FALSE(etag_listed("\"ab\"", "\"a\""));
  EXPECT_FALSE(etag_listed("a", "\"a\""));
  EXPECT_FALSE(etag_listed("\"a", "\"a\""));
  EXPECT_FALSE(etag_listed("", "\"a\""));
}

TEST(Range, Table) {
  using K = Range::Kind;
  struct Row {
    const char* header;
    uint64_t size;
    K kind;
    uint64_t first, count;
  };
  for (const Row& r : {
           Row{"bytes=0-0", 10, K::part, 0, 1},
           Row{"bytes=0-", 10, K::part, 0, 10},
           Row{"bytes=3-5", 10, K::part, 3, 3},
           Row{"bytes=3-500", 10, K::part, 3, 7},
           Row{"bytes=9-9", 10, K::part, 9, 1},
           Row{"bytes=-3", 10, K::part, 7, 3},
           Row{"bytes=-30", 10, K::part, 0, 10},
           Row{"Bytes=1-2", 10, K::part, 1, 2},
           Row{"bytes= 1-2 ", 10, K::part, 1, 2},
           Row{"bytes=0-18446744073709551615", 10, K::part, 0, 10},
           Row{"bytes=0-99999999999999999999999", 10, K::part, 0, 10},
           Row{"bytes=10-", 10, K::unsatisfiable, 0, 0},
           Row{"bytes=99999999999999999999999-", 10, K::unsatisfiable, 0, 0},
           Row{"bytes=-0", 10, K::unsatisfiable, 0, 0},
           Row{"bytes=0-", 0, K::unsatisfiable, 0, 0},
           Row{"bytes=-1", 0, K::unsatisfiable, 0, 0},
           Row{"bytes=5-3", 10, K::none, 0, 0},
           Row{"bytes=0-1,3-4", 10, K::none, 0, 0},
           Row{"bytes=", 10, K::none, 0, 0},
           Row{"bytes=-", 10, K::none, 0, 0},
           Row{"bytes=a-b", 10, K::none, 0, 0},
           Row{"bytes=1-b", 10, K::none, 0, 0},
           Row{"bytes=--1", 10, K::none, 0, 0},
           Row{"bytes=+1-2", 10, K::none, 0, 0},
           Row{"items=0-1", 10, K::none, 0, 0},
           Row{"", 10, K::none, 0, 0},
       }) {
    const Range got = parse_range(r.header, r.size);
    EXPECT_EQ(got.kind, r.kind) << r.header;
    EXPECT_EQ(got.first, r.first) << r.header;
    EXPECT_EQ(got.count, r.count) << r.header;
  }
}

}  // namespace
}  // namespace weir::net::http
