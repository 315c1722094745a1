// Weir live-streaming server. MIT licence, see LICENSE.

// What the tests of this room share: the routes over a real hub on a manual clock, and a player at
// the other end of a connection in memory that writes down what it sees: "H" the file header with
// its flags ("Hav"), "M" metadata, "C" and "c" the configurations of video and audio, "K0" and
// "p40" pictures, "a21" sound; over a WebSocket each frame in brackets and "X1000" for a close.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "containers/flv/tag.h"
#include "hub/fixture.h"
#include "net/http/websocket.h"
#include "net/memory_stream.h"
#include "protocols/flv/viewers.h"

namespace weir::flv_play::testing {

using hub::testing::audio;
using hub::testing::video;
using hub::testing::video_and_audio;
using hub::testing::World;

inline std::string text(const flv::Tag& t) {
  const std::string ms = std::to_string(t.timestamp_ms);
  if (t.type == flv::TagType::script) return "M";
  const bool config = t.body.size() > 1 && t.body[1] == 0;
  if (t.type == flv::TagType::audio) return config ? "c" : "a" + ms;
  return config ? "C" : (t.body[0] >> 4 == 1 ? "K" : "p") + ms;
}

// Bytes of a body, or of frames, as the notes above; keeps what is not whole yet.
class Notes {
 public:
  explicit Notes(Carrier carrier) : carrier_(carrier) {}

  void read(ByteSpan in) {
    if (carrier_ == Carrier::body) return tags(in);
    held_.insert(held_.end(), in.begin(), in.end());
    while (frame()) {
    }
  }
  std::string take() { return std::exchange(text_, {}); }
  // Nothing is left over: the last tag, or frame, was whole.
  bool whole() const { return held_.empty() && counted_ == seen_; }
  std::vector<flv::Tag> seen;

 private:
  void note(const std::string& word) { text_ += (text_.empty() ? "" : " ") + word; }

  void tags(ByteSpan in) {
    const bool headless = seen_ == 0;
    seen_ += in.size();
    std::vector<flv::Tag> out;
    if (!reader_.read(in, out)) note("NOT-FLV");
    if (headless) {
      note(std::string("H") + (reader_.header().audio ? "a" : "") +
           (reader_.header().video ? "v" : ""));
      counted_ += flv::kFileHeaderSize + flv::kTagTrailerSize;
    }
    for (auto& t : out) {
      note(text(t));
      counted_ += flv::kTagHeaderSize + t.body.size() + flv::kTagTrailerSize;
      seen.push_back(std::move(t));
    }
  }

  bool frame() {
    ByteReader r(held_);
    const uint8_t opcode = r.u8() & 15;
    uint64_t size = r.u8();
    if (size == 126)
      size = r.u16();
    else if (size == 127)
      size = r.u64();
    const Bytes payload = Bytes::copy(r.bytes(size));
    if (!r.ok()) return false;
    held_.erase(held_.begin(), held_.begin() + static_cast<long>(r.position()));
    if (opcode == 2) {
      note("[");
      tags(payload);
      note("]");
    } else if (opcode == 8) {
      ByteReader code(payload);
      note("X" + std::to_string(code.u16()));
    } else {
      note((opcode == 10 ? "pong:" : "?:") + std::string(payload.text()));
    }
    return true;
  }

