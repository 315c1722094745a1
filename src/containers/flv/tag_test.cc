// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/tag.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "containers/flv/muxer.h"

namespace weir::flv {
namespace {

using testing::HasSubstr;

template <size_t N>
std::string hex(const std::array<uint8_t, N>& a) {
  return to_hex(ByteSpan(a));
}

TEST(Tag, WritesHeaders) {
  EXPECT_EQ(hex(make_file_header({.audio = true, .video = true})), "464c5601050000000900000000");
  EXPECT_EQ(hex(make_file_header({.audio = true})), "464c5601040000000900000000");
  EXPECT_EQ(hex(make_tag_header(TagType::video, 0x010203, 0xaabbccdd)), "09010203bbccddaa000000");
  EXPECT_EQ(hex(make_tag_trailer(0x0a)), "00000015");
}

TEST(Tag, WritesMessages) {
  Message m{.type = TagType::audio, .header_size = 2, .payload = from_hex("112233")};
  m.header[0] = 0xaf;
  m.header[1] = 1;
  ByteWriter out;
  write_tag(out, m, 40);
  EXPECT_EQ(to_hex(out.span()),
            "0800000500002800000000"
            "af0111223300000010");
}

// Two tags of media, one of an unknown type, one encrypted, and an empty script tag between them.
Bytes sample() {
  return from_hex(
      "464c5601 05 0000000b ffff 00000000"
      "09 000003 000001 00 000000 010203 0000000e"
      "0f 000002 000001 00 000000 0102 0000000d"
      "28 000002 000001 00 000000 0102 0000000d"
      "12 000000 000002 00 000000 ffffffff"
      "08 000001 000003 7f 000000 09 0000000c");
}

void expect_sample(const FileReader& reader, const std::vector<Tag>& tags) {
  ASSERT_EQ(tags.size(), 3u);
  EXPECT_EQ(tags[0].type, TagType::video);
  EXPECT_EQ(tags[0].timestamp_ms, 1u);
  EXPECT_EQ(to_hex(tags[0].body), "010203");
  EXPECT_EQ(tags[1].type, TagType::script);
  EXPECT_TRUE(tags[1].body.empty());
  EXPECT_EQ(tags[2].type, TagType::audio);
  EXPECT_EQ(tags[2].timestamp_ms, 0x7f000003u);
  EXPECT_EQ(reader.counts().unknown_type, 1u);
  EXPECT_EQ(reader.counts().encrypted, 1u);
  EXPECT_TRUE(reader.header().audio);
  EXPECT_TRUE(reader.header().video);
}

TEST(FileReader, ReadsInPiecesOfAnySize) {
  const Bytes file = sample();
  for (const size_t step : {size_t{1}, size_t{2}, size_t{7}, size_t{64}, file.size()}) {
    FileReader reader;
    std::vector<Tag> tags;
    for (size_t at = 0; at < file.size(); at += step)
      ASSERT_TRUE(reader.read(file.slice(at, step), tags)) << step;
    expect_sample(reader, tags);
  }
}

TEST(FileReader, Refuses) {
  struct Case {
    const char* hex;
    const char* what;
  };
  for (const auto& [hex, what] : {
           Case{"464c5701 05 00000009 00000000", "no file header"},
           Case{"000000000000000000", "no file header"},
           Case{"464c5601 05 00000008", "header size 8"},
           Case{"464c5601 05 ffffffff", "header size"},
           Case{"464c5601 05 00000009 00000000 09 000101 000001 00 000000", "tag of 257"},
       }) {
    FileReader reader(256);
    std::vector<Tag> tags;
    const auto read = reader.read(from_hex(hex), tags);
    ASSERT_FALSE(read) << hex;
    EXPECT_THAT(read.error().what, HasSubstr(what)) << hex;
    EXPECT_FALSE(reader.read(sample(), tags)) << "an error is final";
    EXPECT_TRUE(tags.empty());
  }
}

TEST(FileReader, KeepsNothingOfACutTag) {
  const Bytes file = sample();
  FileReader reader;
  std::vector<Tag> tags;
  ASSERT_TRUE(reader.read(file.slice(0, file.size() - 1), tags));
  EXPECT_EQ(tags.size(), 2u);
}

TEST(FileReader, ReadsWhatWriteTagWrites) {
  ByteWriter out;
  out.bytes(make_file_header({.video = true}));
  const Message m{.type = TagType::video,
                  .header = {0x17, 1},
                  .header_size = 2,
                  .payload = Bytes::copy(std::string_view("payload"))};
  write_tag(out, m, 0x12345678);
  FileReader reader;
  std::vector<Tag> tags;
  ASSERT_TRUE(reader.read(out.span(), tags));
  ASSERT_EQ(tags.size(), 1u);
  EXPECT_EQ(tags[0].timestamp_ms, 0x12345678u);
  EXPECT_EQ(to_hex(tags[0].body), "1701" + to_hex(as_bytes("payload")));
}

}  // namespace
}  // namespace weir::flv
