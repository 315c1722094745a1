// Weir live-streaming server. MIT licence, see LICENSE.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load/answer_skim.h"
#include "load/lane.h"
#include "load/player.h"
#include "load/playlist_skim.h"
#include "load/stamp.h"
#include "load/waiters.h"

namespace weir::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// As Weir writes them, shortened: two segments with parts, then the one in the making.
constexpr std::string_view kPlaylist =
    "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n"
    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,HOLD-BACK=6,"
    "PART-HOLD-BACK=0.600\n"
    "#EXT-X-PART-INF:PART-TARGET=0.200000\n#EXT-X-MEDIA-SEQUENCE:16\n"
    "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n"
    "#EXTINF:2.000000,\nk3v9x2a-v1-4-16.m4s\n"
    "#EXT-X-PART:DURATION=0.200000,URI=\"k3v9x2a-v1-4-17.8.m4s\",INDEPENDENT=YES\n"
    "#EXT-X-PART:DURATION=0.200000,URI=\"k3v9x2a-v1-4-17.9.m4s\"\n"
    "#EXTINF:0.400000,\nk3v9x2a-v1-4-17.m4s\n"
    "#EXT-X-PART:DURATION=0.200000,URI=\"k3v9x2a-v1-4-18.0.m4s\",INDEPENDENT=YES\n"
    "#EXT-X-PART:DURATION=0.200000,URI=\"k3v9x2a-v1-4-18.1.m4s\"\n"
    "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"k3v9x2a-v1-4-18.2.m4s\"\n"
    "#EXT-X-RENDITION-REPORT:URI=\"a1.m3u8\",LAST-MSN=18,LAST-PART=1\n";

std::vector<std::string> names(const std::vector<NamedPart>& parts) {
  std::vector<std::string> out;
  for (const auto& p : parts) out.emplace_back(p.name);
  return out;
}

TEST(PartName, HasTwoNumbersAtItsEnd) {
  EXPECT_EQ(parse_part_name("k3v9x2a-v1-4-18.2.m4s"), (PartId{18, 2}));
  EXPECT_EQ(parse_part_name("x-a1-0-58999999.12.m4s"), (PartId{58999999, 12}));
  for (const char* wrong : {"", ".m4s", "k-v1-18.m4s", "k-v1-18.2.mp4", "k-v1-18..m4s",
                            "k-v1-.2.m4s", "k-v1-x.2.m4s", "k-v1-18.2x.m4s", "18.2-v1.m4s"})
    EXPECT_EQ(parse_part_name(wrong), std::nullopt) << wrong;
}

TEST(PlaylistSkim, GivesWhatIsNewAndWhatComes) {
  PlaylistEnd end;
  ASSERT_TRUE(skim_playlist(kPlaylist, {18, 0}, end));
  EXPECT_THAT(names(end.fresh), ElementsAre("k3v9x2a-v1-4-18.1.m4s"));
  EXPECT_EQ(end.hint.id, (PartId{18, 2}));
  EXPECT_EQ(end.hint.name, "k3v9x2a-v1-4-18.2.m4s");
}

TEST(PlaylistSkim, GoesBackOverTheSegmentsEnd) {
  PlaylistEnd end;
  ASSERT_TRUE(skim_playlist(kPlaylist, {17, 8}, end));
  EXPECT_THAT(names(end.fresh), ElementsAre("k3v9x2a-v1-4-17.9.m4s", "k3v9x2a-v1-4-18.0.m4s",
                                            "k3v9x2a-v1-4-18.1.m4s"));
  ASSERT_TRUE(skim_playlist(kPlaylist, {}, end)) << "all, to one who joins";
  EXPECT_EQ(end.fresh.size(), 4u);
  EXPECT_EQ(end.fresh.front().id, (PartId{17, 8}));
}

TEST(PlaylistSkim, AHintThatTheSegmentsEndMadeVoidIsNotAmongTheParts) {
  PlaylistEnd end;
  ASSERT_TRUE(skim_playlist(kPlaylist, {17, 9}, end)) << "17.10 was announced and never came";
  EXPECT_THAT(names(end.fresh), ElementsAre("k3v9x2a-v1-4-18.0.m4s", "k3v9x2a-v1-4-18.1.m4s"));
}

TEST(PlaylistSkim, NothingNewIsNoMistake) {
  PlaylistEnd end;
  ASSERT_TRUE(skim_playlist(kPlaylist, {18, 1}, end));
  EXPECT_TRUE(end.fresh.empty());
}

