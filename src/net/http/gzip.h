// Weir live-streaming server. MIT licence, see LICENSE.

// gzip (RFC 1952) in one go, for contents that are compressed once and sent often. Pure; any core.
#pragma once

#include "base/bytes.h"

namespace weir::net::http {

// level 1 (fast) to 9 (small). A playlist takes some 50 us at level 6.
Bytes gzip(ByteSpan, int level = 6);

}  // namespace weir::net::http
