// Weir live-streaming server. MIT licence, see LICENSE.

// Viewer: one connection of the load: an HTTP-FLV or RTMP player, or an HTTP client that asks once
// and stays. Owned by main, on the one thread. Counts and measures into the Totals that all viewers
// share; what it receives it steps over.
#pragma once

#include <optional>
#include <string>

#include "load/loop.h"
#include "load/rtmp_client.h"
#include "load/samples.h"
#include "load/skim.h"

namespace weir::bench {

struct Totals {
  uint64_t bytes = 0, messages = 0;
  size_t settled = 0;  // got media, or all that they were to get
  size_t ended = 0;    // closed by the server, refused, or not understood
  std::string why;     // the last of those
  Samples latency;     // of video messages that carry a stamp
  Samples join;        // from the connection to the first keyframe's last byte
};

struct Target {
  enum class Kind { flv, rtmp, http };
  Kind kind = Kind::flv;
  Address server;
  std::string path;
  bool media = true;  // false: a name nobody publishes; asking for it is all there is
};

class Viewer final : Handler {
 public:
  Viewer(Loop& loop, const Target& target, Totals& totals)
      : loop_(loop), target_(target), totals_(totals) {}
  ~Viewer() { close(); }
  Viewer(const Viewer&) = delete;

  void start(const std::string& source);
  void close();
  bool settled() const { return settled_; }
  bool joined() const { return joined_; }
  bool ended() const { return ended_; }
  uint64_t bytes() const { return bytes_; }

 private:
  void ready(uint32_t events) override;
  void connected();
  void read(ByteSpan in);
  void read_http(ByteSpan in);
  void message(const Skimmed&);
  void send();
  void settle();
  void end(std::string why);

  Loop& loop_;
  const Target& target_;
  Totals& totals_;
  int fd_ = -1;
  Time connected_at_{}, now_{};
  bool connecting_ = true, settled_ = false, joined_ = false, ended_ = false;
  uint64_t bytes_ = 0;
  std::optional<RtmpClient> rtmp_;
  std::string http_head_;
  bool http_body_ = false;
  FlvSkim flv_;
};

}  // namespace weir::bench
