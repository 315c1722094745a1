// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/crc32.h"

#include <array>

namespace weir::mpegts {
namespace {

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t r = i << 24;
    for (int bit = 0; bit < 8; ++bit) r = (r & 0x80000000u) ? r << 1 ^ 0x04c11db7u : r << 1;
    table[i] = r;
  }
  return table;
}

constexpr auto kTable = make_table();

}  // namespace

uint32_t crc32(ByteSpan in) {
  uint32_t r = 0xffffffffu;
  for (const uint8_t b : in) r = r << 8 ^ kTable[(r >> 24 ^ b) & 0xff];
  return r;
}

}  // namespace weir::mpegts
