// Weir live-streaming server. MIT licence, see LICENSE.
#include "hub/byte_log.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace weir::hub {
namespace {

std::string read(const ByteLog& log, uint64_t at) {
  std::array<iovec, 8> pieces;
  std::string out;
  const size_t n = log.pieces(at, pieces);
  for (size_t i = 0; i < n; ++i)
    out.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return out;
}

TEST(ByteLog, ReadsBackFromAnyPosition) {
  ByteLog log;
  log.append(as_bytes("abc"), 0s, true);
  log.append(as_bytes("defg"), 1ms, false);
  EXPECT_EQ(read(log, 0), "abcdefg");
  EXPECT_EQ(read(log, 4), "efg");
  EXPECT_EQ(read(log, 7), "");
  EXPECT_EQ(log.boundary(0), 0u);
  EXPECT_EQ(log.boundary(3), 3u);
  EXPECT_EQ(log.boundary(4), 7u);
  EXPECT_EQ(log.share(4, 7).text(), "efg");
}

TEST(ByteLog, EntriesNeverStraddleSlabs) {
  ByteLog log;
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const std::string entry(60000 + static_cast<size_t>(i), static_cast<char>('a' + i));
    const uint64_t from = log.end();
    log.append(as_bytes(entry), i * 1ms, i % 5 == 0);
    EXPECT_EQ(log.share(from, log.end()).text(), entry);
    all += entry;
  }
  EXPECT_EQ(read(log, 0), all);
  const std::string huge(1 << 20, 'z');
  log.append(as_bytes(huge), 1s, true);
  EXPECT_EQ(read(log, *log.newest_join()), huge);
}

TEST(ByteLog, TrimKeepsTheNewestGroup) {
  ByteLog log;
  for (int i = 0; i < 100; ++i) log.append(as_bytes("0123456789"), i * 40ms, i % 50 == 0);
  log.trim(100ms, 1 << 20);
  EXPECT_EQ(log.begin(), 500u);
  EXPECT_EQ(*log.newest_join(), 500u);
  log.trim(100ms, 200);
  EXPECT_EQ(log.end() - log.begin(), 200u);
  EXPECT_FALSE(log.newest_join());
}

}  // namespace
}  // namespace weir::hub
