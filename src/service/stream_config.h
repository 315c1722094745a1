// Weir live-streaming server. MIT licence, see LICENSE.

// The sections that say how the hub behaves, `stream` and `play`, and how they become its
// HubConfig.
#pragma once

#include "base/config.h"
#include "hub/hub.h"

namespace weir::service {

struct StreamConfig {
  Duration hold{std::chrono::seconds{15}};
  hub::CleanEnd clean_end = hub::CleanEnd::end;
  hub::SecondPublisher second_publisher = hub::SecondPublisher::reject;
  hub::MissingStream missing = hub::MissingStream::wait;
  bool operator==(const StreamConfig&) const = default;
};
void describe(Fields<StreamConfig>&);

struct PlayConfig {
  DurationOrAuto merge{};
  Duration backlog{std::chrono::seconds{4}};
  ByteSize backlog_size = mib(32);
  Duration stall{std::chrono::seconds{30}};
  bool operator==(const PlayConfig&) const = default;
};
void describe(Fields<PlayConfig>&);

hub::HubConfig hub_config(const Config&);

}  // namespace weir::service
