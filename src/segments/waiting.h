// Weir live-streaming server. MIT licence, see LICENSE.

// Waiting: packets in order that wait for a picture, and how many bytes they hold. A small value;
// owned by one lane, which bounds it. Pure.
#pragma once

#include <deque>
#include <utility>

#include "media/packet.h"

namespace weir::segments {

class Waiting {
 public:
  void push(PacketPtr p) {
    bytes_ += p->payload.size();
    packets_.push_back(std::move(p));
  }
  PacketPtr pop() {
    PacketPtr p = std::move(packets_.front());
    packets_.pop_front();
    bytes_ -= p->payload.size();
    return p;
  }
  void clear() { *this = Waiting(); }
  const Packet& front() const { return *packets_.front(); }
  const Packet& back() const { return *packets_.back(); }
  bool empty() const { return packets_.empty(); }
  size_t size() const { return packets_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  std::deque<PacketPtr> packets_;
  size_t bytes_ = 0;
};

}  // namespace weir::segments
