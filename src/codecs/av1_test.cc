// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/av1.h"

#include <gtest/gtest.h>

#include "base/bits.h"

namespace weir::codecs {
namespace {

// SVT-AV1 by way of ffmpeg -f lavfi -i testsrc2: 320x180 in 8 and in 10 bits.
constexpr char kRecord[] = "81000c000a0b000000043cfecc02f80040";
constexpr char kRecord10[] = "81004c000a0b000000043cfecc02f84040";
// The start of its first temporal unit; the frame is cut and its size made to fit.
constexpr char kSequence[] = "0a0b000000043cfeccfbf90040";
constexpr char kKeyFrame[] = "3206 1400a44824dd";
constexpr char kInterFrame[] = "3204 30030006";
constexpr char kShowExisting[] = "1a01b8";
constexpr char kDelimiter[] = "1200";

std::string hex(std::initializer_list<std::string_view> parts) {
  std::string s;
  for (auto p : parts) s += to_hex(from_hex(p));
  return s;
}
Bytes unit(std::initializer_list<std::string_view> parts) { return from_hex(hex(parts)); }

TEST(ObuReader, WalksSizedObus) {
  const auto in = unit({kDelimiter, kSequence, kKeyFrame});
  ObuReader r(in);
  const auto a = r.next(), b = r.next(), c = r.next();
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(a->type, ObuType::temporal_delimiter);
  EXPECT_TRUE(a->payload.empty());
  EXPECT_EQ(b->type, ObuType::sequence_header);
  EXPECT_EQ(b->payload.size(), 11u);
  EXPECT_EQ(b->whole.size(), 13u);
  EXPECT_EQ(c->type, ObuType::frame);
  EXPECT_FALSE(r.next());
  EXPECT_TRUE(r.ok());
}

TEST(ObuReader, ExtensionsLongSizesAndNoSize) {
  const auto in = from_hex("36 48 818000 aa 30 bbcc");
  ObuReader r(in);
  const auto a = r.next(), b = r.next();
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->temporal_id, 2);
  EXPECT_EQ(a->spatial_id, 1);
  EXPECT_EQ(to_hex(a->payload), "aa");
  EXPECT_FALSE(b->has_size);
  EXPECT_EQ(to_hex(b->payload), "bbcc");
}

TEST(ObuReader, StopsAtMalformedObus) {
  for (const char* bad :
       {"9200", "32", "3205aa", "36", "3280808080808080808000", "32ffffffff7f", "3680"}) {
    const auto in = unit({kDelimiter, bad});
    ObuReader r(in);
    EXPECT_TRUE(r.next()) << bad;
    EXPECT_FALSE(r.next()) << bad;
    EXPECT_FALSE(r.next()) << bad;
    EXPECT_FALSE(r.ok()) << bad;
  }
}

TEST(Av1Sequence, RealOnes) {
  for (const char* record : {kRecord, kRecord10}) {
    const auto c = parse_av1c(from_hex(record));
    ASSERT_TRUE(c);
    ObuReader r(c->obus);
    const auto s = parse_av1_sequence(r.next()->payload);
    ASSERT_TRUE(s);
    EXPECT_EQ(s->width, 320);
    EXPECT_EQ(s->height, 180);
    EXPECT_EQ(s->profile, 0);
    EXPECT_EQ(s->level, 0);
    EXPECT_EQ(s->bit_depth, record == kRecord ? 8 : 10);
    EXPECT_FALSE(s->monochrome);
    EXPECT_TRUE(s->subsampling_x && s->subsampling_y);
    EXPECT_FALSE(s->reduced_still_picture_header);
  }
}

struct Made {
  uint32_t profile = 0, points = 1, level = 13;
  bool reduced = false, timing = false, model = false, delay = false, frame_ids = false;
  bool order_hint = true, choose_tools = true, force_tools = false;
  bool high = false, twelve = false, mono = false, srgb = false;
  bool sub_x = false, sub_y = false;
};

void write_header(BitWriter& w, const Made& m) {
  w.flag(m.timing);
  if (m.timing) {
    w.bits(1001, 32);
    w.bits(120000, 32);
    w.flag(true);
    w.ue(1);
    w.flag(m.model);
    if (m.model) {
      w.bits(9, 5);
      w.bits(1, 32);
      w.bits(0, 10);
    }
  }
  w.flag(m.delay);
  w.bits(m.points - 1, 5);
  for (uint32_t i = 0; i < m.points; ++i) {
    w.bits(0, 12);
    w.bits(m.level, 5);
    if (m.level > 7) w.flag(true);
    if (m.timing && m.model) {
      w.flag(true);
      w.bits(0x155555, 21);
    }
    if (m.delay) {
      w.flag(true);
      w.bits(9, 4);
    }
  }
}

void write_tools(BitWriter& w, const Made& m) {
  w.bits(7, 3);
  if (!m.reduced) {
    w.bits(15, 4);
    w.flag(m.order_hint);
    if (m.order_hint) w.bits(3, 2);
    w.flag(m.choose_tools);
    if (!m.choose_tools) w.flag(m.force_tools);
    if (m.choose_tools || m.force_tools) w.bits(1, 2);
    if (m.order_hint) w.bits(6, 3);
  }
  w.bits(7, 3);
}

Bytes make_sequence(const Made& m) {
  BitWriter w;
  w.bits(m.profile, 3);
  w.flag(m.reduced);
  w.flag(m.reduced);
  if (m.reduced) {
    w.bits(m.level, 5);
  } else {
    write_header(w, m);
  }
  w.bits(10, 4);
  w.bits(10, 4);
  w.bits(1919, 11);
  w.bits(1079, 11);
  if (!m.reduced) w.flag(m.frame_ids);
  if (m.frame_ids) w.bits(0x7f, 7);
  write_tools(w, m);
  w.flag(m.high);
  if (m.profile == 2 && m.high) w.flag(m.twelve);
  if (m.profile != 1) w.flag(m.mono);
  w.flag(true);
  w.bits(m.srgb ? 0x010d00 : 0x091009, 24);
  if (!m.srgb) w.flag(true);
  if (m.twelve && !m.mono) {
    w.flag(m.sub_x);
    if (m.sub_x) w.flag(m.sub_y);
  }
  w.bits(2, 2);
  w.bits(0, 2);
  return w.take();
}

TEST(Av1Sequence, EveryBranchOfTheHeader) {
  for (const Made& m : {Made{}, Made{.level = 5}, Made{.points = 32}, Made{.timing = true},
                        Made{.points = 3, .timing = true, .model = true, .delay = true},
                        Made{.frame_ids = true}, Made{.order_hint = false, .choose_tools = false},
                        Made{.choose_tools = false, .force_tools = true}, Made{.reduced = true},
                        Made{.high = true}}) {
    const auto s = parse_av1_sequence(make_sequence(m));
    ASSERT_TRUE(s);
    EXPECT_EQ(s->width, 1920);
    EXPECT_EQ(s->height, 1080);
    EXPECT_EQ(s->level, m.level);
    EXPECT_EQ(s->high_tier, m.level > 7 && !m.reduced);
    EXPECT_DOUBLE_EQ(s->frame_rate, m.timing ? 60000.0 / 1001 : 0);
    // The colours stand behind everything else.
    EXPECT_EQ(s->bit_depth, m.high ? 10 : 8);
    EXPECT_EQ(s->color_primaries, 9);
    EXPECT_EQ(s->transfer, 16);
    EXPECT_EQ(s->matrix, 9);
    EXPECT_TRUE(s->full_range);
    EXPECT_EQ(s->chroma_sample_position, 2);
  }
}

TEST(Av1Sequence, Chroma) {
  struct Row {
    Made made;
    int depth;
    bool mono, x, y;
  };
  for (const Row& row : {
           Row{{.mono = true}, 8, true, true, true},
           Row{{.profile = 1}, 8, false, false, false},
           Row{{.profile = 1, .srgb = true}, 8, false, false, false},
           Row{{.profile = 2}, 8, false, true, false},
           Row{{.profile = 2, .high = true}, 10, false, true, false},
           Row{{.profile = 2, .high = true, .twelve = true}, 12, false, false, false},
           Row{{.profile = 2, .high = true, .twelve = true, .sub_x = true}, 12, false, true, false},
           Row{{.profile = 2, .high = true, .twelve = true, .sub_x = true, .sub_y = true},
               12,
               false,
               true,
               true},
       }) {
    const auto s = parse_av1_sequence(make_sequence(row.made));
    ASSERT_TRUE(s);
    EXPECT_EQ(s->bit_depth, row.depth);
    EXPECT_EQ(s->monochrome, row.mono);
    EXPECT_EQ(s->subsampling_x, row.x);
    EXPECT_EQ(s->subsampling_y, row.y);
  }
}

TEST(Av1Sequence, RefusesWhatIsWrong) {
  const auto whole = make_sequence({});
  for (size_t n = 0; n + 1 < whole.size(); ++n)
    EXPECT_FALSE(parse_av1_sequence(whole.slice(0, n))) << n;
  EXPECT_FALSE(parse_av1_sequence(make_sequence({.profile = 3})));
}

TEST(Av1c, RoundTrips) {
  for (const char* record : {kRecord, kRecord10, "81000c00", "812dfe1c"})
    EXPECT_EQ(to_hex(write_av1c(*parse_av1c(from_hex(record)))), record);
  const auto c = *parse_av1c(from_hex("812dfe1c"));
  EXPECT_EQ(c.profile, 1);
  EXPECT_EQ(c.level, 13);
  EXPECT_TRUE(c.high_tier && c.monochrome && c.subsampling_x && c.subsampling_y);
  EXPECT_EQ(c.bit_depth(), 12);
  EXPECT_EQ(c.chroma_sample_position, 2);
  EXPECT_EQ(c.initial_presentation_delay, 13);
}

TEST(Av1c, RefusesWhatIsWrong) {
  for (const char* bad : {"", "81", "81000c", "01000c00", "82000c00"})
    EXPECT_FALSE(parse_av1c(from_hex(bad))) << bad;
}

TEST(Av1Config, FromTheSequenceInBand) {
  const auto c = av1_config_in_band(unit({kDelimiter, kSequence, kKeyFrame}));
  ASSERT_TRUE(c);
  EXPECT_EQ(to_hex(c->obus), kSequence);
  EXPECT_EQ(to_hex(write_av1c(*c)).substr(0, 8), "81000c00");
  // One that lacks its size gets it.
  EXPECT_EQ(to_hex(av1_config_in_band(from_hex("08000000043cfeccfbf90040"))->obus), kSequence);
  EXPECT_FALSE(av1_config_in_band(unit({kKeyFrame})));
  EXPECT_FALSE(av1_config_in_band(from_hex("0a0100")));
}

TEST(Av1Canonical, SharesWhatItCan) {
  const auto clean = unit({kSequence, kKeyFrame});
  EXPECT_EQ(av1_to_canonical(clean)->data(), clean.data());
  const auto led = unit({kDelimiter, kSequence, kKeyFrame});
  const auto out = av1_to_canonical(led);
  EXPECT_EQ(out->data(), led.data() + 2);
  EXPECT_EQ(*out, clean);
}

TEST(Av1Canonical, RewritesTheRest) {
  const auto clean = hex({kSequence, kKeyFrame});
  EXPECT_EQ(to_hex(*av1_to_canonical(unit({kSequence, "7a02ffff", kKeyFrame, kDelimiter}))), clean);
  EXPECT_EQ(to_hex(*av1_to_canonical(unit({kSequence, "30 1400a44824dd"}))), clean);
  EXPECT_EQ(to_hex(*av1_to_canonical(from_hex("3448aabb"))), "364802aabb");
  // A size of two bytes.
  const std::string big(400, 'a');
  EXPECT_EQ(to_hex(*av1_to_canonical(from_hex("30" + big))), "32c801" + big);
  EXPECT_TRUE(av1_to_canonical(unit({kDelimiter}))->empty());
}

TEST(Av1Canonical, RefusesMalformedObus) {
  EXPECT_EQ(av1_to_canonical(from_hex("3205aa")).error().code, Code::protocol);
}

TEST(Av1Keyframe, FirstFrameDecides) {
  EXPECT_TRUE(av1_is_keyframe(unit({kSequence, kKeyFrame})));
  EXPECT_TRUE(av1_is_keyframe(unit({kKeyFrame, kInterFrame})));
  EXPECT_FALSE(av1_is_keyframe(unit({kInterFrame, kKeyFrame})));
  EXPECT_FALSE(av1_is_keyframe(from_hex(kShowExisting)));
  EXPECT_FALSE(av1_is_keyframe(from_hex("320100")));  // a key frame that is not shown
  EXPECT_FALSE(av1_is_keyframe(unit({kSequence})));
  EXPECT_FALSE(av1_is_keyframe(from_hex("3200")));
  EXPECT_FALSE(av1_is_keyframe({}));
  // Under a reduced still picture header every frame is a key frame, whatever its first bits say.
  const auto still = make_sequence({.reduced = true});
  std::vector<uint8_t> out{0x0a, static_cast<uint8_t>(still.size())};
  out.insert(out.end(), still.begin(), still.end());
  out.insert(out.end(), {0x32, 0x01, 0x80});
  EXPECT_TRUE(av1_is_keyframe(out));
}

TEST(Av1Config, Describe) {
  EXPECT_EQ(*describe_av1c(from_hex(kRecord)), (VideoParams{320, 180, 0}));
  EXPECT_EQ(*describe_av1c(from_hex("81000c00")), VideoParams{});
  EXPECT_FALSE(describe_av1c({}));
}

}  // namespace
}  // namespace weir::codecs
