// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mp4/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

namespace weir::mp4 {
namespace {

using testing::ElementsAre;

std::string be(uint64_t v, size_t n) {
  std::string out;
  while (n-- > 0) out += static_cast<char>(v >> (8 * n));
  return out;
}
std::string u16(uint64_t v) { return be(v, 2); }
std::string u32(uint64_t v) { return be(v, 4); }
std::string u64(uint64_t v) { return be(v, 8); }
std::string zeros(size_t n) { return std::string(n, '\0'); }

std::string box(const std::string& type, const std::string& body) {
  return u32(body.size() + 8) + type + body;
}
std::string full(const std::string& type, uint8_t version, uint32_t flags,
                 const std::string& body) {
  return box(type, be(version, 1) + be(flags, 3) + body);
}

// A track as a test wants it: each part may be replaced.
struct Parts {
  std::string tkhd = full("tkhd", 0, 7, zeros(8) + u32(1) + zeros(68));
  std::string mdhd = full("mdhd", 0, 0, zeros(8) + u32(90000) + zeros(8));
  std::string hdlr = full("hdlr", 0, 0, zeros(4) + "vide" + zeros(13));
  std::string entry = box("avc1", zeros(24) + u16(320) + u16(180) + zeros(50) +
                                      box("avcC", "config") + box("colr", "nclx"));
  std::string stsd = full("stsd", 0, 0, u32(1) + entry);
  std::string trex = full("trex", 0, 0, u32(1) + u32(1) + u32(3000) + u32(5) + u32(0x10000));

