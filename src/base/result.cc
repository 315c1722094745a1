// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/result.h"

namespace weir {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::closed: return "closed";
    case Code::timeout: return "timeout";
    case Code::protocol: return "protocol";
    case Code::unsupported: return "unsupported";
    case Code::denied: return "denied";
    case Code::busy: return "busy";
    case Code::not_found: return "not_found";
    case Code::limit: return "limit";
    case Code::io: return "io";
    case Code::internal: return "internal";
  }
  return "unknown";
}

}  // namespace weir