TEST(PlaylistSkim, RefusesWhatIsNotLowLatency) {
  PlaylistEnd end;
  EXPECT_FALSE(skim_playlist("", {}, end));
  EXPECT_FALSE(skim_playlist("#EXTM3U\n#EXTINF:2.0,\na-17.ts\n", {}, end));
  EXPECT_FALSE(
      skim_playlist("#EXTM3U\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"k-v1-1.0.m4s\"\n", {}, end))
      << "nothing to begin with";
  EXPECT_FALSE(
      skim_playlist("#EXTM3U\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"other.bin\"\n", {}, end));
  std::string odd(kPlaylist);
  odd.replace(odd.find("k3v9x2a-v1-4-18.1"), 17, "k3v9x2a-v1-4-18_1");
  EXPECT_FALSE(skim_playlist(odd, {18, 0}, end));
}

// Whether the answer completed with the last piece and not before.
bool feed(AnswerSkim& skim, std::string_view all, size_t step) {
  for (size_t at = 0; at < all.size(); at += step) {
    const bool last = at + step >= all.size();
    if (skim.add(as_bytes(all.substr(at, step))) != last) return false;
  }
  return skim.ok();
}

std::string text(ByteSpan s) { return {s.begin(), s.end()}; }

TEST(AnswerSkim, KeepsABodyHoweverItIsCut) {
  const std::string answer =
      "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 11\r\nC: d\r\n\r\nhello world";
  for (const size_t step : {1, 2, 7, 40, 50, 1000}) {
    AnswerSkim skim;
    for (int round = 0; round < 2; ++round) {
      skim.begin(AnswerSkim::Body::kept);
      EXPECT_TRUE(feed(skim, answer, step)) << step;
      EXPECT_EQ(skim.status(), 200);
      EXPECT_EQ(text(skim.body()), "hello world") << step;
    }
  }
}

TEST(AnswerSkim, CountsABodyThatNobodyReads) {
  AnswerSkim skim;
  skim.begin(AnswerSkim::Body::counted);
  EXPECT_FALSE(skim.add(as_bytes("HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nab")));
  EXPECT_EQ(skim.status(), 404);
  EXPECT_EQ(text(skim.fresh()), "ab");
  EXPECT_EQ(skim.left(), 8u);
  EXPECT_FALSE(skim.skip(5));
  EXPECT_TRUE(skim.skip(3));
  EXPECT_TRUE(skim.ok());
  skim.begin(AnswerSkim::Body::counted);
  EXPECT_TRUE(skim.add(as_bytes("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")));
}

TEST(AnswerSkim, RefusesWhatItCannotCount) {
  for (const char* wrong :
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "Hello\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        "HTTP/1.1 x\r\nContent-Length: 1\r\n\r\na"}) {
    AnswerSkim skim;
    skim.begin(AnswerSkim::Body::counted);
    skim.add(as_bytes(wrong));
    EXPECT_FALSE(skim.ok()) << wrong;
  }
  AnswerSkim endless;
  endless.begin(AnswerSkim::Body::counted);
  const std::string line(5000, 'x');
  for (int i = 0; i < 4; ++i) endless.add(as_bytes(line));
  EXPECT_FALSE(endless.ok());
}

std::string stamped_body(Time when) {
  const auto stamp = make_stamp(when);
  return std::string(300, '\0') + "moof mdat" + std::string(stamp.begin(), stamp.end()) + "picture";
}

TEST(Stamp, IsFoundInsideAPart) {
  const std::string body = stamped_body(7s);
  EXPECT_EQ(find_stamp(as_bytes(body)), 7s);
  EXPECT_EQ(find_stamp(as_bytes(body + stamped_body(8s))), 7s) << "the first frame's";
  EXPECT_EQ(find_stamp(as_bytes(std::string_view(body).substr(0, 340))), std::nullopt) << "cut";
  EXPECT_EQ(find_stamp(as_bytes("nothing here")), std::nullopt);
  EXPECT_EQ(find_stamp({}), std::nullopt);
}

NamedPart named(const char* name) { return {*parse_part_name(name), name}; }

TEST(Lane, APartIsBornWithTheFrameBehindIt) {
  Lane lane("/live/x", "v1", "127.0.0.1", Lane::Kind::timed);
  EXPECT_EQ(lane.enter(named("k-v1-17.9.m4s"), 1s), 0u);
  EXPECT_EQ(lane.enter(named("k-v1-18.0.m4s"), 2s), 1u);
  EXPECT_EQ(lane.enter(named("k-v1-17.9.m4s"), 3s), 0u) << "another viewer's list";
  EXPECT_EQ(lane.part(0).announced, 1s);
  lane.listed(0, 1050ms);
  lane.fetched(0, 1070ms);
  EXPECT_EQ(lane.playlist_latency.count(), 0u);
  EXPECT_TRUE(lane.wants_stamp(1));
  lane.stamp(1, 1040ms);
  EXPECT_EQ(lane.birth({17, 9}), 1040ms);
  EXPECT_EQ(lane.birth({18, 0}), std::nullopt);
  EXPECT_EQ(lane.playlist_latency.quantile(1), 10ms);
  EXPECT_EQ(lane.part_latency.quantile(1), 30ms);
  lane.listed(0, 1090ms);
  EXPECT_EQ(lane.playlist_latency.quantile(1), 50ms) << "known at once now";
  EXPECT_FALSE(lane.wants_stamp(1));
  lane.stamp(1, 5s);
  EXPECT_EQ(lane.birth({17, 9}), 1040ms) << "the first stamp counts";
}

