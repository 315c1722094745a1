// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/flv/egress.h"

#include <gtest/gtest.h>

#include "protocols/flv/fixture.h"

namespace weir::flv_play {
namespace {

using namespace testing;

StreamInfo info_of(std::vector<Track> tracks) {
  StreamInfo info;
  info.tracks = std::move(tracks);
  return info;
}

// Preface, then the packets, as a player that knows the file header already would note them.
std::string mux(const Form& form, const StreamInfo& info, const std::vector<Packet>& packets) {
  Egress egress(form);
  Notes notes(form.carrier);
  notes.read(opening(form, &info));
  notes.read(egress.preface(info, 0s));
  ByteWriter out;
  for (const Packet& p : packets) egress.packet(info, p, out);
  notes.read(out.span());
  EXPECT_TRUE(notes.whole());
  return notes.take();
}

const std::vector<Packet> kStart = {video(0, true), audio(21), video(40, false)};

TEST(FlvEgress, FormsLeaveOutWhatTheySay) {
  const auto info = info_of(video_and_audio());
  EXPECT_EQ(mux({}, info, kStart), "Hav M C c K0 a21 p40");
  EXPECT_EQ(mux({.audio = false}, info, kStart), "Hv M C K0 p40");
  EXPECT_EQ(mux({.video = false}, info, kStart), "Ha M c a21");
}

TEST(FlvEgress, OverAWebSocketEachPacketIsOneFrame) {
  const auto info = info_of(video_and_audio());
  EXPECT_EQ(mux({.carrier = Carrier::websocket}, info, kStart),
            "[ Hav ] [ M C c ] [ K0 ] [ a21 ] [ p40 ]");
}

// RFC 6455 5.2: three ways to tell the length.
TEST(FlvEgress, FramesOfAnySize) {
  const auto info = info_of(video_and_audio());
  for (const size_t size : {1u, 80u, 110u, 111u, 130u, 65000u, 65515u, 65516u, 65536u, 1u << 20})
    EXPECT_EQ(mux({.carrier = Carrier::websocket}, info, {video(0, true, size)}),
              "[ Hav ] [ M C c ] [ K0 ]")
        << size;
}

TEST(FlvEgress, FurtherTracksOnlyWhenAskedFor) {
  auto tracks = video_and_audio();
  Track second = tracks[1];
  second.id = TrackId{65};
  tracks.push_back(second);
  const auto info = info_of(std::move(tracks));
  Packet more = audio(21, 30);
  more.track = TrackId{65};
  const auto size_of = [&](const Form& form) {
    Egress egress(form);
    ByteWriter out;
    egress.preface(info, 0s);
    egress.packet(info, more, out);
    return out.size();
  };
  EXPECT_EQ(size_of({}), 0u);
  EXPECT_GT(size_of({.multitrack = true}), flv::kTagHeaderSize + 30 + flv::kTagTrailerSize);
}

TEST(FlvEgress, JoinsGoByTheTracksThatAreShown) {
  const auto info = info_of(video_and_audio());
  Egress all({}), sound({.video = false});
  all.preface(info, 0s);
  sound.preface(info, 0s);
  EXPECT_TRUE(all.joins_at(info, video(0, true)));
  EXPECT_FALSE(all.joins_at(info, audio(0)));
  EXPECT_TRUE(sound.joins_at(info, audio(0)));
}

TEST(FlvEgress, TimesWrapAt32Bits) {
  Egress egress({});
  const auto info = info_of(video_and_audio());
  egress.preface(info, 0s);
  Packet late = video(0, true);
  late.dts = late.pts = std::chrono::milliseconds((1ll << 32) + 40);
  ByteWriter out;
  egress.packet(info, late, out);
  Notes notes(Carrier::body);
  notes.read(opening({}, &info));
  notes.read(out.span());
  EXPECT_EQ(notes.take(), "Hav K40");
}

TEST(FlvEgress, UnknownTracksAndEmptyStreamsGiveNothing) {
  EXPECT_EQ(
      mux({.carrier = Carrier::websocket, .video = false}, info_of({video_and_audio()[0]}), kStart),
      "[ Ha ] [ M ]");
}

}  // namespace
}  // namespace weir::flv_play
