// Weir live-streaming server. MIT licence, see LICENSE.

// Form: all that makes the bytes of one viewer differ from another's; viewers of the same form
// share one muxing on their core. Read from the request's query: `audio=0`, `video=0`,
// `multitrack=1`. A plain value.
#pragma once

#include <string>

#include "base/result.h"
#include "media/track.h"
#include "net/http/message.h"

namespace weir::flv_play {

enum class Carrier : uint8_t {
  body,       // one endless HTTP body
  websocket,  // binary frames, each of one or more whole tags
};

struct Form {
  Carrier carrier = Carrier::body;
  bool audio = true, video = true;
  bool multitrack = false;  // tracks beyond the first of a kind, as Enhanced RTMP multitrack tags

  // "flv" or "ws-flv", and what is special about it: names the fan-out.
  std::string name() const;
  bool operator==(const Form&) const = default;
};

// Code::protocol when an argument is not understood or nothing would be left to send.
Result<Form> parse_form(const net::http::Request&, Carrier);

// What a viewer gets before all else: the file header, framed when the carrier frames. It promises
// the kinds that the stream has; both, where the form allows, while that is not known (null info).
Bytes opening(const Form&, const StreamInfo*);

}  // namespace weir::flv_play
