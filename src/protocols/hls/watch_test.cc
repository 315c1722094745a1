// Weir live-streaming server. MIT licence, see LICENSE.

// The module behind a real HTTP server on real cores: a stream made by ffmpeg is published, and
// ffprobe reads it back over HLS, as CMAF and as transport stream. Every frame must be there once,
// in order, at its time. Sets out real sockets and time; everything that can be tested without is
// in routes_test.cc and service_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <sstream>

#include "containers/mpegts/fixture.h"
#include "net/http/server.h"
#include "net/task_group.h"
#include "protocols/hls/config.h"
#include "protocols/hls/module.h"
#include "segments/routes.h"

namespace weir::hls {
namespace {

using namespace mpegts::fixture;

template <class T>
net::Task<> finish(net::Task<T> task, std::optional<T>& out, std::promise<void>& done) {
  out.emplace(co_await task);
  net::Core::here().post([&done] { done.set_value(); });  // after this task has gone
}

// Services are stopped and destroyed on core 0, as the server does it.
net::Task<bool> stop_all(segments::Library& library, net::http::Server& http,
                         service::Started& service) {
  library.release_waiting();
  co_await http.stop();
  co_await (*service)->stop();
  co_await library.stop();
  service->reset();
  co_return true;
}

// Runs a task on a core's own thread and waits for it.
template <class T>
T run_on(net::Core& core, net::Task<T> task) {
  std::optional<T> out;
  std::promise<void> done;
  net::TaskGroup group(core);
  core.post([&] { group.spawn(finish(std::move(task), out, done)); });
  done.get_future().wait();
  return std::move(*out);
}

// `library`: is asked for the transport stream early on, for afterwards it is too late.
net::Task<bool> publish_all(hub::Hub& hub, const segments::Library& library, StreamKey key,
                            const RealStream& source, size_t from, size_t to, hub::Ending how) {
  auto peer = std::make_shared<hub::Peer>();
  peer->core = &net::Core::here();
  auto publication = co_await hub.publish(key, std::move(peer));
  if (!publication) co_return false;
  publication->announce(source.info->tracks);
  const Time start = source.packets[from]->dts;
  for (size_t i = from; i < to; ++i) {
    Packet p = *source.packets[i];
    p.dts -= start;
    p.pts -= start;
    publication->push(std::move(p));
    publication->flush();
    co_await net::on(net::Core::here());  // as a socket would: others run between reads
    if (i == from + 20) library.demand(key, segments::Demand::ts);
  }
  publication->end(how);
  co_return true;
}

struct RealServer {
  RealServer() {
    ConfigSchema schema;
    module.declare(schema);
    http_config->listen = Endpoint("127.0.0.1:0");
    config = ConfigDraft(schema).finish();
    hub.observe(library);
    context.emplace(cores, hub, *router, library, disk, config);
    service = run_on(cores[0], module.start(*context));
    CHECK(service.has_value(), "the module starts");
    segments::add_routes(*router, library);
    http.emplace(cores, router, http_config);
    CHECK(run_on(cores[0], http->start()).has_value(), "the server starts");
  }
  ~RealServer() { run_on(cores[0], stop_all(library, *http, service)); }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(http->port()) + path;
  }

  net::Cores cores{2};
  hub::Hub hub{cores, {}};
  net::BlockingPool disk{1};
  segments::Library library{hub, disk, std::make_shared<const segments::SegmentsConfig>()};
  std::shared_ptr<net::http::Router> router = std::make_shared<net::http::Router>();
  std::shared_ptr<net::http::HttpConfig> http_config = std::make_shared<net::http::HttpConfig>();
  ConfigPtr config;
  std::optional<service::Context> context;
  service::Started service = fail(Code::internal, "not started");
  std::optional<net::http::Server> http;
};

// Each picture's and sound's pts as a player should see it, 90 kHz.
std::vector<int64_t> times(const RealStream& s, TrackId track) {
  std::vector<int64_t> t;
  for (const auto& p : s.packets)
    if (p->track == track) t.push_back(900'000 + to_ticks(p->pts - s.packets[0]->dts, 90'000));
  return t;
}

std::vector<int64_t> times(const std::vector<Probed>& probed) {
  std::vector<int64_t> t;
  for (const auto& p : probed) t.push_back(p.pts);
  return t;
}

TEST(Watch, FfprobeSeesEveryFrameOnceInOrder) {
  if (!have_ffmpeg()) GTEST_SKIP();
  const auto source = real_stream(kRealOptions);
  RealServer server;
  ASSERT_TRUE(
      run_on(server.cores[1], publish_all(server.hub, server.library, {"live", "real", {}}, source,
                                          0, source.packets.size(), hub::Ending::clean)));
  auto seen = probe(server.url("/live/real/ts.m3u8"));
  for (const auto& [type, packets] : seen) EXPECT_TRUE(type == "video" || type == "audio") << type;
  EXPECT_EQ(times(seen["video"]), times(source, kVideo));
  EXPECT_THAT(times(seen["audio"]),
              testing::Pointwise(testing::DoubleNear(2), times(source, kAudio)));
}

