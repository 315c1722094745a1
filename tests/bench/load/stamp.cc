// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/stamp.h"

#include <algorithm>
#include <functional>
#include <string_view>

namespace weir::bench {
namespace {

// NAL type 6, payload type 5, payload size 32, then the UUID. Digits rather than a number: no byte
// of the stamp is zero, so none of it wants emulation prevention (H.264 7.4.1).
constexpr std::array<uint8_t, 19> kHead = {0x06, 0x05, 0x20, 0x77, 0x65, 0x69, 0x72,
                                           0x2d, 0x62, 0x65, 0x6e, 0x63, 0x68, 0x2d,
                                           0x73, 0x74, 0x61, 0x6d, 0x70};
constexpr size_t kDigits = 16;
constexpr std::string_view kHex = "0123456789abcdef";

std::optional<Time> read_digits(ByteSpan digits) {
  uint64_t v = 0;
  for (const uint8_t c : digits) {
    const size_t digit = kHex.find(static_cast<char>(c));
    if (digit == std::string_view::npos) return std::nullopt;
    v = v << 4 | digit;
  }
  return Time{static_cast<int64_t>(v)};
}

}  // namespace

std::array<uint8_t, kStampSize> make_stamp(Time when) {
  std::array<uint8_t, kStampSize> out{};
  out[3] = kStampSize - 4;
  auto at = std::copy(kHead.begin(), kHead.end(), out.begin() + 4);
  const auto v = static_cast<uint64_t>(when.count());
  for (size_t i = kDigits; i-- > 0;) *at++ = static_cast<uint8_t>(kHex[v >> (4 * i) & 15]);
  *at = 0x80;
  return out;
}

std::optional<Time> read_stamp(ByteSpan message) {
  if (message.size() < kVideoTagHeaderSize + kStampSize) return std::nullopt;
  const ByteSpan unit = message.subspan(kVideoTagHeaderSize + 4);
  if (!std::equal(kHead.begin(), kHead.end(), unit.begin())) return std::nullopt;
  return read_digits(unit.subspan(kHead.size(), kDigits));
}

std::optional<Time> find_stamp(ByteSpan bytes) {
  const auto found = std::search(bytes.begin(), bytes.end(),
                                 std::boyer_moore_horspool_searcher(kHead.begin(), kHead.end()));
  if (found == bytes.end()) return std::nullopt;
  const auto at = static_cast<size_t>(found - bytes.begin());
  const ByteSpan rest = bytes.subspan(at + kHead.size());
  return rest.size() < kDigits ? std::nullopt : read_digits(rest.first(kDigits));
}

}  // namespace weir::bench