  Carrier carrier_;
  flv::FileReader reader_;
  std::vector<uint8_t> held_;
  std::string text_;
  uint64_t seen_ = 0, counted_ = 0;
};

// A frame as a browser sends it (RFC 6455 5.3).
inline Bytes masked(net::http::Opcode opcode, std::string_view payload) {
  ByteWriter w;
  w.u8(0x80 | static_cast<uint8_t>(opcode));
  w.u8(static_cast<uint8_t>(0x80 | payload.size()));
  w.u32(0x01020304);
  for (size_t i = 0; i < payload.size(); ++i)
    w.u8(static_cast<uint8_t>(static_cast<uint8_t>(payload[i]) ^ (i % 4 + 1)));
  return w.take();
}

// One viewer's end of a connection, on one core.
struct Player {
  explicit Player(Carrier c) : notes(c) {}
  int status() const { return response.status; }
  std::string body() const {
    return response.content ? std::string(response.content->body().front().text()) : "";
  }
  // What came since the last call.
  std::string read() {
    std::array<uint8_t, 1000> buffer;
    while (theirs) {
      const auto io = theirs->try_read(buffer);
      if (io.status == net::Io::Status::closed) closed = true;
      if (io.status != net::Io::Status::ok) break;
      notes.read(ByteSpan(buffer).first(io.count));
    }
    return notes.take();
  }
  void write(ByteSpan b) {
    const iovec piece{const_cast<uint8_t*>(b.data()), b.size()};
    CHECK(theirs->try_write({&piece, 1}).count == b.size(), "there is room");
  }

  net::http::Request request;
  std::string path, query;
  bool answered = false, closed = false;
  net::http::Response response;
  std::unique_ptr<net::ByteStream> theirs;
  Notes notes;
};

inline hub::HubConfig at_once(hub::HubConfig c = {}) {
  c.fan_out.merge.automatic = false;
  return c;
}

struct Server : World {
  explicit Server(Config config = {}, hub::HubConfig hub_config = {}, int count = 1)
      : World(count, at_once(hub_config)),
        group(cores[0]),
        viewers(std::make_shared<Viewers>(hub, std::make_shared<const Config>(config))) {
    router.get("/{app...}/{stream}.flv",
               [v = viewers](net::http::Request& r) { return v->answer(r); });
    cores.run_until_idle();
  }
  ~Server() { stop(); }
  void stop() {
    cores[0].post([this] { group.spawn(viewers->stop()); });
    cores.run_until_idle();
    cores.advance(2s);  // for who does not say goodbye
    CHECK(group.running() == 0, "stop() ends");
  }

  // Asks for `target`; connects when the answer is a takeover.
  std::unique_ptr<Player> get(std::string target, Carrier carrier = Carrier::body,
                              size_t capacity = 1 << 20, int core = 0) {
    auto p = ask(std::move(target), carrier, core);
    if (p->response.takeover) connect(*p, capacity, core);
    return p;
  }
  std::unique_ptr<Player> ask(std::string target, Carrier carrier = Carrier::body, int core = 0) {
    auto p = std::make_unique<Player>(carrier);
    const auto mark = target.find('?');
    p->path = target.substr(0, mark);
    if (mark != std::string::npos) p->query = target.substr(mark + 1);
    p->request.path = p->path;
    p->request.query = p->query;
    p->request.peer_address = "10.0.0.1";
    p->request.headers = {{"User-Agent", "player/1"}};
    if (carrier == Carrier::websocket)
      p->request.headers.insert(p->request.headers.end(),
                                {{"Connection", "Upgrade"},
                                 {"Upgrade", "websocket"},
                                 {"Sec-WebSocket-Version", "13"},
                                 {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}});
    p->response = wait(router.find(p->request).handler->async(p->request), core);
    return p;
  }
  void connect(Player& p, size_t capacity, int core = 0, Bytes early = {}) {
    cores[core].post([&, capacity, core] {
      auto [ours, theirs] = net::memory_pair(cores[core], capacity);
      p.theirs = std::move(theirs);
      p.response.takeover(std::move(ours), early);
      p.response.takeover = {};
    });
    cores.run_until_idle();
  }
  // What a player saw since, after all that is to be done was done.
  std::string read(Player& p) {
    std::string out;
    for (std::string more; !(more = p.read()).empty();) {
      out += (out.empty() ? "" : " ") + more;
      cores.run_until_idle();
    }
    return out;
  }
  void push(hub::Publication& p, std::vector<Packet> packets) {
    for (auto& packet : packets) p.push(std::move(packet));
    p.flush();
    cores.run_until_idle();
  }

  net::http::Router router;
  net::TaskGroup group;
  std::shared_ptr<Viewers> viewers;
};

}  // namespace weir::flv_play::testing
