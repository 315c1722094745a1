// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/vui.h"

#include <iterator>

namespace weir::codecs {

namespace {

struct Ratio {
  uint8_t width, height;
};
// clang-format off
constexpr Ratio kRatios[] = {
    {0, 0},   {1, 1},   {12, 11}, {10, 11}, {16, 11}, {40, 33}, {24, 11},  {20, 11}, {32, 11},
    {80, 33}, {18, 11}, {15, 11}, {64, 33}, {160, 99}, {4, 3},  {3, 2},    {2, 1}};
// clang-format on
constexpr uint32_t kExtended = 255;

}  // namespace

void read_sample_aspect(BitReader& r, int& width, int& height) {
  const uint32_t idc = r.bits(8);
  uint32_t w = 0, h = 0;
  if (idc == kExtended) {
    w = r.bits(16);
    h = r.bits(16);
  } else if (idc < std::size(kRatios)) {
    w = kRatios[idc].width;
    h = kRatios[idc].height;
  }
  if (w == 0 || h == 0) return;  // E.2.1: unspecified
  width = static_cast<int>(w);
  height = static_cast<int>(h);
}

void read_video_signal(BitReader& r, Colour& colour) {
  r.skip(3);  // video_format
  const bool full_range = r.flag(), described = r.flag();
  Colour c;
  c.full_range = full_range;
  if (described) {
    c.primaries = static_cast<uint8_t>(r.bits(8));
    c.transfer = static_cast<uint8_t>(r.bits(8));
    c.matrix = static_cast<uint8_t>(r.bits(8));
  }
  if (r.ok()) colour = c;
}

}  // namespace weir::codecs
