// Weir live-streaming server. MIT licence, see LICENSE.

// FanOut: one muxing of a stream for all its viewers of one form (FLV tags, RTMP chunks ...) on one
// core, and the loop that writes it to their sockets. Each viewer is a position in a ByteLog; after
// each append the loop hands every viewer that is due one sendmsg over the shared bytes. A viewer
// whose socket is full waits for room; one that falls off the log goes on at the newest keyframe.
// Lives while it has viewers; owned by them, registered with the stream's ring, on that ring's
// core. (architecture: Derived<Muxer>.)
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "base/counters.h"
#include "hub/byte_log.h"
#include "hub/peer.h"
#include "hub/ring.h"
#include "net/byte_stream.h"

namespace weir::hub {

// Turns events into bytes that any viewer of this form can be sent, whoever it is and whenever it
// joins.
class Muxer {
 public:
  virtual ~Muxer() = default;
  // What a viewer needs before its first packet: metadata and decoder configurations.
  // `at` is where the stream is now.
  virtual Bytes preface(const StreamInfo&, Time at) = 0;
  // Appends one packet; nothing when this form cannot carry its track.
  virtual void packet(const StreamInfo&, const Packet&, ByteWriter& out) = 0;
  // Whether a viewer may start at this packet; a form that leaves the picture out starts anywhere.
  virtual bool joins_at(const StreamInfo& info, const Packet& p) const {
    return is_join_point(&info, p);
  }
  // Appends what tells viewers that the stream is over.
  virtual void finish(ByteWriter&) {}
};

// How long bytes may wait so that more go with one system call (setting play.merge).
struct Merge {
  bool automatic = true;  // from 0 to `most` as the core gets busy
  Time fixed{};           // when not automatic; zero writes each packet at once
  Time most{100ms};
};

struct FanOutLimits {
  Merge merge;
  RingLimits log;
  Time stall{30s};       // a viewer whose socket takes nothing for this long is let go
  int gaps = 10;         // so is one that had more gaps than this ...
  Time gap_window{30s};  // ... within this time
};

class FanOut final : RingListener, public std::enable_shared_from_this<FanOut> {
 public:
  class Viewer;

  // `keep` holds the ring alive.
  FanOut(net::Core& core, Ring& ring, std::shared_ptr<void> keep, std::unique_ptr<Muxer> muxer,
         FanOutLimits limits);
  ~FanOut();

  size_t viewers() const { return viewers_.size() - holes_; }

 private:
  friend Viewer;
  struct Preface {
    uint64_t at;
    uint32_t version;
    Bytes bytes;
  };

  void on_append() override;
  void take_events();
  void schedule();
  Time interval();
  void pump();
  void serve(Viewer&);
  void block(Viewer&);
  void check_stalled();
  bool serve_once(Viewer&);
  bool rejoin(Viewer&);
  // True when there is more to send now.
  bool wrote(Viewer&, size_t n, std::span<const iovec> pieces, size_t private_pieces);
  const Preface* preface_at(uint64_t at) const;
  void add(Viewer&);
  void remove(Viewer&);

  net::Core& core_;
  Ring& ring_;
  std::shared_ptr<void> keep_;
  std::unique_ptr<Muxer> muxer_;
  FanOutLimits limits_;
  Ring::Cursor cursor_;
  StreamInfoPtr info_;
  ByteLog log_;
  ByteWriter scratch_;
  std::deque<Preface> prefaces_;
  std::vector<Viewer*> viewers_;  // null where one left during a pass
  size_t holes_ = 0, next_ = 0;
  bool pumping_ = false, again_ = false, ended_ = false;
  Time last_pass_{};
  net::Timer due_;
  net::Timer stalled_;  // armed while a socket is full: data need not come for it to be noticed
};

// One viewer's place in a FanOut and its socket. Owned by its session, on the session's core; the
// session keeps reading the socket itself and may send messages of its own in between.
class FanOut::Viewer final : net::Waiter {
 public:
  Viewer(std::shared_ptr<FanOut> fan_out, net::ByteStream& stream, PeerPtr peer);
  ~Viewer();

  // Sends the stream from the newest join point on, from its first byte when there is none yet;
  // `first` (may be empty) goes before it.
  void start(Bytes first);
  // Private bytes, sent between two packets, in order. One that lets 1 MiB of them wait is let go.
  void send(Bytes);
  size_t waiting() const { return waiting_; }
  // Stops sending the stream; start({}) goes on at the newest join point.
  void pause();
  // What it had still to send besides whole packets, in order; for whoever writes to the stream
  // next.
  std::deque<Bytes> release();
  // Waits until the viewer is over: Code::closed is the stream's end, all else the viewer's.
  net::Task<Error> done();
  // Ends it from this side; done() returns this reason.
  void stop(Error reason);

 private:
  friend FanOut;
  struct Piece {
    Bytes bytes;
    bool own;  // came by send(); else part of the stream
  };
  void ready() override;

  std::shared_ptr<FanOut> fan_out_;
  net::ByteStream& stream_;
  PeerPtr peer_;
  size_t index_ = 0;
  std::deque<Piece> private_;  // to be sent before the log goes on
  size_t waiting_ = 0;         // bytes in there that are its own
  uint64_t at_ = 0;            // in the log, always between two entries
  bool running_ = false, joined_ = false, blocked_ = false;
  uint32_t version_ = 0;            // of the preface sent last
  std::optional<Time> full_since_;  // when the socket last took something and had no more room
  Time gap_window_start_{};
  int gaps_ = 0;
  std::optional<Error> over_;
  net::Signal over_signal_;
};

}  // namespace weir::hub
