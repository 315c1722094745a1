// Weir live-streaming server. MIT licence, see LICENSE.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unwrap.h"

namespace weir {
namespace {

Result<int> half(int n) {
  if (n % 2) return fail(Code::protocol, "odd");
  return n / 2;
}

Result<int> quarter(int n) {
  TRY(auto h, half(n));
  TRY(half(h));
  return h / 2;
}

TEST(Result, TryPassesValuesAndErrors) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(3).error().what, "odd");
  EXPECT_EQ(std::move(quarter(6).error()).in("quarter").what, "quarter: odd");
}

TEST(Bytes, SliceSharesAndClamps) {
  auto b = from_hex("00 01 02 03");
  EXPECT_EQ(to_hex(b.slice(1, 2)), "0102");
  EXPECT_EQ(b.slice(1, 2).data(), b.data() + 1);
  EXPECT_TRUE(b.slice(9).empty());
  EXPECT_EQ(to_hex(b.slice(3, 9)), "03");
}

TEST(ByteReader, FailsOnceAndForGood) {
  auto b = from_hex("0102030405");
  ByteReader r(b);
  EXPECT_EQ(r.u16(), 0x0102);
  EXPECT_EQ(r.u32(), 0u);
  EXPECT_FALSE(r.ok());
  EXPECT_EQ(r.u8(), 0);
  EXPECT_FALSE(r.ok());
}

TEST(ByteWriter, RoundTrip) {
  ByteWriter w;
  w.u24(0);
  w.f64(1.5);
  w.u32_le(0x01020304);
  w.patch_u24(0, 0xabcdef);
  auto b = w.take();
  ByteReader r(b);
  EXPECT_EQ(r.u24(), 0xabcdefu);
  EXPECT_EQ(r.f64(), 1.5);
  EXPECT_EQ(r.u32_le(), 0x01020304u);
  EXPECT_TRUE(r.ok() && r.at_end());
}

TEST(Bits, ExpGolombRoundTrip) {
  BitWriter w;
  for (uint32_t v : {0u, 1u, 2u, 7u, 255u, 65534u}) w.ue(v);
  auto b = w.take();
  BitReader r(b);
  for (uint32_t v : {0u, 1u, 2u, 7u, 255u, 65534u}) EXPECT_EQ(r.ue(), v);
  EXPECT_TRUE(r.ok());
  BitReader empty({});
  EXPECT_EQ(empty.ue(), 0u);
  EXPECT_FALSE(empty.ok());
}

TEST(Time, TicksAreExactThroughNanoseconds) {
  uint64_t seed = 1;
  for (int64_t scale : {1000, 22050, 24000, 44100, 48000, 90000, 96000, 1000000, 10000000}) {
    for (int i = 0; i < 20000; ++i) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      const auto ticks = static_cast<int64_t>(seed >> 34) * (i % 2 ? 1 : -1);
      ASSERT_EQ(to_ticks(from_ticks(ticks, scale), scale), ticks) << scale;
    }
  }
}

TEST(Time, FormatUtc) {
  EXPECT_EQ(format_utc(WallTime{std::chrono::milliseconds{1'750'000'000'007}}),
            "2025-06-15T15:06:40.007Z");
}

TEST(Unwrap, TakesTheShorterWayRound) {
  Unwrap<32> u;
  EXPECT_EQ(u(0xfffffff0), 0xfffffff0);
  EXPECT_EQ(u(0x10), 0x100000010);
  EXPECT_EQ(u(0xfffffff8), 0xfffffff8);
}

TEST(Log, QueriesAreRedacted) {
  EXPECT_EQ(redact_query("foo"), "foo");
  EXPECT_EQ(redact_query("foo?key=secret&b"), "foo?key=***&b");
  EXPECT_EQ(redact_query("foo?a=b=c&d=e"), "foo?a=***&d=***");
}

}  // namespace
}  // namespace weir
