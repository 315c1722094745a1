// Weir live-streaming server. MIT licence, see LICENSE.

// Publishers, readers and viewers coming and going on real threads, for the sanitizers as much as
// for the asserts: every delivery after a gap starts at a keyframe, nothing is missing without one,
// times of a track never go back, and bytes of a packet are never cut or interrupted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <random>

#include "hub/fixture.h"
#include "net/memory_stream.h"

namespace weir::hub {
namespace {

using namespace testing;
using Random = std::minstd_rand;

constexpr int kCores = 3;
constexpr int kNames = 3;
constexpr uint32_t kGroup = 8;  // pictures from keyframe to keyframe
constexpr Time kRun = 1500ms;

class Findings {
 public:
  void note(std::string what) {
    auto& mine = of_core_[static_cast<size_t>(net::Core::here().index())];
    if (mine.size() < 10) mine.push_back(std::move(what));
  }
  // When all cores are done.
  std::vector<std::string> all() const {
    std::vector<std::string> out;
    for (const auto& one : of_core_) out.insert(out.end(), one.begin(), one.end());
    return out;
  }
  std::atomic<uint64_t> packets{0}, gaps{0}, ends{0}, publications{0}, bytes{0};

 private:
  std::array<std::vector<std::string>, kCores> of_core_;
};

// What a packet says of itself: which publication, which packet of it, when.
struct Mark {
  uint32_t publication = 0, number = 0;
  uint8_t track = 0;
  bool key = false;
  Time dts{};
};

// Holds one reader's deliveries against the rules.
class Checker {
 public:
  Checker(Findings& f, std::string who) : findings_(f), who_(std::move(who)) {}
  void gap() {
    gap_ = true;
    findings_.gaps.fetch_add(1);
  }
  void packet(const Mark& m) {
    findings_.packets.fetch_add(1);
    const bool video = m.track == 0;
    const bool fresh = m.publication != last_.publication;
    if (fresh || gap_) need_key_ = true;
    if (gap_ && !(video && m.key)) say("no keyframe after a gap", m);
    if (need_key_ && video && !m.key) say("a picture that cannot be decoded", m);
    // Pictures before the first keyframe are left out.
    if (!need_key_ && m.number != last_.number + 1) say("a packet is missing", m);
    if (m.dts < newest_[m.track % 2]) say("time goes back", m);
    newest_[m.track % 2] = m.dts;
    if (video) need_key_ = false;
    gap_ = false;
    last_ = m;
  }
  // Whether packet numbers must be without holes from here on.
  bool settled() const { return !need_key_; }
  void say(std::string what, const Mark& m) {
    findings_.note(who_ + ": " + what + " at " + std::to_string(m.publication) + "/" +
                   std::to_string(m.number) + ", last " + std::to_string(last_.publication) + "/" +
                   std::to_string(last_.number));
  }

 private:
  Findings& findings_;
  std::string who_;
  Mark last_;
  bool gap_ = false, need_key_ = true;
  std::array<Time, 2> newest_{};
};

Packet marked(uint32_t publication, uint32_t number, uint32_t picture, bool is_audio,
              size_t filler) {
  const int ms = static_cast<int>(picture) * 40;
  Packet p = is_audio ? audio(ms + 5) : video(ms, picture % kGroup == 0);
  ByteWriter w;
  w.u32(publication);
  w.u32(number);
  for (size_t i = 0; i < filler; ++i) w.u8(0xEE);
  p.payload = w.take();
  return p;
}

Mark mark_of(const Packet& p) {
  ByteReader r(p.payload);
  Mark m{.publication = r.u32(), .number = r.u32()};
  m.track = p.track == kAudio ? 1 : 0;
  m.key = p.keyframe;
  m.dts = p.dts;
  return m;
}

// 'I', 'P' with mark and length, and what viewers are told besides: 'x'.
class MarkMuxer final : public Muxer {
 public:
  Bytes preface(const StreamInfo&, Time) override { return Bytes::copy("I"); }
  void packet(const StreamInfo&, const Packet& p, ByteWriter& out) override {
    const Mark m = mark_of(p);
    out.text("P");
    out.u32(m.publication);
    out.u32(m.number);
    out.u8(m.track);
    out.u8(m.key ? 1 : 0);
    out.u64(static_cast<uint64_t>(m.dts.count()));
    out.u32(static_cast<uint32_t>(p.payload.size()));
    out.bytes(p.payload);
  }
  void finish(ByteWriter& out) override { out.text("E"); }
};

// Reads that back. A viewer is not told of gaps: a step to a later keyframe is one.
class MarkReader {
 public:
  MarkReader(Findings& f, std::string who) : findings_(f), check_(f, std::move(who)) {}
  void feed(ByteSpan in) {
    findings_.bytes.fetch_add(in.size());
    held_.insert(held_.end(), in.begin(), in.end());
    size_t used = 0;
    while (!broken_)
      if (const size_t n = one(ByteSpan(held_).subspan(used)); n > 0) {
        used += n;
      } else {
        break;
      }
    held_.erase(held_.begin(), held_.begin() + static_cast<long>(used));
  }

