// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/aac.h"

#include <gtest/gtest.h>

#include "base/bits.h"

namespace weir::codecs {
namespace {

struct Row {
  const char* hex;
  int object_type, rate, channels, output_rate, output_channels;
  bool sbr, ps;
};

TEST(AudioSpecificConfig, ParsesTheFormsInUse) {
  for (const Row& row : {
           Row{"1210", 2, 44100, 2, 44100, 2, false, false},
           Row{"1190", 2, 48000, 2, 48000, 2, false, false},
           Row{"1188", 2, 48000, 1, 48000, 1, false, false},
           Row{"11b0", 2, 48000, 6, 48000, 6, false, false},
           // FFmpeg's own encoder adds "no SBR" behind the core.
           Row{"118856e500", 2, 48000, 1, 48000, 1, false, false},
           Row{"11b056e500", 2, 48000, 6, 48000, 6, false, false},
           // HE-AAC, signalled behind the core and in front of it.
           Row{"131056e598", 2, 24000, 2, 48000, 2, true, false},
           Row{"2b118800", 2, 24000, 2, 48000, 2, true, false},
           // HE-AAC v2, both ways.
           Row{"130856e59d4880", 2, 24000, 1, 48000, 2, true, true},
           Row{"eb09880000", 2, 24000, 1, 48000, 2, true, true},
           // A rate that has no index: 44000 in 24 bits.
           Row{"17805630 10", 2, 44128, 2, 44128, 2, false, false},
           // Cut short behind the channels: all that is needed is there.
           Row{"1388", 2, 22050, 1, 22050, 1, false, false},
       }) {
    const auto c = parse_audio_specific_config(from_hex(row.hex));
    ASSERT_TRUE(c) << row.hex;
    EXPECT_EQ(c->object_type, row.object_type) << row.hex;
    EXPECT_EQ(c->sample_rate, row.rate) << row.hex;
    EXPECT_EQ(c->channels, row.channels) << row.hex;
    EXPECT_EQ(c->output_rate(), row.output_rate) << row.hex;
    EXPECT_EQ(c->output_channels(), row.output_channels) << row.hex;
    EXPECT_EQ(c->sbr, row.sbr) << row.hex;
    EXPECT_EQ(c->ps, row.ps) << row.hex;
    EXPECT_EQ(c->samples_per_frame(), 1024) << row.hex;
  }
}

TEST(AudioSpecificConfig, RefusesWhatIsWrong) {
  for (const char* hex : {"", "12", "0210", "1690", "2b", "eb", "2b16880"})
    EXPECT_FALSE(parse_audio_specific_config(from_hex(hex))) << hex;
}

TEST(AudioSpecificConfig, ProgramConfigElement) {
  BitWriter w;
  w.bits(2, 5);
  w.bits(3, 4);  // 48 kHz
  w.bits(0, 4);  // channels: see the element
  w.bits(0, 3);
  w.bits(0, 4);  // tag
  w.bits(1, 2);
  w.bits(3, 4);
  w.bits(2, 4);  // front: one single, one pair
  w.bits(0, 4);
  w.bits(1, 4);  // back: one pair
  w.bits(1, 2);  // lfe
  w.bits(0, 3);
  w.bits(0, 4);
  w.bits(0, 3);  // no mixdowns
  w.bits(0, 5);
  w.bits(0x10, 5);
  w.bits(0x10, 5);
  w.bits(0, 4);
  w.align();
  w.bits(0, 8);
  const auto whole = w.take();
  EXPECT_EQ(parse_audio_specific_config(whole)->channels, 6);
  // Cut short: still usable, the channels unknown.
  const auto cut = parse_audio_specific_config(whole.slice(0, 6));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->channels, 0);
  EXPECT_EQ(cut->sample_rate, 48000);
}

TEST(AudioSpecificConfig, FrameLengths) {
  EXPECT_EQ(parse_audio_specific_config(from_hex("1214"))->samples_per_frame(), 960);
  AudioSpecificConfig ld;
  ld.object_type = 23;
  EXPECT_EQ(ld.samples_per_frame(), 512);
  ld.short_frame = true;
  EXPECT_EQ(ld.samples_per_frame(), 480);
  // ELD: 31, then 39 - 32 = 7 in six bits; 48 kHz, one channel, frameLengthFlag set.
  EXPECT_EQ(parse_audio_specific_config(from_hex("f8e63000"))->samples_per_frame(), 480);
  // With SBR the core's frames set the pace.
  EXPECT_EQ(parse_audio_specific_config(from_hex("2b118800"))->frame_duration(),
            from_ticks(1024, 24000));
  EXPECT_EQ(AudioSpecificConfig{}.frame_duration(), 0ns);
}

TEST(AudioSpecificConfig, RoundTrips) {
  for (const char* hex : {"1210", "1190", "1188", "11b0", "131056e598", "2b118800",
                          "130856e59d4880", "eb098800", "1780563010", "1214"}) {
    const auto out = write_audio_specific_config(*parse_audio_specific_config(from_hex(hex)));
    ASSERT_TRUE(out) << hex;
    EXPECT_EQ(to_hex(*out), hex);
  }
}

TEST(AudioSpecificConfig, WriterRefusesWhatItCannotSay) {
  const AudioSpecificConfig good{.sample_rate = 48000, .channel_config = 2, .channels = 2};
  ASSERT_TRUE(write_audio_specific_config(good));
  auto bad = good;
  bad.object_type = 42;
  EXPECT_EQ(write_audio_specific_config(bad).error().code, Code::unsupported);
  bad = good;
  bad.channel_config = 0;
  EXPECT_FALSE(write_audio_specific_config(bad));
  bad = good;
  bad.sample_rate = 0;
  EXPECT_FALSE(write_audio_specific_config(bad));
  bad = good;
  bad.sbr = true;
  EXPECT_FALSE(write_audio_specific_config(bad));
}

// The first frame header of ffmpeg's adts muxer: 48 kHz, mono, 219 bytes.
TEST(Adts, ParsesARealHeader) {
  const auto h = parse_adts(from_hex("fff14c401b7ffc"));
  ASSERT_TRUE(h);
  EXPECT_EQ(h->object_type, 2);
  EXPECT_EQ(h->sample_rate, 48000);
  EXPECT_EQ(h->channel_config, 1);
  EXPECT_EQ(h->frame_size, 219u);
  EXPECT_EQ(h->header_size, 7u);
  EXPECT_EQ(h->raw_blocks, 1);
  EXPECT_FALSE(h->mpeg2);
  EXPECT_EQ(to_hex(*write_audio_specific_config(h->config())), "1188");
}

TEST(Adts, RefusesWhatIsWrong) {
  for (const char* hex : {"", "fff14c401b7f", "ffe14c401b7ffc", "fff34c401b7ffc", "fff174401b7ffc",
                          "fff14c4000dffc", "fff04c40011ffc"})
    EXPECT_FALSE(parse_adts(from_hex(hex))) << hex;
}

TEST(Adts, RoundTrip) {
  for (int rate : {96000, 48000, 44100, 7350}) {
    for (uint8_t channels : {0, 1, 2, 6, 7}) {
      const AudioSpecificConfig c{.sample_rate = rate, .channel_config = channels};
      const auto out = write_adts(c, 1000);
      ASSERT_TRUE(out);
      const auto h = parse_adts(*out);
      ASSERT_TRUE(h);
      EXPECT_EQ(h->sample_rate, rate);
      EXPECT_EQ(h->channel_config, channels);
      EXPECT_EQ(h->object_type, 2);
      EXPECT_EQ(h->frame_size, 1007u);
    }
  }
  EXPECT_EQ(to_hex(*write_adts({.sample_rate = 48000, .channel_config = 1}, 212)),
            "fff14c401b7ffc");
}

TEST(Adts, WriterRefusesWhatDoesNotFit) {
  const AudioSpecificConfig good{.sample_rate = 48000, .channel_config = 2};
  EXPECT_TRUE(write_adts(good, 8184));
  EXPECT_EQ(write_adts(good, 8185).error().code, Code::limit);
  EXPECT_FALSE(write_adts({.sample_rate = 44000, .channel_config = 2}, 1));
  EXPECT_FALSE(write_adts({.sample_rate = 48000, .channel_config = 11}, 1));
  EXPECT_FALSE(write_adts({.object_type = 42, .sample_rate = 48000, .channel_config = 2}, 1));
}

TEST(Aac, Describe) {
  EXPECT_EQ(*describe_aac(from_hex("eb09880000")), (AudioParams{48000, 2}));
  EXPECT_FALSE(describe_aac({}));
}

}  // namespace
}  // namespace weir::codecs
