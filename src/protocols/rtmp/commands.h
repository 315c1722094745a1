// Weir live-streaming server. MIT licence, see LICENSE.

// Commands: the remote calls that RTMP peers make on each other, parsed into one shape, and the
// replies a server makes. Pure values. Also how apps and stream names are split from their query
// arguments. Leaves out what a command does, and in which order replies go: that is the session's.
// RTMP 1.0 7.1.1, 7.2; Enhanced RTMP v2, "Enhancing NetConnection connect Command".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "containers/flv/amf.h"
#include "protocols/rtmp/message.h"

namespace weir::rtmp {

struct Command {
  std::string name;
  double transaction_id = 0;
  flv::Value object;             // null when the call has none
  std::vector<flv::Value> args;  // what follows it

  // The argument at that place, or null when the peer sent fewer.
  const flv::Value& arg(size_t i) const;
};

// Types 20 and 17. A transaction id that is missing or no number reads as 0.
Result<Command> parse_command(const Message&);
// Types 18 and 15: a handler's name ("@setDataFrame", "onMetaData", ...) and what comes with it.
Result<std::vector<flv::Value>> parse_data(const Message&);

// As type 20, on the chunk stream for its stream id.
Message make_command(const Command&, uint32_t stream_id = 0);
// As type 18.
Message make_data(const std::vector<flv::Value>&, uint32_t stream_id, uint32_t timestamp = 0);

// The info object of onStatus, _result and _error.
struct Status {
  std::string_view code;         // "NetStream.Publish.Start"
  std::string_view description;  // for people
  std::string_view level = "status";
};

// Replies to a call. `call` is what the peer sent: its transaction id comes back, and for connect
// also its objectEncoding and, when it speaks Enhanced RTMP, what we support of that.
Message connect_result(const Command& call, const Status&);
Message create_stream_result(const Command& call, uint32_t stream_id);
// _result with a null object and this value.
Message result(const Command& call, flv::Value value);
// _error, with a status of level "error".
Message error_result(const Command& call, std::string_view code, std::string_view description);
// Whether a connect call says that its peer knows Enhanced RTMP (fourCcList and its successors).
bool speaks_enhanced(const Command& connect);

Message on_status(uint32_t stream_id, const Status&);
Message on_bw_done();
// |RtmpSampleAccess true true: players may look at audio and video samples.
Message sample_access(uint32_t stream_id);

// "name?x=y" -> {"name", "x=y"}; the query is without its question mark, empty when there is none.
struct NameAndQuery {
  std::string_view name;
  std::string_view query;
  bool operator==(const NameAndQuery&) const = default;
};
NameAndQuery split_query(std::string_view);
// split_query, then the name without slashes around it and without Flash's "/_definst_" (the
// default instance). "live/_definst_/?k=v" -> {"live", "k=v"}. Other instances stay: "live/room" is
// its own app.
NameAndQuery normalize_app(std::string_view);

}  // namespace weir::rtmp
