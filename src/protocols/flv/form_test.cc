// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/flv/form.h"

#include <gtest/gtest.h>

namespace weir::flv_play {
namespace {

Result<Form> parse(std::string_view query, Carrier carrier = Carrier::body) {
  net::http::Request r;
  r.query = query;
  return parse_form(r, carrier);
}

TEST(Form, ReadsItsArguments) {
  const struct {
    const char* query;
    const char* name;
  } table[] = {
      {"", "flv"},
      {"key=1&audio=1", "flv"},
      {"audio=", "flv"},
      {"audio=0", "flv no-audio"},
      {"video=false", "flv no-video"},
      {"multitrack=1", "flv multitrack"},
      {"video=0&multitrack=true&audio=1", "flv no-video multitrack"},
  };
  for (const auto& row : table) {
    const auto form = parse(row.query);
    ASSERT_TRUE(form) << row.query;
    EXPECT_EQ(form->name(), row.name) << row.query;
  }
  EXPECT_EQ(parse("audio=0", Carrier::websocket)->name(), "ws-flv no-audio");
}

TEST(Form, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(parse("audio=maybe").error().what, "audio must be 0 or 1");
  EXPECT_EQ(parse("multitrack=2").error().code, Code::protocol);
  EXPECT_EQ(parse("audio=0&video=0").error().what, "audio=0 and video=0 leave nothing to send");
}

// Adobe FLV 10.1 E.2, and the first previous tag size.
TEST(Form, OpensWithTheFileHeader) {
  const auto header = [](const Form& f) { return to_hex(opening(f, nullptr)); };
  EXPECT_EQ(header({}), "464c5601050000000900000000");
  EXPECT_EQ(header({.audio = false}), "464c5601010000000900000000");
  EXPECT_EQ(header({.video = false}), "464c5601040000000900000000");
  EXPECT_EQ(header({.carrier = Carrier::websocket}), "820d464c5601050000000900000000");
}

TEST(Form, PromisesOnlyWhatTheStreamHas) {
  const Track video{TrackId{0}, Codec::h264, {}, VideoParams{}, {}};
  const Track audio{TrackId{64}, Codec::aac, {}, AudioParams{}, {}};
  const auto flags = [](const Form& f, std::vector<Track> tracks) {
    StreamInfo info;
    info.tracks = std::move(tracks);
    return static_cast<int>(opening(f, &info)[4]);
  };
  EXPECT_EQ(flags({}, {video, audio}), 5);
  EXPECT_EQ(flags({}, {video}), 1);
  EXPECT_EQ(flags({}, {audio}), 4);
  EXPECT_EQ(flags({.audio = false}, {video, audio}), 1);
  EXPECT_EQ(flags({.audio = false}, {audio}), 1);  // nothing yet: as when nothing is known
  EXPECT_EQ(flags({}, {}), 5);
}

}  // namespace
}  // namespace weir::flv_play
