// Weir live-streaming server. MIT licence, see LICENSE.

// Egress: a stream as RTMP messages, muxed once per core for all players of one form. Every message
// starts with a full chunk header, so the bytes suit any player at any moment. Lives in a
// hub::FanOut.
#pragma once

#include <string>

#include "containers/flv/muxer.h"
#include "hub/fan_out.h"

namespace weir::rtmp {

// All that makes the bytes of two players differ.
struct Form {
  uint32_t stream_id = 1;
  uint32_t chunk_size = 4096;
  bool audio = true, video = true;  // receiveAudio, receiveVideo
  bool multitrack = false;          // the player announced it

  std::string name() const;
  bool operator==(const Form&) const = default;
};

class Egress final : public hub::Muxer {
 public:
  explicit Egress(Form form);
  Bytes preface(const StreamInfo&, Time at) override;
  void packet(const StreamInfo&, const Packet&, ByteWriter& out) override;
  bool joins_at(const StreamInfo&, const Packet&) const override;
  void finish(ByteWriter& out) override;

 private:
  bool wanted(const Track&) const;
  void append(const flv::Message&, std::vector<uint8_t>& out) const;

  Form form_;
  flv::Muxer muxer_;
  StreamInfo shown_;  // of the newest preface, without what the form leaves out
  uint32_t incarnation_ = 0;
};

}  // namespace weir::rtmp
