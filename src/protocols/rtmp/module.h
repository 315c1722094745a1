// Weir live-streaming server. MIT licence, see LICENSE.

// The RTMP module: listeners, and a session for each connection.
#pragma once

#include "service/module.h"

namespace weir::rtmp {

extern const service::Module module;

}  // namespace weir::rtmp