TEST(Lane, SoundIsNotTimed) {
  Lane lane("/live/x", "a1", "127.0.0.1", Lane::Kind::untimed);
  lane.enter(named("k-a1-17.9.m4s"), 1s);
  lane.enter(named("k-a1-17.10.m4s"), 1s);
  EXPECT_FALSE(lane.wants_stamp(1));
  lane.stamp(1, 1s);
  lane.listed(0, 2s);
  EXPECT_EQ(lane.playlist_latency.count(), 0u);
}

TEST(Lane, ForgetsWhatIsOld) {
  Lane lane("/live/x", "v1", "127.0.0.1", Lane::Kind::timed);
  for (uint64_t i = 0; i < 600; ++i) {
    const std::string name = "k-v1-" + std::to_string(i) + ".0.m4s";
    EXPECT_EQ(lane.enter(named(name.c_str()), 1s), i);
  }
  EXPECT_FALSE(lane.has(0));
  EXPECT_TRUE(lane.has(599));
  EXPECT_EQ(lane.enter(named("k-v1-3.0.m4s"), 1s), std::nullopt);
  lane.listed(3, 1s);
  lane.stamp(3, 1s);
  EXPECT_EQ(lane.birth({3, 0}), std::nullopt);
}

TEST(Lane, WritesRequests) {
  Lane lane("/live/x", "v1", "127.0.0.1", Lane::Kind::timed);
  const std::string tail = " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  EXPECT_EQ(lane.join_request(), "GET /live/x/v1.m3u8" + tail);
  EXPECT_EQ(lane.reload_request({18, 2}),
            "GET /live/x/v1.m3u8?_HLS_msn=18&_HLS_part=2&_HLS_skip=YES" + tail);
  EXPECT_THAT(lane.reload_request({18, 3}), HasSubstr("_HLS_part=3&"));
  lane.enter(named("k-v1-18.2.m4s"), 1s);
  EXPECT_EQ(lane.part(0).request, "GET /live/x/k-v1-18.2.m4s" + tail);
}

TEST(RoundFigures, CountFromTheBirthAndOnlyWhatWaited) {
  Round round{.id = {1, 2}, .name = "k-v1-1.2.m4s", .asked = 1s};
  for (int i = 1; i <= 100; ++i) round.answers.push_back(2s + i * 1ms);
  RoundFigures figures;
  figures.add(round, 2s);
  EXPECT_EQ(figures.last.quantile(.5), 100ms);
  EXPECT_EQ(figures.p99.quantile(.5), 99ms);
  EXPECT_NEAR(static_cast<double>(figures.p50.quantile(.5).count()), 50e6, 1e6);
  figures.add(round, 1020ms);  // born before all were surely waiting
  round.wrong = 1;
  figures.add(round, 2s);
  EXPECT_EQ(figures.left_out, 2u);
  EXPECT_EQ(figures.last.count(), 1u);
}

