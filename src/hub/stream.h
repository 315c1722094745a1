// Weir live-streaming server. MIT licence, see LICENSE.

// Stream: one name: its current publisher, its timeline, its rings. The publisher may come and go:
// after a loss the stream is held for a while and the next publisher goes on where the last one
// stopped, on one monotone timeline, as a new incarnation. Lives on its home core (where it was
// first asked for); rings_[i] belongs to core i. Shared by the publications and subscriptions of
// the name; known to Hub only.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "hub/fan_out.h"
#include "hub/peer.h"
#include "hub/ring.h"
#include "media/stream_key.h"
#include "net/core.h"

namespace weir::hub {

class Hub;
class Publication;
class Subscription;

enum class Ending {
  clean,  // the publisher said that it is done
  lost,   // its connection broke
};

// What was posted to another core and not yet taken there: bounded, or a stuck core fills the
// memory.
class Transit {
 public:
  // False when it would be too much; then nothing may be posted.
  bool enter(const Batch& batch, size_t most_bytes);
  // On the other core, when it is there.
  void arrive(const Batch& batch);

 private:
  std::atomic<size_t> entries_{0}, bytes_{0};
};

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  enum class State { waiting, live, held, ended };

  Stream(Hub& hub, net::Cores& cores, net::Core& home, StreamKey key);
  ~Stream();

  const StreamKey& key() const { return key_; }
  net::Core& home() { return home_; }

  // Home core. The number of the new publisher, or Code::busy.
  Result<uint32_t> attach(PeerPtr peer);
  // Home core. What publisher `incarnation` sent; ignored when another has taken over since.
  // `hole`: some of it was lost just before, so everyone resumes at the next join point.
  enum class Before { nothing_lost, hole };
  void push(uint32_t incarnation, Batch batch, Before before = Before::nothing_lost);
  void detach(uint32_t incarnation, Ending how);
  State state() const { return state_; }
  // Where the timeline of the next publisher starts. Home core.
  Time next_start() const;

  // Any core: makes sure that this core has a ring; then ring() is there until leave().
  net::Task<> join();
  void leave();
  // One more reader of this core's ring, which must be there; given back when the result is
  // dropped.
  std::shared_ptr<void> hold_ring();
  Ring& ring();
  // This core's fan-out of the form `form`, made on first use.
  std::shared_ptr<FanOut> fan_out(const std::string& form,
                                  std::move_only_function<std::unique_ptr<Muxer>()> make);

  Counter packets_in, bytes_in, mirror_overruns, ingest_overruns;

 private:
  friend Hub;
  friend Publication;
  friend Subscription;
  struct Local {  // of one core, touched there only
    std::unique_ptr<Ring> ring;
    size_t readers = 0;
    uint32_t generation = 0;
    bool joining = false;
    std::unique_ptr<net::Signal> joined;
    std::map<std::string, std::weak_ptr<FanOut>> fan_outs;
  };
  struct Mirror {  // of one core, kept at home
    bool active = false;
    uint32_t generation = 0;
    bool lost = false;  // overran; starts anew when the core has caught up
    std::shared_ptr<Transit> transit;
  };

  void append(const Batch& batch, Before before = Before::nothing_lost);
  bool admit(const Packet& packet, const StreamInfo* info);
  void mirror(size_t core, uint64_t first, std::shared_ptr<const Batch> batch);
  void start_mirror(size_t core, uint32_t generation);
  void restart_when_caught_up(size_t core);
  void finish(Error reason);
  Local& local() { return locals_[static_cast<size_t>(net::Core::here().index())]; }

  Hub& hub_;
  net::Cores& cores_;
  net::Core& home_;
  StreamKey key_;
  const RingLimits limits_;
  std::vector<Local> locals_;
  std::vector<Mirror> mirrors_;

  State state_ = State::waiting;
  uint32_t incarnation_ = 0;
  PeerPtr publisher_;
  Time frame_step_{};  // distance of the last two packets of the main track
  Time last_main_{};
  bool await_key_ = false;  // a publisher that took over has yet to send a keyframe
  net::Timer hold_;

  // Under the hub's mutex.
  size_t users_ = 0;
  std::vector<PeerPtr> viewers_;
  std::map<std::string, size_t> audience_;  // by protocol
  PeerPtr listed_publisher_;
  StreamInfoPtr listed_info_;
  State listed_state_ = State::waiting;
  WallTime since_{};
};

}  // namespace weir::hub
