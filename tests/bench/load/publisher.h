// Weir live-streaming server. MIT licence, see LICENSE.

// Publisher: plays a clip in a circle to an RTMP server in real time, with timestamps that run on,
// and a stamp in every video message. Owned by main; blocks its thread until the server hangs up.
#pragma once

#include <string>

#include "base/result.h"
#include "load/clip.h"
#include "load/loop.h"

namespace weir::bench {

// Returns only with an error: the connection's end is one too. `begun` is called once media may be
// sent.
Error publish(const Address& server, const std::string& path, const Clip& clip, void (*begun)());

}  // namespace weir::bench