// A server that answers what the test tells it to.
class Script {
 public:
  Script() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&a), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size);
    address = {"127.0.0.1", ntohs(a.sin_port)};
  }
  ~Script() {
    for (const int fd : peers_) close(fd);
    close(listener_);
  }
  Script(const Script&) = delete;

  void accept_one() {
    peers_.push_back(accept(listener_, nullptr, nullptr));
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    setsockopt(peers_.back(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  // The next request of the i-th connection.
  std::string request(size_t i) {
    std::array<char, 4096> buffer;
    const ssize_t n = recv(peers_[i], buffer.data(), buffer.size(), 0);
    return {buffer.data(), n > 0 ? static_cast<size_t>(n) : 0};
  }
  void answer(size_t i, std::string_view body, const char* status = "200 OK") {
    const std::string all = std::string("HTTP/1.1 ") + status +
                            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                            std::string(body);
    EXPECT_EQ(send(peers_[i], all.data(), all.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(all.size()));
  }

  Address address;

 private:
  int listener_;
  std::vector<int> peers_;
};

std::string playlist_up_to(uint64_t part) {
  std::string out = "#EXTM3U\n";
  for (uint64_t i = 0; i <= part; ++i)
    out += "#EXT-X-PART:DURATION=0.200000,URI=\"k-v1-18." + std::to_string(i) + ".m4s\"\n";
  return out + "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"k-v1-18." + std::to_string(part + 1) +
         ".m4s\"\n";
}

struct OnePlayer {
  OnePlayer() : lane("/live/x", "v1", "127.0.0.1", Lane::Kind::timed), player(loop, traffic, lane) {
    player.start(server.address, "127.0.0.1");
    loop.turn(5s);
    server.accept_one();
  }
  std::string asked() { return server.request(0); }
  void answer(std::string_view body, const char* status = "200 OK") {
    server.answer(0, body, status);
    loop.turn(5s);
  }

  Script server;
  Loop loop;
  Traffic traffic;
  Lane lane;
  Player player;
};

TEST(Player, AsksForEveryPlaylistAndPart) {
  OnePlayer p;
  EXPECT_THAT(p.asked(), StartsWith("GET /live/x/v1.m3u8 HTTP"));
  p.answer(playlist_up_to(3));
  EXPECT_THAT(p.asked(), StartsWith("GET /live/x/v1.m3u8?_HLS_msn=18&_HLS_part=4&_HLS_skip=YES "));
  p.answer(playlist_up_to(5));  // two at once
  EXPECT_THAT(p.asked(), StartsWith("GET /live/x/k-v1-18.4.m4s "));
  p.answer(stamped_body(1s));
  EXPECT_TRUE(p.player.settled());
  EXPECT_THAT(p.asked(), StartsWith("GET /live/x/k-v1-18.5.m4s "));
  const Time born = monotonic();
  p.answer(stamped_body(born));
  EXPECT_THAT(p.asked(), HasSubstr("_HLS_part=6&"));
  EXPECT_EQ(p.lane.birth({18, 3}), 1s);
  EXPECT_EQ(p.lane.birth({18, 4}), born);
  EXPECT_EQ(p.lane.part_latency.count(), 1u) << "part 4; 5 is not known to be born";
  EXPECT_EQ(p.player.playlists(), 2u);
  EXPECT_EQ(p.player.parts(), 2u);
  EXPECT_EQ(p.traffic.answers, 4u);
  EXPECT_FALSE(p.player.take_behind(monotonic()));
  EXPECT_EQ(p.traffic.ended, 0u);
}

TEST(Player, IsBehindWhenAPartIsOldToOthers) {
  OnePlayer p;
  p.asked();
  p.answer(playlist_up_to(3));
  p.asked();
  p.lane.enter(named("k-v1-18.4.m4s"), monotonic() - 2s);
  EXPECT_TRUE(p.player.take_behind(monotonic())) << "others had it long ago";
  p.answer(playlist_up_to(4));
  p.asked();
  p.answer(stamped_body(1s));
  EXPECT_TRUE(p.player.take_behind(monotonic()));
  EXPECT_FALSE(p.player.take_behind(monotonic())) << "told once";
}

TEST(Player, EndsWhenItIsNotServed) {
  for (const auto& [body, status] : {std::pair{std::string("gone"), "404 Not Found"},
                                     {std::string("#EXTM3U\n"), "200 OK"},
                                     {playlist_up_to(3), "200 OK"}}) {
    OnePlayer p;
    p.asked();
    p.answer(playlist_up_to(3));
    p.asked();
    p.answer(body, status);
    EXPECT_TRUE(p.player.ended()) << body;
    EXPECT_EQ(p.traffic.ended, 1u);
  }
}

TEST(Waiters, AskTogetherForWhatComesNext) {
  OnePlayer p;  // keeps the time
  p.asked();
  p.answer(playlist_up_to(3));
  p.asked();
  Waiters waiters(p.loop, p.server.address, p.lane, WaitFor::playlist, 2);
  waiters.go_on(p.player);
  while (!waiters.ready()) p.loop.turn(5s);
  waiters.go_on(p.player);
  for (const size_t i : {1, 2}) {
    p.server.accept_one();
    EXPECT_THAT(p.server.request(i), HasSubstr("v1.m3u8?_HLS_msn=18&_HLS_part=4&"));
  }
  const Time born = monotonic() + 1s;
  p.answer(playlist_up_to(4));
  p.asked();
  p.answer(stamped_body(1s));
  p.asked();
  p.server.answer(1, playlist_up_to(4));
  waiters.go_on(p.player);
  p.server.answer(2, playlist_up_to(4));
  while (waiters.traffic().answers < 2) p.loop.turn(5s);
  waiters.go_on(p.player);
  EXPECT_THAT(p.server.request(1), HasSubstr("_HLS_part=5&")) << "not before all were answered";
  EXPECT_EQ(waiters.figures().last.count(), 0u) << "no birth is known";
  p.answer(playlist_up_to(5));
  p.asked();
  p.answer(stamped_body(born));
  waiters.go_on(p.player);
  EXPECT_EQ(waiters.figures().last.count(), 1u);
  EXPECT_EQ(waiters.figures().left_out, 0u);
}

}  // namespace
}  // namespace weir::bench
