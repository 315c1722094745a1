// Weir live-streaming server. MIT licence, see LICENSE.

// Hub: the directory of streams and the one place where publishers meet subscribers. It knows
// packets, never protocols. Access is checked inside, so no protocol can forget it. The directory
// is guarded by a mutex that publish, subscribe and list take, and no packet ever does. One per
// process, owned by main; its methods may be called on any core.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "hub/fan_out.h"
#include "hub/stream.h"
#include "net/task.h"

namespace weir::hub {

enum class SecondPublisher { reject, replace };
enum class MissingStream { wait, not_found };
enum class CleanEnd { end, hold };

struct HubConfig {
  Time hold{15s};  // how long a stream outlives a lost publisher
  CleanEnd clean_end = CleanEnd::end;
  SecondPublisher second_publisher = SecondPublisher::reject;
  MissingStream missing = MissingStream::wait;
  RingLimits ring;
  FanOutLimits fan_out;
};

// The right to push one stream; given back by the destructor, as a lost publisher. Lives on the
// core of the session that published; packets cross to the stream's home in batches.
class Publication {
 public:
  Publication(std::shared_ptr<Stream> stream, uint32_t incarnation, Time start);
  Publication(Publication&&) noexcept = default;
  ~Publication();

  // The tracks from here on. The hub stamps version, incarnation and epoch.
  void announce(std::vector<Track> tracks);
  // One packet on the publisher's own timeline, which starts near zero (media/timeline.h).
  void push(Packet packet);
  // Sends what was pushed; once per socket read.
  void flush();
  // Gives the name back with a reason; nothing can be pushed afterwards.
  void end(Ending how);
  const StreamKey& key() const { return stream_->key(); }

 private:
  std::shared_ptr<Stream> stream_;
  uint32_t incarnation_ = 0;
  Time start_{};
  uint32_t version_ = 0;
  std::vector<Track> tracks_;
  bool announced_ = false;  // tracks_ are to be sent before the next packet
  WallTime epoch_{};
  Batch batch_;
  std::shared_ptr<Transit> transit_;  // to a home on another core
  bool hole_ = false;                 // something did not fit in there
  StreamInfoPtr owed_;                // an info that did not
};

struct SubscribeOptions {
  Ring::Join join = Ring::Join::newest;
};

// A reader's place in a stream. Lives on the core that subscribed; movable, not shared.
class Subscription {
 public:
  Subscription(std::shared_ptr<Stream> stream, PeerPtr peer, SubscribeOptions options);
  Subscription(Subscription&&) noexcept = default;
  ~Subscription();

  // The next event; waits for it. After End there is nothing more.
  net::Task<Event> next();
  // The next event if there is one now; with changed() for loops that wait on several things.
  std::optional<Event> try_next();
  net::Signal& changed() { return stream_->ring().changed(); }

  // Joins the fan-out of this form on this core; `form` names all that makes its bytes differ.
  std::shared_ptr<FanOut> fan_out(const std::string& form,
                                  std::move_only_function<std::unique_ptr<Muxer>()> make);
  const StreamKey& key() const { return stream_->key(); }
  // The newest info on this core, null before the first.
  StreamInfoPtr info() const { return stream_->ring().info(); }

 private:
  std::shared_ptr<Stream> stream_;
  PeerPtr peer_;
  SubscribeOptions options_;
  Ring::Cursor cursor_;
};

struct StreamStatus {
  StreamKey key;
  Stream::State state;
  WallTime since;
  StreamInfoPtr info;  // null before the first
  PeerPtr publisher;   // null while there is none
  std::vector<PeerPtr> viewers;
  size_t audience = 0;  // viewers without a subscription, see Hub::set_audience
  uint64_t packets_in, bytes_in;
};

// Told about the life of streams, on the stream's home core. Hooks, packagers and recorders start
// here.
class HubObserver {
 public:
  virtual ~HubObserver() = default;
  virtual void on_published(const StreamKey&, const PeerPtr&) {}
  virtual void on_unpublished(const StreamKey&, Ending) {}
  // The stream is over for good: ended, or not taken up again within the hold.
  virtual void on_ended(const StreamKey&) {}
};

class Hub {
 public:
  Hub(net::Cores& cores, HubConfig config);
  ~Hub();

  // Claims the name. Code::busy when somebody publishes it.
  net::Task<Result<Publication>> publish(StreamKey key, PeerPtr peer);
  // With MissingStream::wait a name nobody publishes gives a subscription that waits; else
  // Code::not_found.
  net::Task<Result<Subscription>> subscribe(StreamKey key, PeerPtr peer,
                                            SubscribeOptions options = {});
  std::vector<StreamStatus> list() const;
  // Ends every stream; when it returns, no observer is told anything more. For the end of the
  // process, when nobody publishes or subscribes any longer; awaited on any core.
  net::Task<> stop();
  // How many watch through this protocol without a subscription: those who come and go with each
  // request.
  void set_audience(const StreamKey& key, const std::string& protocol, size_t viewers);
  // Before the first stream.
  void observe(HubObserver& o) { observers_.push_back(&o); }
  // A new configuration for what starts from now on. Any core.
  void reconfigure(HubConfig);
  HubConfig config() const;
  net::Cores& cores() { return cores_; }

 private:
  friend Stream;
  friend Publication;
  friend Subscription;
  std::shared_ptr<Stream> acquire(const StreamKey& key);
  std::shared_ptr<Stream> acquire_existing(const StreamKey& key);
  void release(Stream& stream, const PeerPtr& viewer);
  void listed(Stream&, Stream::State, const PeerPtr& publisher);
  void listed(Stream&, const StreamInfoPtr&);
  template <class F>
  void tell(F f) {
    for (HubObserver* o : observers_) f(*o);
  }

  net::Cores& cores_;
  Logger log_{"hub"};
  std::vector<HubObserver*> observers_;
  mutable std::mutex mutex_;
  HubConfig config_;
  std::unordered_map<StreamKey, std::shared_ptr<Stream>> streams_;
};

}  // namespace weir::hub
