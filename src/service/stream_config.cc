// Weir live-streaming server. MIT licence, see LICENSE.
#include "service/stream_config.h"

namespace weir::service {

void describe(Fields<StreamConfig>& f) {
  f.add("hold", &StreamConfig::hold,
        "How long a stream outlives a lost publisher: players stay connected and go on when it "
        "returns.")
      .range(0s, 24h);
  f.add("clean_end", &StreamConfig::clean_end,
        {{"end", hub::CleanEnd::end}, {"hold", hub::CleanEnd::hold}},
        "What a publisher that says goodbye does to its stream: end it at once, or hold it as if "
        "the publisher had been lost.");
  f.add("second_publisher", &StreamConfig::second_publisher,
        {{"reject", hub::SecondPublisher::reject}, {"replace", hub::SecondPublisher::replace}},
        "Who wins when a name that is being published is published again.");
  f.add("missing", &StreamConfig::missing,
        {{"wait", hub::MissingStream::wait}, {"not_found", hub::MissingStream::not_found}},
        "What players of a name that nobody publishes get: they wait, or are told so.");
}

void describe(Fields<PlayConfig>& f) {
  f.add("merge", &PlayConfig::merge,
        "How long bytes for players may wait so that more go with one write. 0: each packet at "
        "once. auto: at once while the core has time to spare, up to 100ms as it gets busy.")
      .range(0s, 2s);
  f.add("backlog", &PlayConfig::backlog,
        "How far a player may fall behind before it goes on at the newest keyframe.")
      .range(500ms, 60s);
  f.add("backlog_size", &PlayConfig::backlog_size,
        "The most bytes kept of a stream for joining and slow players, whatever their age.")
      .range(mib(1), gib(1));
  f.add("stall", &PlayConfig::stall,
        "A player whose connection takes nothing for this long is closed.")
      .range(1s, 1h);
}

hub::HubConfig hub_config(const Config& config) {
  const auto& stream = config.get<StreamConfig>("stream");
  const auto& play = config.get<PlayConfig>("play");
  hub::HubConfig out;
  out.hold = stream.hold;
  out.clean_end = stream.clean_end;
  out.second_publisher = stream.second_publisher;
  out.missing = stream.missing;
  out.ring = {play.backlog, play.backlog_size.bytes};
  out.fan_out.log = out.ring;
  out.fan_out.stall = play.stall;
  out.fan_out.merge.automatic = play.merge.automatic;
  out.fan_out.merge.fixed = play.merge.value;
  return out;
}

}  // namespace weir::service