// Presentation times in milliseconds from the first picture's on, by codec type: a CMAF track
// counts in a unit of its own.
std::map<std::string, std::vector<double>> probe_times(const std::string& input) {
  std::istringstream lines(
      run("ffprobe -v error -of compact=p=0 -show_entries packet=codec_type,pts_time '" + input +
          "' 2>&1"));
  std::map<std::string, std::vector<double>> out;
  for (std::string line; std::getline(lines, line);) {
    char type[32] = {};
    double seconds = 0;
    if (std::sscanf(line.c_str(), "codec_type=%31[^|]|pts_time=%lf", type, &seconds) == 2)
      out[type].push_back(seconds * 1000);
    else if (!line.empty())
      out["complaint: " + line].push_back(0);
  }
  const double zero = out["video"].empty() ? 0 : out["video"].front();
  for (auto& [type, times] : out)
    for (double& t : times) t -= zero;
  return out;
}

std::vector<double> expected_times(const RealStream& s, TrackId track) {
  const auto first =
      std::ranges::find_if(s.packets, [](const PacketPtr& p) { return p->track == kVideo; });
  std::vector<double> t;
  for (const auto& p : s.packets)
    if (p->track == track) t.push_back(static_cast<double>((p->pts - (*first)->pts) / 1us) / 1000);
  return t;
}

TEST(Watch, FfprobeSeesEveryFrameOfTheFragmentsToo) {
  if (!have_ffmpeg()) GTEST_SKIP();
  const auto source = real_stream(kRealOptions);
  RealServer server;
  ASSERT_TRUE(
      run_on(server.cores[1], publish_all(server.hub, server.library, {"live", "cmaf", {}}, source,
                                          0, source.packets.size(), hub::Ending::clean)));
  const auto seen = probe_times(server.url("/live/cmaf/index.m3u8"));
  for (const auto& [type, times] : seen) EXPECT_TRUE(type == "video" || type == "audio") << type;
  EXPECT_THAT(seen.at("video"),
              testing::Pointwise(testing::DoubleNear(1), expected_times(source, kVideo)));
  EXPECT_THAT(seen.at("audio"),
              testing::Pointwise(testing::DoubleNear(2), expected_times(source, kAudio)));
}

TEST(Watch, AReturnedPublisherGoesOnWhereTheFirstStopped) {
  if (!have_ffmpeg()) GTEST_SKIP();
  const auto source = real_stream(kRealOptions);
  // The second half starts with a keyframe, as any publisher does.
  size_t middle = source.packets.size() / 2;
  while (source.packets[middle]->track != kVideo || !source.packets[middle]->keyframe) ++middle;
  RealServer server;
  const StreamKey key{"live", "back", {}};
  ASSERT_TRUE(run_on(server.cores[1], publish_all(server.hub, server.library, key, source, 0,
                                                  middle, hub::Ending::lost)));
  ASSERT_TRUE(run_on(server.cores[1], publish_all(server.hub, server.library, key, source, middle,
                                                  source.packets.size(), hub::Ending::clean)));
  auto seen = probe(server.url("/live/back/ts.m3u8"));
  const auto pictures = times(seen["video"]), expected = times(source, kVideo);
  ASSERT_EQ(pictures.size(), expected.size());
  // One frame's distance lies between the halves, so times are those of the source to within a
  // frame or two.
  EXPECT_THAT(pictures, testing::Pointwise(testing::DoubleNear(3600 * 2), expected));
  EXPECT_EQ(seen["audio"].size(), times(source, kAudio).size());
  const std::string text = run("curl -s " + server.url("/live/back/ts.m3u8"));
  EXPECT_NE(text.find("#EXT-X-DISCONTINUITY\n"), std::string::npos) << text;
  EXPECT_NE(text.find("#EXT-X-ENDLIST\n"), std::string::npos) << text;
}

TEST(Watch, PlaylistsAreGzippedAndValidatedSegmentsAreCached) {
  if (!have_ffmpeg()) GTEST_SKIP();
  const auto source = real_stream(kRealOptions);
  RealServer server;
  ASSERT_TRUE(
      run_on(server.cores[0], publish_all(server.hub, server.library, {"live", "h", {}}, source, 0,
                                          source.packets.size(), hub::Ending::clean)));
  const std::string media = server.url("/live/h/ts.m3u8");
  const std::string plain = run("curl -s " + media);
  EXPECT_EQ(run("curl -s --compressed " + media), plain);
  const std::string head = run("curl -sI -H 'Accept-Encoding: gzip' " + media);
  EXPECT_NE(head.find("Content-Encoding: gzip"), std::string::npos) << head;
  EXPECT_NE(head.find("Cache-Control: public, max-age=1"), std::string::npos) << head;
  const auto tag = head.find("ETag: ");
  ASSERT_NE(tag, std::string::npos) << head;
  const std::string etag = head.substr(tag + 6, head.find('\r', tag) - tag - 6);
  EXPECT_EQ(
      run("curl -s -o /dev/null -w '%{http_code}' -H 'Accept-Encoding: gzip' -H 'If-None-Match: " +
          etag + "' " + media),
      "304");
  const auto end = plain.find(".ts\n");
  const auto start = plain.rfind('\n', end);
  const std::string segment = server.url("/live/h/" + plain.substr(start + 1, end + 3 - start - 1));
  const std::string segment_head = run("curl -sI " + segment);
  EXPECT_NE(segment_head.find("Content-Type: video/mp2t"), std::string::npos) << segment_head;
  EXPECT_NE(segment_head.find("immutable"), std::string::npos) << segment_head;
  EXPECT_EQ(run("curl -s -r 0-0 " + segment), "G");  // the sync byte
}

}  // namespace
}  // namespace weir::hls