 private:
  size_t one(ByteSpan in) {
    constexpr size_t kHead = 1 + 4 + 4 + 1 + 1 + 8 + 4;
    if (in.empty()) return 0;
    if (in[0] == 'I' || in[0] == 'x' || in[0] == 'E') return 1;
    if (in[0] != 'P') {
      broken_ = true;
      check_.say("a packet was cut or interrupted", {});
      return 0;
    }
    ByteReader r(in.subspan(1));
    Mark m{.publication = r.u32(), .number = r.u32(), .track = r.u8()};
    m.key = r.u8() != 0;
    m.dts = Time{static_cast<int64_t>(r.u64())};
    const uint32_t size = r.u32();
    if (!r.ok() || r.left() < size) return 0;
    if (check_.settled() && m.publication == last_.publication && m.number != last_.number + 1)
      check_.gap();
    check_.packet(m);
    last_ = m;
    return kHead + size;
  }
  Findings& findings_;
  Checker check_;
  std::vector<uint8_t> held_;
  Mark last_;
  bool broken_ = false;
};

struct Observer final : HubObserver {
  void on_published(const StreamKey&, const PeerPtr&) override { published.fetch_add(1); }
  void on_unpublished(const StreamKey&, Ending) override { unpublished.fetch_add(1); }
  void on_ended(const StreamKey&) override { ended.fetch_add(1); }
  std::atomic<int> published{0}, unpublished{0}, ended{0};
};

HubConfig tight() {
  HubConfig c{.hold = 20ms, .second_publisher = SecondPublisher::replace};
  c.ring = {.span = 1s, .bytes = 30'000};
  c.fan_out.log = {.span = 1s, .bytes = 20'000};
  c.fan_out.merge = {.automatic = false, .fixed = 1ms};
  c.fan_out.gaps = 1000;
  return c;
}

struct Stress {
  // Everything of one core, touched there only.
  struct Part {
    explicit Part(net::Core& c) : group(c), never(c) {}
    net::TaskGroup group;
    net::Signal never;
  };

  static StreamKey name(Random& r) {
    return *make_stream_key("live", "s" + std::to_string(r() % kNames));
  }
  net::Task<> pause(Part& part, Random& r, unsigned most_us) {
    co_await part.never.wait_for(std::chrono::microseconds(r() % most_us));
  }

  net::Task<> publish(Part& part, unsigned seed) {
    Random r(seed);
    while (!stop) {
      auto pub = co_await hub.publish(name(r), peer("publisher"));
      if (!pub) {
        findings.note("publish: " + pub.error().what);
        co_return;
      }
      const uint32_t id = 1 + static_cast<uint32_t>(findings.publications.fetch_add(1));
      pub->announce(video_and_audio());
      const uint32_t start = r() % 3 ? 0 : r() % kGroup;  // some begin in the middle of a group
      const uint32_t pictures = 5 + r() % 80;
      uint32_t number = 0;
      for (uint32_t i = start; i < start + pictures && !stop; ++i) {
        pub->push(marked(id, number++, i, false, r() % 800));
        pub->push(marked(id, number++, i, true, 20));
        if (r() % 50 == 0) pub->announce(video_and_audio());
        if (r() % 3 == 0) pub->flush();
        if (r() % 8 == 0) co_await pause(part, r, 1500);
      }
      if (r() % 2) pub->end(r() % 2 ? Ending::clean : Ending::lost);
    }
  }

  net::Task<> read(Part& part, unsigned seed) {
    Random r(seed);
    while (!stop) {
      auto sub = co_await hub.subscribe(name(r), peer("reader"),
                                        {r() % 2 ? Ring::Join::newest : Ring::Join::oldest});
      Checker check(findings, "reader");
      bool ended = false;
      for (unsigned left = 1 + r() % 3000; left > 0 && !ended && !stop; --left) {
        auto event = sub->try_next();
        if (!event) {
          co_await sub->changed().wait_for(5ms);
        } else if (const auto* p = std::get_if<PacketPtr>(&*event)) {
          check.packet(mark_of(**p));
          if (r() % 100 == 0) co_await pause(part, r, 20'000);
        } else if (std::holds_alternative<Gap>(*event)) {
          check.gap();
        } else if (std::holds_alternative<End>(*event)) {
          ended = true;
          findings.ends.fetch_add(1);
        }
      }
    }
  }

  net::Task<> view(Part& part, unsigned seed) {
    Random r(seed);
    net::Core& core = net::Core::here();
    while (!stop) {
      const auto who = peer("viewer");
      auto sub = co_await hub.subscribe(name(r), who);
      auto ends = net::memory_pair(core, 100 + r() % 4000);
      MarkReader reader(findings, "viewer");
      FanOut::Viewer viewer(sub->fan_out("m", [] { return std::make_unique<MarkMuxer>(); }),
                            *ends.first, who);
      viewer.start(r() % 2 ? Bytes::copy("x") : Bytes{});
      for (unsigned left = 1 + r() % 300; left > 0 && !stop; --left) {
        if (r() % 10 == 0) viewer.send(Bytes::copy("xxx"));
        std::array<uint8_t, 3000> buffer;
        const auto io = ends.second->try_read(buffer);
        if (io.status == net::Io::Status::ok) reader.feed(ByteSpan(buffer).first(io.count));
        co_await pause(part, r, 3000);
      }
    }
  }

  // Looks at the list all the while, and stops everyone in the end.
  net::Task<> watch(Part& part, std::latch& done) {
    const Time end = net::Core::here().now() + kRun;
    while (net::Core::here().now() < end) {
      for (const auto& status : hub.list()) EXPECT_LE(status.viewers.size(), 30u);
      co_await part.never.wait_for(5ms);
    }
    stop = true;
    done.count_down();
  }
  net::Task<> close(Part& part, std::latch& done) {
    co_await part.group.close();
    done.count_down();
  }
  net::Task<> stop_hub(std::latch& done) {
    co_await hub.stop();
    done.count_down();
  }
  // Runs on every core; returns when all have.
  void everywhere(const std::function<void(int)>& f) {
    std::latch done(kCores);
    for (int i = 0; i < kCores; ++i)
      cores[i].post([&f, i, &done] {
        f(i);
        done.count_down();
      });
    done.wait();
  }

  net::Cores cores{kCores};
  Hub hub{cores, tight()};
  Observer observer;
  Findings findings;
  std::atomic<bool> stop{false};
  std::array<std::optional<Part>, kCores> parts;
  std::array<std::optional<net::TaskGroup>, kCores> closers;
};

TEST(HubStress, ManyComeAndGoOnAllCores) {
  Stress s;
  s.hub.observe(s.observer);
  std::latch watched(1);
  s.everywhere([&](int i) {
    const auto seed = static_cast<unsigned>(100 * i);
    auto& part = s.parts[static_cast<size_t>(i)].emplace(s.cores[i]);
    part.group.spawn(s.publish(part, seed + 1));
    if (i == 0) part.group.spawn(s.publish(part, seed + 2));
    if (i == 0) part.group.spawn(s.watch(part, watched));
    for (unsigned n = 0; n < 4; ++n) part.group.spawn(s.read(part, seed + 10 + n));
    for (unsigned n = 0; n < 6; ++n) part.group.spawn(s.view(part, seed + 20 + n));
  });
  watched.wait();
  std::latch closed(kCores);
  s.everywhere([&](int i) {
    const auto at = static_cast<size_t>(i);
    s.closers[at].emplace(s.cores[i]).spawn(s.close(*s.parts[at], closed));
  });
  closed.wait();
  std::latch stopped(1);
  std::optional<net::TaskGroup> last;
  s.cores[0].post([&] { last.emplace(s.cores[0]).spawn(s.stop_hub(stopped)); });
  stopped.wait();
  s.everywhere([&](int i) {
    s.closers[static_cast<size_t>(i)].reset();
    s.parts[static_cast<size_t>(i)].reset();
    if (i == 0) last.reset();
  });

  EXPECT_THAT(s.findings.all(), ::testing::IsEmpty());
  EXPECT_TRUE(s.hub.list().empty());
  EXPECT_EQ(s.observer.published.load(), s.observer.unpublished.load());
  EXPECT_GT(s.observer.ended.load(), 0);
  EXPECT_GT(s.findings.packets.load(), 1000u);
  EXPECT_GT(s.findings.gaps.load(), 0u);
  EXPECT_GT(s.findings.ends.load(), 0u);
  EXPECT_GT(s.findings.bytes.load(), 10'000u);
  RecordProperty("packets", std::to_string(s.findings.packets.load()));
  RecordProperty("publications", std::to_string(s.findings.publications.load()));
}

}  // namespace
}  // namespace weir::hub
