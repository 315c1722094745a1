// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/ingest.h"

#include <algorithm>

#include "containers/flv/samples_for_test.h"
#include "protocols/rtmp/session_fixture.h"

namespace weir::rtmp::testing {
namespace {

constexpr uint32_t kWrap = 0xffffffff;

// One publisher, and somebody who is there from the beginning. What is seen: "I(vad)" tracks by
// kind, then packets as in hub/fixture.h, "d40" data.
struct Feed : World {
  Feed() : ingest(publish()), reader(subscribe()) {
    CHECK(!reader.try_next(), "it waits for the first event");
  }

  std::string send(const std::vector<Message>& messages) {
    for (const Message& m : messages) ingest.read(m);
    ingest.flush();
    return seen();
  }
  std::string seen() {
    cores.run_until_idle();
    std::string out;
    while (auto e = reader.try_next()) out += (out.empty() ? "" : " ") + word(*e);
    return out;
  }
  static std::string word(const hub::Event& e) {
    if (const auto* i = std::get_if<StreamInfoPtr>(&e)) {
      std::string kinds;
      for (const Track& t : (*i)->tracks)
        kinds += t.kind() == Kind::video ? 'v' : t.kind() == Kind::audio ? 'a' : 'd';
      return "I(" + kinds + ")";
    }
    const auto* p = std::get_if<PacketPtr>(&e);
    if (p && (*p)->track == TrackId{flv::Demuxer::kScript})
      return "d" + std::to_string((*p)->dts / 1ms);
    return hub::testing::text(e);
  }
  const Track* track(Codec codec) {
    for (const Track& t : reader.info()->tracks)
      if (t.codec == codec) return &t;
    return nullptr;
  }

