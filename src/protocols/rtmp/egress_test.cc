// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/egress.h"

#include <gmock/gmock.h>

#include <set>

#include "containers/flv/samples_for_test.h"
#include "protocols/rtmp/reader_fixture.h"
#include "protocols/rtmp/session_fixture.h"

namespace weir::rtmp::testing {
namespace {

StreamInfo info(std::vector<Track> tracks, uint32_t version = 1, uint32_t incarnation = 1) {
  return {.version = version, .incarnation = incarnation, .epoch = {}, .tracks = std::move(tracks)};
}

std::string words(ByteSpan bytes, uint32_t chunk_size, std::vector<Message>* messages = nullptr) {
  ChunkReader reader;
  std::vector<uint8_t> all;
  append_message(all, make_set_chunk_size(chunk_size), kDefaultChunkSize);
  all.insert(all.end(), bytes.begin(), bytes.end());
  const ReadBack back = read_back(reader, all, 7);
  EXPECT_FALSE(back.error) << back.error->what;
  EXPECT_EQ(reader.partial_bytes(), 0u);
  std::string out;
  for (const Message& m : back.messages) out += (out.empty() ? "" : " ") + text(m);
  if (messages) *messages = back.messages;
  return out;
}

std::string packets(Egress& e, const StreamInfo& i, const std::vector<Packet>& all,
                    uint32_t chunk_size, std::vector<Message>* messages = nullptr) {
  ByteWriter out;
  for (const Packet& p : all) e.packet(i, p, out);
  return words(out.span(), chunk_size, messages);
}

struct Row {
  Form form;
  std::string preface, packets, finish;
};

TEST(Egress, EveryFormReadsBack) {
  const Row rows[] = {
      {{}, "begin1 M C c", "K0 a10 p40 a70000", "eof1 onStatus/1 NetStream.Play.UnpublishNotify"},
      {{.stream_id = 7},
       "begin7 7/M 7/C 7/c",
       "7/K0 7/a10 7/p40 7/a70000",
       "eof7 onStatus/7 NetStream.Play.UnpublishNotify"},
      {{.audio = false}, "begin1 M C", "K0 p40", "eof1 onStatus/1 NetStream.Play.UnpublishNotify"},
      {{.video = false},
       "begin1 M c",
       "a10 a70000",
       "eof1 onStatus/1 NetStream.Play.UnpublishNotify"},
      {{.audio = false, .video = false},
       "begin1 M",
       "",
       "eof1 onStatus/1 NetStream.Play.UnpublishNotify"},
      {{.multitrack = true},
       "begin1 M C c",
       "K0 a10 p40 a70000",
       "eof1 onStatus/1 NetStream.Play.UnpublishNotify"},
  };
  const StreamInfo i = info(video_and_audio());
  const std::vector<Packet> sent{video(0, true, 300), audio(10), video(40, false, 1),
                                 audio(70'000)};
  for (const uint32_t chunk_size : {128u, 4096u, 60'000u, 1u << 20}) {
    for (const Row& row : rows) {
      Form form = row.form;
      form.chunk_size = chunk_size;
      SCOPED_TRACE(form.name());
      Egress e(form);
      EXPECT_EQ(words(e.preface(i, {}), chunk_size), row.preface);
      EXPECT_EQ(packets(e, i, sent, chunk_size), row.packets);
      ByteWriter end;
      e.finish(end);
      EXPECT_EQ(words(end.span(), chunk_size), row.finish);
    }
  }
}

TEST(Egress, NamesTellFormsApart) {
  std::set<std::string> names;
  for (const uint32_t stream : {1u, 2u})
    for (const uint32_t size : {128u, 4096u})
      for (const bool audio : {false, true})
        for (const bool video : {false, true})
          for (const bool multitrack : {false, true})
            names.insert(Form{stream, size, audio, video, multitrack}.name());
  EXPECT_EQ(names.size(), 32u);
}

TEST(Egress, ChunkStreamsAreTheUsualOnes) {
  const StreamInfo i = info(video_and_audio());
  Egress e({});
  std::vector<Message> messages;
  words(e.preface(i, 5s), 4096, &messages);
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].chunk_stream, 2u);
  EXPECT_EQ(messages[1].chunk_stream, kCommandChunkStream);
  EXPECT_EQ(messages[2].chunk_stream, kVideoChunkStream);
  EXPECT_EQ(messages[3].chunk_stream, kAudioChunkStream);
  EXPECT_EQ(messages[1].timestamp, 0u);
  EXPECT_EQ(messages[2].timestamp, 5000u);
}

TEST(Egress, TimestampsGoBeyond24And32Bits) {
  const StreamInfo i = info(video_and_audio());
  Egress e({.chunk_size = 128});
  words(e.preface(i, {}), 128);
  Packet p = video(0, true, 500);
  for (const int64_t ms : {int64_t{0xffffff}, int64_t{0x1000000}, int64_t{0x100000005}}) {
    p.dts = p.pts = std::chrono::milliseconds(ms);
    std::vector<Message> messages;
    packets(e, i, {p}, 128, &messages);
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0].timestamp, static_cast<uint32_t>(ms));
    EXPECT_EQ(messages[0].payload.size(), 505u);
  }
}

TEST(Egress, ANewPublisherBeginsAndAChangeDoesNot) {
  Egress e({});
  EXPECT_EQ(words(e.preface(info(video_and_audio()), {}), 4096), "begin1 M C c");
  EXPECT_EQ(words(e.preface(info(video_and_audio(), 2), {}), 4096), "M C c");
  EXPECT_EQ(words(e.preface(info(hub::testing::audio_only(), 1, 2), {}), 4096), "begin1 M c");
}

TEST(Egress, WhereAViewerMayStart) {
  const StreamInfo i = info(video_and_audio());
  Egress all({}), sound({.video = false});
  all.preface(i, {});
  sound.preface(i, {});
  EXPECT_TRUE(all.joins_at(i, video(0, true)));
  EXPECT_FALSE(all.joins_at(i, video(0, false)));
  EXPECT_FALSE(all.joins_at(i, audio(0)));
  EXPECT_TRUE(sound.joins_at(i, audio(0)));
  EXPECT_FALSE(sound.joins_at(i, video(0, true)));
}

TEST(Egress, SecondTracksOnlyForThoseWhoKnowThem) {
  auto tracks = video_and_audio();
  Track second = tracks[1];
  second.id = TrackId{65};
  tracks.push_back(second);
  const StreamInfo i = info(tracks);
  Packet p = audio(0);
  p.track = TrackId{65};
  Egress plain({}), multi({.multitrack = true});
  plain.preface(i, {});
  multi.preface(i, {});
  ByteWriter none, some;
  plain.packet(i, p, none);
  multi.packet(i, p, some);
  EXPECT_EQ(none.size(), 0u);
  EXPECT_GT(some.size(), p.payload.size());
}

TEST(Egress, EveryCodecComesBackThroughIngest) {
  for (const Codec codec : {Codec::h264, Codec::h265, Codec::av1, Codec::vp9, Codec::aac,
                            Codec::opus, Codec::mp3, Codec::ac3, Codec::eac3, Codec::flac}) {
    SCOPED_TRACE(static_cast<int>(codec));
    const TrackId id{kind_of(codec) == Kind::video ? uint8_t{0} : uint8_t{64}};
    const flv::Sample sample = flv::sample(codec, id);
    const StreamInfo i = info({sample.track});
    Egress e({});
    ByteWriter out;
    out.bytes(e.preface(i, {}));
    Packet p = video(0, true);
    p.track = id;
    p.payload = sample.keyframe;
    e.packet(i, p, out);
    std::vector<Message> messages;
    words(out.span(), 4096, &messages);

    World w;
    auto reader = w.subscribe();
    Ingest ingest(w.publish());
    for (const Message& m : messages)
      if (m.type != MessageType::user_control) ingest.read(m);
    ingest.end(hub::Ending::clean);
    w.cores.run_until_idle();
    bool packet = false;
    while (auto event = reader.try_next()) {
      if (const auto* got = std::get_if<PacketPtr>(&*event)) {
        packet = true;
        EXPECT_EQ((*got)->payload, sample.keyframe);
      }
      if (std::holds_alternative<hub::End>(*event)) break;
    }
    EXPECT_TRUE(packet);
    ASSERT_TRUE(reader.info());
    EXPECT_EQ(reader.info()->tracks[0].codec, codec);
  }
}

}  // namespace
}  // namespace weir::rtmp::testing
