// Weir live-streaming server. MIT licence, see LICENSE.

// The HLS module: its section, its routes, and the service that packages published streams.
#pragma once

#include "service/module.h"

namespace weir::hls {

extern const service::Module module;

}  // namespace weir::hls
