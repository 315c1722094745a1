// Weir live-streaming server. MIT licence, see LICENSE.

// Egress: a stream's events as FLV tags, bare or in WebSocket frames, made once per core for all
// viewers of one form. Owned by a hub::FanOut, on its core. Tags carry the stream's own time; where
// a viewer joins is where its time starts. Spec: Adobe FLV 10.1 Annex E.4, Enhanced RTMP v2, RFC
// 6455 5.
#pragma once

#include "containers/flv/muxer.h"
#include "hub/fan_out.h"
#include "protocols/flv/form.h"

namespace weir::flv_play {

class Egress final : public hub::Muxer {
 public:
  explicit Egress(Form form);

  Bytes preface(const StreamInfo&, Time at) override;
  void packet(const StreamInfo&, const Packet&, ByteWriter& out) override;
  bool joins_at(const StreamInfo&, const Packet&) const override;

 private:
  StreamInfo shown(const StreamInfo&) const;

  Form form_;
  flv::Muxer muxer_;
  StreamInfo shown_;  // of the newest preface, without what the form leaves out
};

}  // namespace weir::flv_play