  std::string trak() const {
    return box("trak", tkhd + box("mdia", mdhd + hdlr + box("minf", box("stbl", stsd))));
  }
  std::string file() const {
    return box("ftyp", "iso6" + zeros(4) + "iso6cmfc") + box("moov", trak() + box("mvex", trex));
  }
};

Result<Header> header_of(const std::string& in) { return read_header(as_bytes(in)); }

Header one_track() {
  static const std::string file = Parts{}.file();
  return *header_of(file);
}

std::string text(ByteSpan in) { return {in.begin(), in.end()}; }

TEST(Box, SizesOfThreeKindsAndUserTypes) {
  const std::string in = box("free", "ab") + u32(1) + "mdat" + u64(18) + "cd" + u32(26) + "uuid" +
                         std::string(16, 'u') + "ef" + u32(0) + "mdat" + "the rest";
  size_t at = 0;
  std::vector<std::string> seen;
  for (auto b = next_box(as_bytes(in), at); b; b = next_box(as_bytes(in), at))
    seen.push_back(std::to_string(b->offset) + std::string(b->type) + ":" + text(b->body));
  EXPECT_THAT(seen, ElementsAre("0free:ab", "10mdat:cd", "28uuid:ef", "54mdat:the rest"));
  EXPECT_EQ(at, in.size());
  EXPECT_EQ(next_box(as_bytes(in), at).error().code, Code::not_found);
}

TEST(Box, HeadersThatDoNotFit) {
  for (const std::string& in :
       {zeros(1), zeros(7), u32(7) + "free", u32(9) + "free", u32(0xffffffff) + "free",
        u32(1) + "free", u32(1) + "free" + u64(15), u32(1) + "free" + u64(17),
        u32(1) + "free" + u64(UINT64_MAX), u32(23) + "uuid" + zeros(16), u32(24) + "uuid"}) {
    size_t at = 0;
    const auto b = next_box(as_bytes(in), at);
    ASSERT_FALSE(b) << to_hex(as_bytes(in));
    EXPECT_EQ(b.error().code, Code::protocol);
    EXPECT_EQ(at, 0u);
  }
}

TEST(Header, WhatItSaysOfATrack) {
  const std::string file = Parts{}.file();
  const auto h = header_of(file);
  ASSERT_TRUE(h) << h.error().what;
  EXPECT_EQ(h->major_brand, "iso6");
  EXPECT_THAT(h->brands, ElementsAre("iso6", "cmfc"));
  ASSERT_EQ(h->tracks.size(), 1u);
  const auto& t = h->tracks[0];
  EXPECT_EQ(t.track_id, 1u);
  EXPECT_EQ(t.timescale, 90000u);
  EXPECT_EQ(t.handler, "vide");
  EXPECT_EQ(t.entry, "avc1");
  EXPECT_EQ(t.width, 320);
  EXPECT_EQ(t.height, 180);
  EXPECT_THAT(t.extensions, ElementsAre("avcC", "colr"));
  EXPECT_EQ(text(t.configuration), "config");
  EXPECT_EQ(t.default_duration, 3000u);
  EXPECT_EQ(t.default_size, 5u);
  EXPECT_EQ(t.default_flags, 0x10000u);
}

TEST(Header, WideVersionsSoundAndTheOrderOfBoxes) {
  Parts p;
  p.tkhd = full("tkhd", 1, 7, zeros(16) + u32(9) + zeros(80));
  p.mdhd = full("mdhd", 1, 0, zeros(16) + u32(48000) + zeros(12));
  p.hdlr = full("hdlr", 0, 0, zeros(4) + "soun" + zeros(13));
  p.stsd = full("stsd", 0, 0,
                u32(1) + box("mp4a", zeros(16) + u16(2) + u16(16) + zeros(4) + u32(48000u << 16) +
                                         box("esds", "x")));
  p.trex = full("trex", 0, 0, u32(9) + u32(1) + u32(1024) + zeros(8));
  Parts other;
  other.hdlr = full("hdlr", 0, 0, zeros(4) + "subt" + zeros(13));
  other.stsd = full("stsd", 0, 0, u32(1) + box("stpp", zeros(8) + "http://"));
  const std::string file = box("free", "") + box("moov", box("mvex", p.trex) + p.trak() +
                                                             box("udta", "") + other.trak());
  const auto h = header_of(file);
  ASSERT_TRUE(h) << h.error().what;
  EXPECT_EQ(h->major_brand, "");
  ASSERT_EQ(h->tracks.size(), 2u);
  EXPECT_EQ(h->tracks[0].track_id, 9u);
  EXPECT_EQ(h->tracks[0].timescale, 48000u);
  EXPECT_EQ(h->tracks[0].channels, 2);
  EXPECT_EQ(h->tracks[0].sample_rate, 48000u);
  EXPECT_EQ(h->tracks[0].default_duration, 1024u);
  EXPECT_EQ(h->tracks[1].entry, "stpp");
  EXPECT_THAT(h->tracks[1].extensions, ElementsAre());
}

TEST(Header, WrongAndHostile) {
  std::vector<std::pair<std::string, Parts>> rows;
  const auto row = [&](std::string what, std::string Parts::*part, std::string value) {
    rows.emplace_back(what, Parts{}).second.*part = value;
  };
  row("no tkhd", &Parts::tkhd, "");
  row("no mdhd", &Parts::mdhd, "");
  row("no hdlr", &Parts::hdlr, "");
  row("no stsd", &Parts::stsd, "");
  row("tkhd short", &Parts::tkhd, full("tkhd", 1, 0, zeros(19)));
  row("track zero", &Parts::tkhd, full("tkhd", 0, 0, zeros(80)));
  row("tkhd of a later version", &Parts::tkhd, full("tkhd", 2, 0, zeros(80)));
  row("no version", &Parts::tkhd, box("tkhd", zeros(3)));
  row("timescale zero", &Parts::mdhd, full("mdhd", 0, 0, zeros(20)));
  row("mdhd short", &Parts::mdhd, full("mdhd", 0, 0, zeros(11)));
  row("hdlr short", &Parts::hdlr, full("hdlr", 0, 0, zeros(7)));
  row("no entry", &Parts::stsd, full("stsd", 0, 0, u32(0)));
  row("fewer entries", &Parts::stsd, full("stsd", 0, 0, u32(0xffffffff) + Parts{}.entry));
  row("entry short", &Parts::stsd, full("stsd", 0, 0, u32(1) + box("avc1", zeros(77))));
  row("extension too long", &Parts::stsd,
      full("stsd", 0, 0, u32(1) + box("avc1", zeros(78) + u32(9) + "avcC")));
  row("trex short", &Parts::trex, full("trex", 0, 0, zeros(19)));
  row("box over the edge", &Parts::trex, u32(100) + "trex");
  row("box below its header", &Parts::trex, u32(4) + "trex");
  for (const auto& [what, parts] : rows) EXPECT_FALSE(header_of(parts.file())) << what;

  EXPECT_EQ(header_of("").error().code, Code::not_found);
  EXPECT_EQ(header_of(box("ftyp", "iso6" + zeros(4))).error().code, Code::not_found);
  EXPECT_FALSE(header_of(box("ftyp", "iso6") + box("moov", "")));
  EXPECT_FALSE(header_of(box("ftyp", "iso6" + zeros(5)) + box("moov", "")));
  EXPECT_FALSE(header_of(box("moov", Parts{}.trak() + Parts{}.trak())));  // one number twice
  std::string many;
  for (uint32_t i = 1; i <= 65; ++i) {
    Parts p;
    p.tkhd = full("tkhd", 0, 7, zeros(8) + u32(i) + zeros(68));
    many += p.trak();
  }
  EXPECT_EQ(header_of(box("moov", many)).error().code, Code::limit);
}

TEST(Header, DeepNestingIsOnlyBytes) {
  std::string in;
  for (int i = 0; i < 2000; ++i) in = box(i % 2 ? "trak" : "moov", in);
  EXPECT_FALSE(header_of(box("moov", in)));
  std::string moof;
  for (int i = 0; i < 2000; ++i) moof = box(i % 2 ? "traf" : "moof", moof);
  EXPECT_FALSE(read_chunks(one_track(), as_bytes(box("moof", moof))));
}

TEST(Header, CutAtEveryByte) {
  const std::string file = Parts{}.file();
  for (size_t n = 0; n < file.size(); ++n) EXPECT_FALSE(header_of(file.substr(0, n))) << n;
}

// A fragment of its own: `trafs` in a moof, then 26 letters as payload, 8 behind the moof.
constexpr uint32_t kMoofBase = 0x20000;

std::string moof(const std::string& trafs, uint32_t sequence = 1) {
  return box("moof", full("mfhd", 0, 0, u32(sequence)) + trafs);
}
std::string tfhd(uint32_t flags = kMoofBase, const std::string& fields = "", uint32_t id = 1) {
  return full("tfhd", 0, flags, u32(id) + fields);
}
const std::string kLetters = "abcdefghijklmnopqrstuvwxyz";

// Sizes do not depend on the values, so the offset of the payload is found by building twice.
template <class F>
std::string fragment(F trafs) {
  const size_t size = moof(trafs(0)).size();
  return moof(trafs(static_cast<uint32_t>(size) + 8)) + box("mdat", kLetters);
}

// "decode time+duration/composition offset:flags=payload"
std::vector<std::string> lines(const Result<std::vector<ReadChunk>>& chunks) {
  std::vector<std::string> out;
  if (!chunks) return {chunks.error().what};
  for (const auto& c : *chunks)
    for (const auto& s : c.samples) {
      std::ostringstream line;
      line << s.decode_time << "+" << s.duration << "/" << s.composition_offset << ":" << std::hex
           << s.flags << "=" << text(s.payload);
      out.push_back(line.str());
    }
  return out;
}

std::vector<std::string> read_lines(const std::string& in, const Header& h = one_track()) {
  return lines(read_chunks(h, as_bytes(in)));
}

TEST(Chunks, EveryFieldOfEverySample) {
  const std::string tfdt = full("tfdt", 1, 0, u64(0x100000000));
  const auto in = fragment([&](uint32_t data) {
    return box("traf", tfhd() + tfdt +
                           full("trun", 1, 0xf01,
                                u32(2) + u32(data) + u32(10) + u32(3) + u32(0x2000000) + u32(7) +
                                    u32(20) + u32(4) + u32(0x10000) + u32(-7)));
  });
  EXPECT_THAT(read_lines(in),
              ElementsAre("4294967296+10/7:2000000=abc", "4294967306+20/-7:10000=defg"));
  const auto chunks = *read_chunks(one_track(), as_bytes(in));
  EXPECT_EQ(chunks[0].sequence, 1u);
  EXPECT_EQ(chunks[0].track_id, 1u);
  EXPECT_TRUE(chunks[0].samples[0].sync());
  EXPECT_FALSE(chunks[0].samples[1].sync());
}

TEST(Chunks, DefaultsOfTrexTfhdAndFirstSample) {
  const auto with = [](const std::string& head, uint32_t flags, const std::string& fields) {
    return fragment([&](uint32_t data) {
      return box("traf", head + full("trun", 0, 1 | flags, u32(2) + u32(data) + fields));
    });
  };
  EXPECT_THAT(read_lines(with(tfhd(), 0, "")),
              ElementsAre("0+3000/0:10000=abcde", "3000+3000/0:10000=fghij"));
  const std::string own = tfhd(kMoofBase | 0x3a, u32(1) + u32(40) + u32(2) + u32(0x1010000));
  EXPECT_THAT(read_lines(with(own, 0, "")), ElementsAre("0+40/0:1010000=ab", "40+40/0:1010000=cd"));
  EXPECT_THAT(read_lines(with(own, 4, u32(0x2000000))),
              ElementsAre("0+40/0:2000000=ab", "40+40/0:1010000=cd"));
  EXPECT_THAT(read_lines(with(own, 0x400, u32(1) + u32(2))),
              ElementsAre("0+40/0:1=ab", "40+40/0:2=cd"));
  // Version 0 has offsets without a sign.
  EXPECT_THAT(read_lines(with(own, 0x800, u32(0xffffffff) + u32(0))),
              ElementsAre("0+40/4294967295:1010000=ab", "40+40/0:1010000=cd"));
}

TEST(Chunks, TimesGoOnWithoutTfdt) {
  const auto part = [](const std::string& tfdt, uint32_t flags = kMoofBase,
                       const std::string& fields = "", uint32_t count = 1) {
    return fragment([&](uint32_t data) {
      return box("traf", tfhd(flags, fields) + tfdt +
                             (count ? full("trun", 0, 1, u32(count) + u32(data)) : ""));
    });
  };
  const std::string in = part("") + part("", kMoofBase, "", 2) +
                         part("", kMoofBase | 0x10008, u32(500), 0) +
                         part(full("tfdt", 0, 0, u32(100000))) + part("");
  EXPECT_THAT(read_lines(in), ElementsAre("0+3000/0:10000=abcde", "3000+3000/0:10000=abcde",
                                          "6000+3000/0:10000=fghij", "100000+3000/0:10000=abcde",
                                          "103000+3000/0:10000=abcde"));
  const auto chunks = *read_chunks(one_track(), as_bytes(in));
  EXPECT_EQ(chunks.size(), 5u);
  EXPECT_TRUE(chunks[2].samples.empty());
}

TEST(Chunks, WhereTheDataIs) {
  Header h = one_track();
  h.tracks.push_back(h.tracks[0]);
  h.tracks[1].track_id = 2;
  const auto run = [](uint32_t flags, const std::string& offset) {
    return full("trun", 0, flags, u32(1) + offset);
  };
  const std::string implied = run(0, "");
  // default-base-is-moof: both tracks count from the moof; a run without an offset goes on.
  EXPECT_THAT(
      read_lines(fragment([&](uint32_t data) {
                   return box("traf", tfhd() + run(1, u32(data)) + implied +
                                          run(1, u32(data + 16)) + implied) +
                          box("traf", tfhd(kMoofBase, "", 2) + run(1, u32(data + 1)));
                 }),
                 h),
      ElementsAre("0+3000/0:10000=abcde", "3000+3000/0:10000=fghij", "6000+3000/0:10000=qrstu",
                  "9000+3000/0:10000=vwxyz", "0+3000/0:10000=bcdef"));
}

TEST(Chunks, WhereTheDataIsBeforeMoofWasTheBase) {
  Header h = one_track();
  h.tracks.push_back(h.tracks[0]);
  h.tracks[1].track_id = 2;
  const auto run = [](const std::string& offset) {
    return full("trun", 0, offset.empty() ? 0 : 1, u32(1) + offset);
  };
  // Without either flag the second track's base is the end of the first one's data.
  const auto chained = fragment([&](uint32_t data) {
    return box("traf", tfhd(0) + run(u32(data)) + run("")) +
           box("traf", tfhd(0, "", 2) + run("") + run(u32(7)));
  });
  EXPECT_THAT(read_lines(chained, h),
              ElementsAre("0+3000/0:10000=abcde", "3000+3000/0:10000=fghij", "0+3000/0:10000=klmno",
                          "3000+3000/0:10000=rstuv"));
  // base-data-offset counts from the start of the input, and beats the other flag.
  for (const uint32_t flags : {1u, 1u | kMoofBase}) {
    const std::string in =
        box("mdat", kLetters) + moof(box("traf", tfhd(flags, u64(10)) + run(u32(-1)) + run("")));
    EXPECT_THAT(read_lines(in), ElementsAre("0+3000/0:10000=bcdef", "3000+3000/0:10000=ghijk"));
  }
}

TEST(Chunks, OtherBoxesAndTheirOrder) {
  const auto part = [](uint32_t sequence) {
    const auto trafs = [](uint32_t data) {
      return box("free", "") +
             box("traf", box("sdtp", "?") + full("trun", 0, 1, u32(1) + u32(data)) + tfhd() +
                             full("tfdt", 0, 0, u32(5)));
    };
    const auto size = static_cast<uint32_t>(moof(trafs(0)).size());
    return box("styp", "msdh" + zeros(4)) + full("sidx", 0, 0, zeros(20)) +
           moof(trafs(size + 8), sequence) + box("mdat", kLetters);
  };
  const std::string in = Parts{}.file() + part(7) + part(8) + box("mfra", "");
  EXPECT_THAT(read_lines(in), ElementsAre("5+3000/0:10000=abcde", "5+3000/0:10000=abcde"));
  const auto chunks = *read_chunks(one_track(), as_bytes(in));
  EXPECT_EQ(chunks[0].sequence, 7u);
  EXPECT_EQ(chunks[1].sequence, 8u);
}

// Everything here is in front of a payload of 26 bytes that is whole, so nothing passes for a cut.
TEST(Chunks, WrongAndHostile) {
  const auto traf = [](const std::string& boxes) { return moof(box("traf", boxes)); };
  const auto run = [](uint32_t flags, const std::string& fields, uint8_t version = 0) {
    return full("trun", version, flags, fields);
  };
  const std::string none = tfhd(kMoofBase | 0x10, u32(0));  // samples without bytes
  const std::string byte = tfhd(kMoofBase | 0x10, u32(1));
  const std::map<std::string, std::string> rows = {
      {"no mfhd", box("moof", "")},
      {"mfhd short", box("moof", full("mfhd", 0, 0, zeros(3)))},
      {"box over the edge", box("moof", full("mfhd", 0, 0, u32(1)) + u32(9) + "traf")},
      {"no tfhd", traf("")},
      {"tfhd of no track", traf(tfhd(0, "", 2))},
      {"tfhd short", traf(tfhd(0x3b, zeros(23)))},
      {"tfdt short", traf(tfhd() + full("tfdt", 1, 0, zeros(7)))},
      {"tfdt of a later version", traf(tfhd() + full("tfdt", 2, 0, zeros(8)))},
      {"trun short", traf(tfhd() + run(5, zeros(11)))},
      {"trun of a later version", traf(tfhd() + run(0, u32(0), 2))},
      {"two kinds of flags", traf(tfhd() + run(0x404, u32(1) + zeros(8)))},
      {"fewer samples", traf(tfhd() + run(0x200, u32(2) + zeros(4)))},
      {"bytes left over", traf(tfhd() + run(0x200, u32(1) + zeros(8)))},
      {"count of 2^32 with sizes", traf(tfhd() + run(0xf00, u32(0xffffffff) + zeros(64)))},
      {"count of 2^32, no bytes each", traf(none + run(0, u32(0xffffffff)))},
      {"count of 2^32, a byte each", traf(byte + run(0, u32(0xffffffff)))},
      {"size of 2^32", traf(tfhd() + run(0x200, u32(1) + u32(0xffffffff)))},
      {"second size too large", traf(tfhd() + run(0x200, u32(2) + u32(1) + u32(0xfffffff0)))},
      {"offset behind", traf(tfhd() + run(1, u32(1) + u32(0x7fffffff)))},
      {"offset in front", traf(tfhd() + run(1, u32(1) + u32(0x80000000)))},
      {"base behind", traf(tfhd(1, u64(UINT64_MAX)) + run(0, u32(1)))},
      {"base that wraps around", traf(tfhd(1, u64(UINT64_MAX - 7)) + run(1, u32(1) + u32(16)))},
      {"time past its end", traf(tfhd() + full("tfdt", 1, 0, u64(UINT64_MAX)) + run(0, u32(1)))},
      {"samples in an empty duration", traf(tfhd(kMoofBase | 0x10000) + run(0, u32(1)))},
      {"box below its header", u32(7) + "moof"},
  };
  for (const auto& [what, in] : rows) {
    const auto chunks = read_chunks(one_track(), as_bytes(in + box("mdat", kLetters)));
    EXPECT_FALSE(chunks) << what;
  }
}

TEST(Chunks, RunsOverTheSameBytesAreBounded) {
  // 2000 runs of 1000 samples each, all of the same bytes: more than the input could hold.
  std::string runs;
  for (int i = 0; i < 2000; ++i) runs += full("trun", 0, 1, u32(1000) + u32(0));
  const std::string in = moof(box("traf", tfhd(kMoofBase | 0x10, u32(1)) + runs));
  EXPECT_EQ(read_chunks(one_track(), as_bytes(in)).error().code, Code::limit);
}

TEST(Chunks, NothingInNothing) {
  EXPECT_TRUE(read_chunks(one_track(), {})->empty());
  EXPECT_TRUE(read_chunks(one_track(), as_bytes(zeros(5)))->empty());
  EXPECT_TRUE(read_chunks({}, as_bytes(Parts{}.file()))->empty());
}

TEST(Chunks, APayloadToTheEndOfAFileCutShort) {
  const auto whole = fragment(
      [](uint32_t data) { return box("traf", tfhd() + full("trun", 0, 1, u32(5) + u32(data))); });
  std::string open = whole;
  open.replace(open.size() - kLetters.size() - 8, 4, u32(0));
  EXPECT_EQ(read_lines(open).size(), 5u);
  EXPECT_THAT(read_lines(whole + open.substr(0, open.size() - 2)), testing::SizeIs(5));
}

}  // namespace
}  // namespace weir::mp4
