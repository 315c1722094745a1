// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/reader.h"

#include <gtest/gtest.h>

#include "containers/mpegts/fixture.h"
#include "containers/mpegts/writer.h"

namespace weir::mpegts {
namespace {

using namespace fixture;

// One second of picture and sound: some 60 packets, three units of sound.
std::vector<uint8_t> example() {
  Writer w({h264_track(), aac_track()});
  ByteWriter out;
  w.start_segment(out);
  for (int i = 0; i < 25; ++i) {
    w.write(*video(i * 40ms, i * 40ms, i == 0), out);
    w.write(*audio(i * 40ms), out);
  }
  w.finish(out);
  return std::move(out.vector());
}

std::vector<PesUnit> read_all(Reader& r, ByteSpan in, size_t step = SIZE_MAX) {
  std::vector<PesUnit> units;
  while (!in.empty()) {
    const size_t n = std::min(step, in.size());
    r.read(in.first(n), units);
    in = in.subspan(n);
  }
  r.finish(units);
  return units;
}

std::vector<uint8_t> without(std::vector<uint8_t> in, size_t packet) {
  const auto at = in.begin() + static_cast<ptrdiff_t>(packet * kPacketSize);
  in.erase(at, at + kPacketSize);
  return in;
}

TEST(Reader, SameUnitsHoweverTheBytesAreCut) {
  const auto in = example();
  Reader whole;
  const auto expected = read_all(whole, in);
  EXPECT_EQ(expected.size(), 50u);
  for (const size_t step : {1u, 7u, 187u, 188u, 189u, 1316u, 4096u}) {
    Reader r;
    const auto units = read_all(r, in, step);
    ASSERT_EQ(units.size(), expected.size()) << step;
    for (size_t i = 0; i < units.size(); ++i) EXPECT_EQ(units[i].payload, expected[i].payload);
    EXPECT_TRUE(r.counts().clean());
  }
}

TEST(Reader, BoundedUnitsComeOutAtOnce) {
  const auto in = example();
  Reader r;
  std::vector<PesUnit> units;
  r.read(in, units);  // no finish: every unit here says how long it is
  EXPECT_EQ(units.size(), 50u);
}

TEST(Reader, CountsALostPacketAndMarksTheUnit) {
  Reader r;
  const auto units = read_all(r, without(example(), 3));  // inside the first picture
  EXPECT_EQ(r.counts().continuity, 1u);
  EXPECT_EQ(r.counts().truncated, 1u);
  ASSERT_FALSE(units.empty());
  EXPECT_TRUE(units[0].damaged);
  EXPECT_FALSE(units[1].damaged);
}

TEST(Reader, IgnoresOneRepeatOfAPacket) {
  auto in = example();
  const std::vector<uint8_t> third(in.begin() + 3 * 188, in.begin() + 4 * 188);
  in.insert(in.begin() + 4 * 188, third.begin(), third.end());
  Reader r;
  EXPECT_EQ(read_all(r, in).size(), 50u);
  EXPECT_TRUE(r.counts().clean());
  in.insert(in.begin() + 4 * 188, third.begin(), third.end());
  Reader twice;
  read_all(twice, in);
  EXPECT_EQ(twice.counts().continuity, 1u);
}

TEST(Reader, ADiscontinuityIndicatorExcusesAJump) {
  auto in = without(example(), 3);
  // The next packet of the pid has no adaptation field to set the flag in: use the start of the
  // second picture, which has one for its PCR.
  for (size_t at = 3 * 188; at < in.size(); at += 188) {
    const auto p = parse_ts_packet(ByteSpan(in).subspan(at, 188));
    if (p->pid == 0x100 && !p->pcr) {
      in.erase(in.begin() + static_cast<ptrdiff_t>(at),
               in.begin() + static_cast<ptrdiff_t>(at) + 188);
      at -= 188;
    } else if (p->pid == 0x100) {
      in[at + 5] |= 0x80;
      break;
    }
  }
  Reader r;
  read_all(r, in);
  EXPECT_EQ(r.counts().continuity, 0u);
}

TEST(Reader, WrongTablesAreCountedAndNotUsed) {
  auto in = example();
  in[188 + 20] ^= 1;  // inside the PMT
  Reader r;
  EXPECT_TRUE(read_all(r, in).empty());
  EXPECT_EQ(r.counts().crc, 1u);
  EXPECT_TRUE(r.programs().empty());
}

TEST(Reader, FindsItsWayBackAfterRubbish) {
  auto in = example();
  const std::string rubbish = "this is no transport stream";
  in.insert(in.begin(), rubbish.begin(), rubbish.end());
  Reader r;
  EXPECT_EQ(read_all(r, in).size(), 50u);
  EXPECT_EQ(r.counts().sync_lost, rubbish.size());
}

TEST(Reader, AClockThatGoesBackIsCounted) {
  const auto in = example();
  auto twice = in;
  twice.insert(twice.end(), in.begin(), in.end());
  Reader r;
  read_all(r, twice);
  EXPECT_EQ(r.counts().pcr_back, 1u);
  EXPECT_GT(r.counts().continuity, 0u);
}

TEST(Reader, UnitsAndStreamsAreBounded) {
  Reader small({.unit = 300, .streams = 1, .programs = 1});
  const auto units = read_all(small, example());
  EXPECT_TRUE(units.empty());
  EXPECT_EQ(small.counts().over_limit, 1u + 25u);
}

TEST(Reader, SectionsOverSeveralPackets) {
  std::vector<Track> many;
  for (uint8_t i = 0; i < 32; ++i) {
    many.push_back({TrackId{i}, Codec::ac3, {}, AudioParams{}, "eng"});
  }
  Writer w(many);
  ByteWriter out;
  w.start_segment(out);
  EXPECT_EQ(out.size(), 5 * kPacketSize);
  Reader r;
  read_all(r, out.span());
  EXPECT_TRUE(r.counts().clean());
  EXPECT_EQ(r.programs().at(0x1000).streams.size(), 32u);
  Reader holed;
  read_all(holed, without(std::move(out.vector()), 2));
  EXPECT_EQ(holed.counts().continuity, 1u);
  EXPECT_TRUE(holed.programs().empty());
}

TEST(Reader, ReadsWhatFfmpegWrites) {
  if (!have_ffmpeg()) GTEST_SKIP();
  const auto s = real_stream(std::string(kRealOptions) + " -pes_payload_size 4096");
  ASSERT_EQ(s.info->tracks.size(), 2u);
  EXPECT_EQ(s.info->tracks[0].video()->width, 320);
  EXPECT_EQ(s.info->tracks[1].audio()->sample_rate, 48000);
  size_t keys = 0;
  for (const auto& p : s.packets) keys += p->track == kVideo && p->keyframe;
  EXPECT_EQ(keys, 4u);
}

}  // namespace
}  // namespace weir::mpegts
