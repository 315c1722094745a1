// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/enhanced.h"

#include <gtest/gtest.h>

namespace weir::flv {
namespace {

struct Read {
  uint8_t packet_type = 0;
  Time offset{};
  bool ok = false;
  std::vector<std::string> parts;  // "avc1/2:0102"
};

std::string name(uint32_t code) {
  std::string s;
  for (int shift = 24; shift >= 0; shift -= 8) s += static_cast<char>(code >> shift & 0xff);
  return s;
}

Read read(Kind kind, const char* hex) {
  auto reader = EnhancedReader::open(kind, from_hex(hex));
  if (!reader) return {};
  Read r{.packet_type = reader->packet_type(), .offset = reader->timestamp_offset()};
  while (const auto part = reader->next())
    r.parts.push_back(name(part->fourcc) + "/" + std::to_string(part->track) + ":" +
                      to_hex(part->body));
  r.ok = reader->ok();
  return r;
}

using Parts = std::vector<std::string>;

TEST(Fourcc, IsBigEndian) {
  EXPECT_EQ(fourcc("Opus"), 0x4f707573u);
  EXPECT_EQ(fourcc("av01"), 1635135537u);
}

TEST(Fourcc, GoesBothWays) {
  for (const Codec c : {Codec::h264, Codec::h265, Codec::av1, Codec::vp8, Codec::vp9, Codec::aac,
                        Codec::opus, Codec::flac, Codec::mp3, Codec::ac3, Codec::eac3})
    EXPECT_EQ(codec_of(fourcc_of(c)), c) << to_string(c);
  EXPECT_EQ(fourcc_of(Codec::script), 0u);
  EXPECT_EQ(codec_of(fourcc("hev1")), std::nullopt);
}

TEST(EnhancedReader, ReadsOneTrack) {
  // Key frame, CodedFramesX, 'hvc1'.
  const Read video = read(Kind::video, "93 68766331 0102");
  EXPECT_TRUE(video.ok);
  EXPECT_EQ(video.packet_type, static_cast<uint8_t>(VideoPacketType::coded_frames_x));
  EXPECT_EQ(video.parts, Parts{"hvc1/0:0102"});
  // SequenceStart without a body is one empty part.
  const Read audio = read(Kind::audio, "90 4f707573");
  EXPECT_TRUE(audio.ok);
  EXPECT_EQ(audio.parts, Parts{"Opus/0:"});
}

TEST(EnhancedReader, ReadsFrameType) {
  const auto key = EnhancedReader::open(Kind::video, from_hex("91 61763031 00"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->frame_type(), FrameType::key);
  const auto inter = EnhancedReader::open(Kind::video, from_hex("a1 61763031 00"));
  ASSERT_TRUE(inter);
  EXPECT_EQ(inter->frame_type(), FrameType::inter);
  auto seek = EnhancedReader::open(Kind::video, from_hex("d1 00"));
  ASSERT_TRUE(seek);
  EXPECT_TRUE(seek->is_command());
  EXPECT_FALSE(seek->next());
  EXPECT_TRUE(seek->ok());
}

TEST(EnhancedReader, ReadsMultitrack) {
  // OneTrack, CodedFrames, av01, track 3.
  EXPECT_EQ(read(Kind::video, "96 01 61763031 03 aabb").parts, Parts{"av01/3:aabb"});
  // ManyTracks, CodedFrames, mp4a: tracks 0 and 1.
  const Read many = read(Kind::audio, "95 11 6d703461 00 000002 aabb 01 000001 cc");
  EXPECT_TRUE(many.ok);
  EXPECT_EQ(many.packet_type, static_cast<uint8_t>(AudioPacketType::coded_frames));
  EXPECT_EQ(many.parts, (Parts{"mp4a/0:aabb", "mp4a/1:cc"}));
  // ManyTracksManyCodecs, SequenceStart.
  const Read codecs =
      read(Kind::video, "96 20 61766331 00 000001 aa 68766331 01 000000 76703039 02 000002 bbcc");
  EXPECT_TRUE(codecs.ok);
  EXPECT_EQ(codecs.packet_type, static_cast<uint8_t>(VideoPacketType::sequence_start));
  EXPECT_EQ(codecs.parts, (Parts{"avc1/0:aa", "hvc1/1:", "vp09/2:bbcc"}));
}

TEST(EnhancedReader, ReadsModifiers) {
  // ModEx of 3 bytes: TimestampOffsetNano 500,000; then CodedFrames.
  const Read offset = read(Kind::video, "97 02 07a120 01 61763031 aa");
  EXPECT_TRUE(offset.ok);
  EXPECT_EQ(offset.offset, 500us);
  EXPECT_EQ(offset.packet_type, static_cast<uint8_t>(VideoPacketType::coded_frames));
  EXPECT_EQ(offset.parts, Parts{"av01/0:aa"});
  // Two in a row; the second of an unknown type.
  EXPECT_EQ(read(Kind::audio, "97 02 000001 07 00 ff f1 4f707573 aa").parts, Parts{"Opus/0:aa"});
  // 256 bytes and more have a 16-bit size.
  std::string large = "97 ff 00ff ";
  for (int i = 0; i < 256; ++i) large += "00";
  EXPECT_EQ(read(Kind::audio, (large + "11 4f707573 aa").c_str()).parts, Parts{"Opus/0:aa"});
  // A millisecond or more is not an offset.
  EXPECT_EQ(read(Kind::video, "97 02 0f4240 01 61763031 aa").offset, 0ns);
  // Before multitrack.
  EXPECT_EQ(read(Kind::video, "97 02 000001 06 01 61763031 03 aa").parts, Parts{"av01/3:aa"});
}

TEST(EnhancedReader, Refuses) {
  for (const char* hex : {"91", "91 617630", "96", "96 01", "96 01 617630", "96 31 61763031",
                          "96 06 61763031 00", "97", "97 05 0000", "97 02 000001", "97 ff 00"}) {
    EXPECT_FALSE(EnhancedReader::open(Kind::video, from_hex(hex))) << hex;
  }
}

TEST(EnhancedReader, StopsAtACutTrack) {
  const Read cut = read(Kind::audio, "95 11 6d703461 00 000002 aabb 01 000002 cc");
  EXPECT_FALSE(cut.ok);
  EXPECT_EQ(cut.parts, Parts{"mp4a/0:aabb"});
  EXPECT_FALSE(read(Kind::audio, "95 11 6d703461 00 ffffff").ok);
  EXPECT_FALSE(read(Kind::audio, "95 01 6d703461").ok);
}

}  // namespace
}  // namespace weir::flv
