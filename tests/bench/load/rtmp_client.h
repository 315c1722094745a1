// Weir live-streaming server. MIT licence, see LICENSE.

// RtmpClient: the conversation of one player or publisher up to the media, and the answers it owes
// during it (acknowledgements, pings), without a socket: bytes in, bytes to send out. Owned by a
// viewer or by the publisher. Waits for each reply before the next call, as players do. Spec:
// RTMP 1.0 5.2, 7.2.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load/loop.h"
#include "load/skim.h"
#include "protocols/rtmp/commands.h"
#include "protocols/rtmp/handshake.h"

namespace weir::bench {

struct StreamName {
  std::string app, name;
};
// "/live/name" -> app and name; the last slash divides.
StreamName split_path(const std::string& path);

class RtmpClient {
 public:
  enum class Role { play, publish };

  RtmpClient(Role role, const Address& server, StreamName stream);

  // Consumes what belongs to the conversation. A message of the media comes back, everything else
  // is answered in out(). Call until nullopt.
  std::optional<Skimmed> next(ByteSpan& in);
  // To be called with every read's size: acknowledgements count them.
  void received(size_t bytes);

  // What is to be sent; the caller clears it when it was.
  std::vector<uint8_t>& out() { return out_; }
  // play was called, or the server has agreed to publishing.
  bool begun() const { return begun_; }
  bool ok() const { return ok_ && skim_.ok(); }
  uint32_t stream_id() const { return stream_id_; }

 private:
  void call(std::string name, std::vector<flv::Value> args, flv::Value object = {},
            uint32_t on_stream = 0);
  void connect();
  void answer(const Skimmed&);
  void command(ByteSpan head);
  void user_control(ByteSpan head);

  Role role_;
  Address server_;
  StreamName stream_;
  std::optional<rtmp::ClientHandshake> handshake_;
  RtmpSkim skim_;
  std::vector<uint8_t> out_;
  double calls_ = 0;
  uint32_t stream_id_ = 0;
  bool begun_ = false, ok_ = true;
  uint64_t received_ = 0, acknowledged_ = 0, window_ = 0;
};

}  // namespace weir::bench
