// Weir live-streaming server. MIT licence, see LICENSE.

// Library: packages every stream that is published, for as long as the hub holds it and `rewind`
// longer, so that an ended stream can still be watched. Told by the hub on the stream's home core,
// where the stream's packager, its views and its rewind files are looked after by one task; views
// go to all cores through the directory, where protocols read them. Owned by the server; made,
// started and stopped on core 0; its const methods may be called on any core.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "base/log.h"
#include "hub/hub.h"
#include "net/blocking.h"
#include "net/task_group.h"
#include "segments/config.h"
#include "segments/directory.h"
#include "segments/files.h"
#include "segments/packager.h"

namespace weir::segments {

// Manifests of this form can be written about it, naming every lane there will be, or there will be
// none.
bool is_ready(const View&, Demand);

class Library final : public hub::HubObserver {
 public:
  Library(hub::Hub& hub, net::BlockingPool& disk, std::shared_ptr<const SegmentsConfig> config);
  // After stop().
  ~Library() override;

  void on_published(const StreamKey&, const hub::PeerPtr&) override;
  void on_ended(const StreamKey&) override;

  const Directory& directory() const { return *directory_; }
  // Says that somebody wants manifests of this form: fixes the target duration, starts the TS lane.
  // What follows from it shows in a later view.
  void demand(const StreamKey&, Demand) const;
  // The view once a manifest of this form can be written about it, or says that there will be none
  // (nothing, no_ts), or the newest after `limit`; null for a stream that is not there.
  net::Task<ViewPtr> ready(StreamKey, Demand, Time limit) const;
  // A segment that is on disk, read once for all who want it on this core meanwhile. Code::limit
  // when too many others are being read.
  net::Task<Result<ContentPtr>> read(SegmentPtr) const;

  // For streams that begin from now on.
  void reconfigure(std::shared_ptr<const SegmentsConfig>);
  const SegmentsConfig& config() const;  // of the calling core
  // First half of the end: nobody waits for what comes next any more.
  void release_waiting() { directory_->close(); }
  // Ends all packaging and waits for it; what is published afterwards is left alone.
  net::Task<> stop();

 private:
  struct Live;
  struct Spill;
  struct Local;  // of one core, touched there only
  using Locals = std::vector<std::unique_ptr<Local>>;
  net::Task<> serve(Local&, StreamKey, uint64_t owner, std::shared_ptr<const SegmentsConfig>);
  net::Task<> package(Local&, Live&);
  net::Task<> keep_files(Live&);
  net::Task<> spill(Live&, RewindFolder&, Spill);
  static Local* local(Locals&);

  hub::Hub& hub_;
  net::BlockingPool& disk_;
  Logger log_{"segments"};
  std::shared_ptr<Directory> directory_;
  std::shared_ptr<Locals> locals_;  // shared with posts on their way; [i] is gone once stopped
  std::vector<std::shared_ptr<const SegmentsConfig>> configs_;  // [i] of core i
  std::atomic<uint64_t> next_owner_{1};
};

}  // namespace weir::segments
