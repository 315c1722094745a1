// Weir live-streaming server. MIT licence, see LICENSE.

// Peer: who publishes or subscribes, as statistics, logs, access checks and kick need it; the same
// for every protocol. Made by the session, shared with the hub for as long as either lives. The
// text is set before the peer is shown to the hub and never changed; the counters may be bumped and
// read on any core.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/counters.h"
#include "base/time.h"
#include "net/core.h"

namespace weir::hub {

struct Peer {
  std::string protocol;    // "rtmp", "http-flv" ...; empty for workers of our own
  std::string id;          // unique in this process
  std::string address;     // of the other end, without port
  std::string user_agent;  // or flashVer, or what the protocol has
  std::string query;       // arguments that came with the name; secrets: never logged or listed
  WallTime since{};
  // A worker of our own (packager, recorder): neither counted nor listed as a viewer.
  bool internal = false;

  Counter bytes_in, bytes_out, packets_skipped, gaps;

  // Asks the session to end; runs on the session's core. Empty when it cannot be kicked.
  net::Core* core = nullptr;
  std::function<void(Error)> kick;
};

using PeerPtr = std::shared_ptr<Peer>;

// A short id, unique in this process.
std::string next_peer_id();

}  // namespace weir::hub
