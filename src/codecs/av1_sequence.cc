// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/bits.h"
#include "codecs/av1.h"

namespace weir::codecs {

namespace {

// What the operating points need to know of the decoder model.
struct DecoderModel {
  bool present = false;
  unsigned delay_bits = 0;
};

// AV1 5.5.3 and 5.5.4.
DecoderModel read_timing(BitReader& r, Av1Sequence& s) {
  const uint32_t units = r.bits(32), scale = r.bits(32);
  if (r.flag()) {  // equal_picture_interval
    const double ticks = double{1} + r.ue();
    if (r.ok() && units > 0) s.frame_rate = scale / (units * ticks);
  }
  DecoderModel m;
  m.present = r.flag();
  if (m.present) {
    m.delay_bits = r.bits(5) + 1;
    r.skip(32 + 5 + 5);
  }
  return m;
}

// AV1 5.5.1, the operating points; the first one is kept.
void read_operating_points(BitReader& r, const DecoderModel& model, Av1Sequence& s) {
  const bool display_delay = r.flag();
  const uint32_t count = r.bits(5) + 1;
  for (uint32_t i = 0; i < count; ++i) {
    r.skip(12);  // operating_point_idc
    const auto level = static_cast<uint8_t>(r.bits(5));
    const bool high_tier = level > 7 && r.flag();
    if (i == 0) {
      s.level = level;
      s.high_tier = high_tier;
    }
    if (model.present && r.flag()) r.skip(2 * model.delay_bits + 1);
    if (display_delay && r.flag()) r.skip(4);
  }
}

void skip_tools(BitReader& r, const Av1Sequence& s) {
  r.skip(3);  // 128x128 superblocks, filter intra, intra edge filter
  if (!s.reduced_still_picture_header) {
    r.skip(4);  // interintra, masked compound, warped motion, dual filter
    const bool order_hint = r.flag();
    if (order_hint) r.skip(2);
    // seq_choose_screen_content_tools, else seq_force_screen_content_tools
    const bool screen_content = r.flag() || r.flag();
    if (screen_content && !r.flag()) r.skip(1);  // seq_force_integer_mv
    if (order_hint) r.skip(3);
  }
  r.skip(3);  // superres, cdef, restoration
}

// AV1 5.5.2.
void read_color(BitReader& r, Av1Sequence& s) {
  const bool high = r.flag();
  const bool twelve = s.profile == 2 && high && r.flag();
  s.bit_depth = !high ? 8 : twelve ? 12 : 10;
  s.monochrome = s.profile != 1 && r.flag();
  if (r.flag()) {
    s.color_primaries = static_cast<uint8_t>(r.bits(8));
    s.transfer = static_cast<uint8_t>(r.bits(8));
    s.matrix = static_cast<uint8_t>(r.bits(8));
  }
  if (s.monochrome) {
    s.full_range = r.flag();
    return;
  }
  if (s.color_primaries == 1 && s.transfer == 13 && s.matrix == 0) {  // sRGB
    s.full_range = true;
    s.subsampling_x = s.subsampling_y = false;
    return;
  }
  s.full_range = r.flag();
  if (s.profile == 1) {
    s.subsampling_x = s.subsampling_y = false;
  } else if (s.profile == 2) {
    s.subsampling_x = s.bit_depth != 12 || r.flag();
    s.subsampling_y = s.bit_depth == 12 && s.subsampling_x && r.flag();
  }
  if (s.subsampling_x && s.subsampling_y)
    s.chroma_sample_position = static_cast<uint8_t>(r.bits(2));
}

}  // namespace

Result<Av1Sequence> parse_av1_sequence(ByteSpan payload) {
  BitReader r(payload);
  Av1Sequence s;
  s.profile = static_cast<uint8_t>(r.bits(3));
  s.still_picture = r.flag();
  s.reduced_still_picture_header = r.flag();
  if (s.reduced_still_picture_header) {
    s.level = static_cast<uint8_t>(r.bits(5));
  } else {
    DecoderModel model;
    if (r.flag()) model = read_timing(r, s);
    read_operating_points(r, model, s);
  }
  const unsigned width_bits = r.bits(4) + 1, height_bits = r.bits(4) + 1;
  s.width = static_cast<int>(r.bits(width_bits)) + 1;
  s.height = static_cast<int>(r.bits(height_bits)) + 1;
  if (!s.reduced_still_picture_header && r.flag()) r.skip(4 + 3);  // frame id lengths
  skip_tools(r, s);
  read_color(r, s);
  if (!r.ok()) return fail(Code::protocol, "av1 sequence header: too short");
  if (s.profile > 2) return fail(Code::protocol, "av1 sequence header: reserved profile");
  return s;
}

}  // namespace weir::codecs