  Ingest ingest;
  hub::Subscription reader;
};

Message promise(bool audio, bool video, uint32_t at = 0) {
  std::vector<flv::Member> members{{"width", 64}};
  if (audio) members.push_back({"audiocodecid", 10});
  if (video) members.push_back({"videocodecid", 7});
  return metadata(std::move(members), at);
}

struct Row {
  const char* name;
  std::vector<Message> sent;
  std::string seen;
  uint64_t jumps = 0, reordered = 0, dropped = 0;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {"MetadataFirst",
       {promise(true, true), avc_header(), aac_header(), key(0), sound(5), inter(40)},
       "I(vad) K0 a5 p40"},
      {"MetadataLate",
       {avc_header(), aac_header(), key(0), sound(5), promise(true, true, 10), inter(40)},
       "I(va) K0 a5 I(vad) p40"},
      {"NoMetadata", {avc_header(), aac_header(), key(0), sound(5)}, "I(va) K0 a5"},
      {"AudioOnlyPromised", {promise(true, false), aac_header(), sound(0)}, "I(ad) a0"},
      {"VideoOnlyPromised", {promise(false, true), avc_header(), key(0)}, "I(vd) K0"},
      {"OnlyOneKindYet", {avc_header(), key(0), inter(40)}, ""},
      {"OnlyOneKindForASecond",
       {avc_header(), key(0), inter(500), inter(1000)},
       "I(v) K0 p500 p1000"},
      {"PromisedAndMissing",
       {promise(true, true), aac_header(), sound(0), sound(1000)},
       "I(ad) a0 a1000"},
      {"PromisedAndLate",
       {promise(true, true), aac_header(), sound(0), sound(1000), avc_header(1010), key(1010)},
       "I(ad) a0 a1000 I(vad) K1010"},
      {"StartsFarAway",
       {avc_header(8'000'000), aac_header(8'000'000), key(8'000'000), sound(8'000'010),
        inter(8'000'040)},
       "I(va) K0 a10 p40"},
      {"Wraps",
       {avc_header(), aac_header(), key(kWrap - 39), sound(kWrap - 9), inter(0), sound(11)},
       "I(va) K0 a30 p40 a51"},
      {"JumpsForwardAndBack",
       {avc_header(), aac_header(), key(0), inter(40), sound(50), inter(20'000), inter(20'040),
        inter(80)},
       "I(va) K0 p40 a50 p90 p130 p170",
       2},
      {"GoesBackALittle",
       {avc_header(), aac_header(), key(0), sound(0), inter(80), inter(40)},
       "I(va) K0 a0 p80 p80",
       0,
       1},
      {"DataAtZeroAmidMedia",
       {avc_header(50'000), aac_header(50'000), key(50'000), sound(50'000), inter(51'000),
        make_data({"onTextData", "x"}, 1, 0), inter(51'040)},
       "I(va) K0 a0 p1000 I(vad) d1000 p1040"},
      {"DataInTime",
       {avc_header(), aac_header(), key(0), sound(0), make_data({"onCuePoint", "x"}, 1, 20),
        inter(40)},
       "I(va) K0 a0 I(vad) d20 p40"},
      {"DataAtZeroAmidAWrap",
       {avc_header(), aac_header(), key(kWrap - 9), sound(kWrap - 9),
        make_data({"onTextData", "x"}, 1, 0), inter(30)},
       "I(va) K0 a0 I(vad) d10 p40"},
      {"FramesBeforeTheirConfiguration",
       {key(0), sound(0), avc_header(40), aac_header(40), key(40), sound(40)},
       "I(va) K40 a40",
       0,
       0,
       2},
      {"OddTags",
       {avc_header(), aac_header(), media(MessageType::video, 0, ""),
        media(MessageType::video, 0, "17"), media(MessageType::audio, 0, "ff"),
        media(MessageType::data_amf0, 0, "ff00"), media(MessageType::video, 0, "ff"), key(0),
        sound(0)},
       "I(va) K0 a0",
       0,
       0,
       5},
      {"EndOfSequenceIsNoPicture",
       {avc_header(), aac_header(), key(0), sound(0), media(MessageType::video, 40, "1702000000")},
       "I(va) K0 a0",
       0,
       0,
       1},
  };
  return all;
}

TEST(Ingest, Conversations) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    Feed f;
    EXPECT_EQ(f.send(row.sent), row.seen);
    EXPECT_EQ(f.ingest.repaired().jumps, row.jumps);
    EXPECT_EQ(f.ingest.repaired().reordered, row.reordered);
    EXPECT_EQ(f.ingest.dropped(), row.dropped);
  }
}

TEST(Ingest, WhatIsHeldComesWithTheEnd) {
  Feed f;
  EXPECT_EQ(f.send({avc_header(), key(0)}), "");
  f.ingest.end(hub::Ending::clean);
  EXPECT_EQ(f.seen(), "I(v) K0 E");
}

TEST(Ingest, WhatIsHeldIsBounded) {
  {
    Feed f;
    Message big = key(0);
    ByteWriter body;
    body.bytes(from_hex("17 01 000000 00100000 65"));
    body.zeros((1 << 20) - 1);
    big.payload = body.take();
    EXPECT_EQ(f.send({avc_header(), big, big, big}), "");
    EXPECT_EQ(f.send({big}), "I(v) K0 K0 K0 K0");
  }
  Feed f;
  f.send({avc_header(), key(0)});
  for (int i = 0; i < 298; ++i) EXPECT_EQ(f.send({inter(1)}), "");
  EXPECT_NE(f.send({inter(1)}), "");
}

TEST(Ingest, MetadataThatIsTooLargeIsDropped) {
  Feed f;
  const std::string text(300'000, 'x');
  ByteWriter body;
  body.bytes(make_data({"onMetaData"}, 1).payload);
  body.u8(3);  // an object whose one member is a long string
  body.u16(1);
  body.text("k");
  body.u8(12);
  body.u32(static_cast<uint32_t>(text.size()));
  body.text(text);
  body.u24(9);
  Message m = make_data({"x"}, 1);
  m.payload = body.take();
  EXPECT_EQ(f.send({avc_header(), aac_header(), key(0), sound(0), m, inter(40)}),
            "I(va) K0 a0 p40");
  EXPECT_EQ(f.ingest.dropped(), 1u);
}

TEST(Ingest, AFloodOfDataIsOnlyPackets) {
  Feed f;
  f.send({avc_header(), aac_header(), key(0), sound(0)});
  for (uint32_t i = 0; i < 5000; ++i) f.ingest.read(make_data({"onTextData", i}, 1, 0));
  f.ingest.flush();
  const std::string seen = f.seen();
  EXPECT_EQ(std::ranges::count(seen, 'd'), 5001);  // and the one in I(vad)
  EXPECT_EQ(f.send({inter(40)}), "p40");
  EXPECT_EQ(f.ingest.repaired().jumps, 0u);
}

TEST(Ingest, MetadataIsPassedOn) {
  Feed f;
  f.send({metadata({{"width", 64}, {"framerate", 25}, {"maker", "me"}}), avc_header(), aac_header(),
          key(0), sound(0)});
  ASSERT_TRUE(f.track(Codec::script));
  EXPECT_NE(f.track(Codec::script)->config.text().find("maker"), std::string_view::npos);
  EXPECT_EQ(f.track(Codec::h264)->video()->frame_rate, 25);
  EXPECT_EQ(f.track(Codec::h264)->video()->width, 64);
}

TEST(Ingest, Amf3DataIsUnderstood) {
  Feed f;
  Message m = metadata({{"framerate", 30}});
  ByteWriter body;
  body.u8(0);
  body.bytes(m.payload);
  m.type = MessageType::data_amf3;
  m.payload = body.take();
  f.send({m, avc_header(), aac_header(), key(0), sound(0)});
  EXPECT_EQ(f.track(Codec::h264)->video()->frame_rate, 30);
}

// "x" FourCC video, sequence start or coded frames (Enhanced RTMP v2).
Message enhanced(char packet_type, std::string_view fourcc, Bytes body, uint32_t at, bool key) {
  Message m = media(MessageType::video, at, "");
  ByteWriter w;
  w.u8(static_cast<uint8_t>(0x80 | (key ? 0x10 : 0x20) | packet_type));
  w.text(fourcc);
  w.bytes(body);
  m.payload = w.take();
  return m;
}

TEST(Ingest, EnhancedHevc) {
  Feed f;
  const auto frame = flv::sample(Codec::h265, {}).keyframe;
  EXPECT_EQ(f.send({promise(true, true), enhanced(0, "hvc1", from_hex(flv::kHevcRecord), 0, true),
                    aac_header(), enhanced(3, "hvc1", frame, 0, true), sound(0)}),
            "I(vad) K0 a0");
  EXPECT_TRUE(f.track(Codec::h265));
}

TEST(Ingest, HevcAsCodec12) {
  Feed f;
  const std::string header = "1c 00 000000" + std::string(flv::kHevcRecord);
  const std::string frame = "1c 01 000000" + to_hex(flv::sample(Codec::h265, {}).keyframe);
  EXPECT_EQ(f.send({media(MessageType::video, 0, header), aac_header(),
                    media(MessageType::video, 0, frame), sound(0)}),
            "I(va) K0 a0");
  EXPECT_TRUE(f.track(Codec::h265));
}

TEST(Ingest, TheCodecMayChange) {
  Feed f;
  EXPECT_EQ(f.send({avc_header(), aac_header(), key(0), sound(0)}), "I(va) K0 a0");
  const auto frame = flv::sample(Codec::h265, {}).keyframe;
  EXPECT_EQ(f.send({enhanced(0, "hvc1", from_hex(flv::kHevcRecord), 40, true),
                    enhanced(3, "hvc1", frame, 40, true), inter(80)}),
            "I(va) K40");
  EXPECT_TRUE(f.track(Codec::h265));
  EXPECT_FALSE(f.track(Codec::h264));
  EXPECT_EQ(f.send({avc_header(120), key(120)}), "I(va) K120");
  EXPECT_TRUE(f.track(Codec::h264));
}

TEST(Ingest, AChangeWhilePacketsAreHeldDescribesOnlyWhatFollows) {
  Feed f;
  const auto frame = flv::sample(Codec::h265, {}).keyframe;
  f.ingest.read(avc_header());
  f.ingest.read(key(0));
  f.ingest.read(enhanced(0, "hvc1", from_hex(flv::kHevcRecord), 40, true));
  f.ingest.read(enhanced(3, "hvc1", frame, 40, true));
  f.ingest.flush();
  f.cores.run_until_idle();
  std::vector<Codec> codecs;
  std::string order;
  while (auto e = f.reader.try_next()) {
    if (const auto* i = std::get_if<StreamInfoPtr>(&*e)) codecs.push_back((*i)->tracks[0].codec);
    order += Feed::word(*e) + " ";
  }
  EXPECT_EQ(order, "I(v) K0 I(v) K40 ");
  EXPECT_EQ(codecs, (std::vector{Codec::h264, Codec::h265}));
}

TEST(Ingest, SeveralTracksOfAKind) {
  Feed f;
  // ManyTracks of one codec: track 0 and 1, each with its size (Enhanced RTMP v2).
  const Bytes record = from_hex(flv::kAvcRecord);
  ByteWriter header;
  header.bytes(from_hex("96 10"));  // multitrack, many tracks, sequence start
  header.text("avc1");
  for (uint8_t track = 0; track < 2; ++track) {
    header.u8(track);
    header.u24(static_cast<uint32_t>(record.size()));
    header.bytes(record);
  }
  Message start = media(MessageType::video, 0, "");
  start.payload = header.take();
  EXPECT_EQ(f.send({start, aac_header(), key(0), sound(0)}), "I(vva) K0 a0");
}

}  // namespace
}  // namespace weir::rtmp::testing
