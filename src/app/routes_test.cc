// Weir live-streaming server. MIT licence, see LICENSE.
#include "app/routes.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weir::app {
namespace {

hub::StreamStatus status(hub::Stream::State state) {
  hub::StreamStatus s;
  s.key = *make_stream_key("live", "demo");
  s.state = state;
  auto info = std::make_shared<StreamInfo>();
  info->tracks.push_back({TrackId{0}, Codec::vp8, {}, VideoParams{1280, 720, 30}, {}});
  info->tracks.push_back({TrackId{128}, Codec::script, {}, DataParams{}, {}});
  s.info = info;
  auto viewer = std::make_shared<hub::Peer>();
  viewer->query = "key=secret";
  s.viewers = {viewer};
  return s;
}

TEST(StreamsJson, ListsWhatCanBeWatched) {
  const auto text = streams_json(
      {status(hub::Stream::State::live), status(hub::Stream::State::waiting)}, {{"a_port", 7}});
  const auto j = nlohmann::json::parse(text);
  ASSERT_EQ(j["streams"].size(), 1u);
  const auto& s = j["streams"][0];
  EXPECT_EQ(s["app"], "live");
  EXPECT_EQ(s["viewers"], 1);
  EXPECT_EQ(s["live"], true);
  ASSERT_EQ(s["tracks"].size(), 1u);
  EXPECT_EQ(s["tracks"][0]["width"], 1280);
  EXPECT_EQ(j["a_port"], 7);
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST(StreamsJson, AHeldStreamIsListedAsNotLive) {
  const auto j = nlohmann::json::parse(streams_json({status(hub::Stream::State::held)}, {}));
  EXPECT_EQ(j["streams"][0]["live"], false);
}

TEST(StreamsJson, NamesThatAreNotTextDoNotThrow) {
  auto s = status(hub::Stream::State::live);
  s.key.name = "\xff\xfe";
  EXPECT_NO_THROW(streams_json({s}, {}));
}

}  // namespace
}  // namespace weir::app
