// Weir live-streaming server. MIT licence, see LICENSE.

// The DASH module: its section, its routes, and the manifests of published streams.
#pragma once

#include "service/module.h"

namespace weir::dash {

extern const service::Module module;

}  // namespace weir::dash
