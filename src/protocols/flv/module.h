// Weir live-streaming server. MIT licence, see LICENSE.

// The FLV module: its section, its route, and the service that keeps its viewers.
#pragma once

#include "service/module.h"

namespace weir::flv_play {

extern const service::Module module;

}  // namespace weir::flv_play
