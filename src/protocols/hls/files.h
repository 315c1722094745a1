// Weir live-streaming server. MIT licence, see LICENSE.

// Files: keeps the folders of hls.path as the streams are. Told by the hub on a stream's home core,
// where one task per stream demands the transport stream of the library, follows its window and has
// a FolderWriter (disk.h) write each new segment in the blocking pool. A disk that is slow, full or
// not there is reported once and disturbs nobody else: what was missed meanwhile is skipped. Owned
// by the module, which has the hub observe it; made and stopped on core 0.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "base/log.h"
#include "hub/hub.h"
#include "net/blocking.h"
#include "net/task_group.h"
#include "protocols/hls/config.h"
#include "protocols/hls/disk.h"
#include "segments/library.h"

namespace weir::hls {

class Files final : public hub::HubObserver {
 public:
  Files(hub::Hub& hub, net::BlockingPool& disk, const segments::Library& library,
        std::shared_ptr<const HlsConfig> config);
  // After stop().
  ~Files() override;

  void on_published(const StreamKey&, const hub::PeerPtr&) override;
  void on_ended(const StreamKey&) override;

  // For streams that begin from now on. Core 0.
  void reconfigure(std::shared_ptr<const HlsConfig>);
  // Ends all writing and waits for it; files stay as they are, to be gone on with.
  net::Task<> stop();

 private:
  struct Local;
  struct Turn;
  class Writing;
  struct Stream;

  net::Task<> serve(Local&, StreamKey, std::shared_ptr<const HlsConfig>);
  net::Task<segments::ViewPtr> first_view(Local&, StreamKey);
  net::Task<> demand(Local&, StreamKey, uint64_t owner);
  net::Task<> follow(Local&, Stream&);
  net::Task<bool> write_new(Local&, Stream&, segments::ViewPtr);
  net::Task<bool> write(Stream&, segments::SegmentPtr, segments::ViewPtr);
  net::Task<> bury(Local&, Stream&);
  net::Task<Result<>> on_disk(Stream&, std::move_only_function<Result<>()>);
  void report(Stream&, const Result<>&);
  std::vector<uint64_t> bandwidths(const Stream&, const segments::ViewPtr&) const;
  std::shared_ptr<Turn> turn_of(const StreamKey&);
  Local* local();

  hub::Hub& hub_;
  net::BlockingPool& disk_;
  const segments::Library& library_;
  Logger log_{"hls"};
  std::vector<std::unique_ptr<Local>> locals_;             // [i] is touched on core i only
  std::vector<std::shared_ptr<const HlsConfig>> configs_;  // likewise
  std::mutex mutex_;                                       // of turns_; once per stream
  std::map<StreamKey, std::weak_ptr<Turn>> turns_;
};

}  // namespace weir::hls
