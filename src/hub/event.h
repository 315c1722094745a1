// Weir live-streaming server. MIT licence, see LICENSE.

// Event: all that a subscriber ever sees, in order. A StreamInfo comes before the packets it
// describes and again on every change; Gap says that packets were skipped and the next packet is a
// join point; End says that the stream is over for good. Immutable values, shared by all cores.
#pragma once

#include <cstdint>
#include <variant>

#include "base/result.h"
#include "media/packet.h"

namespace weir::hub {

struct Gap {
  uint64_t packets = 0;
};

struct End {
  Error reason;
};

using Event = std::variant<StreamInfoPtr, PacketPtr, Gap, End>;

}  // namespace weir::hub
