// Weir live-streaming server. MIT licence, see LICENSE.

// Loop: epoll on one thread, nothing else; thinner than net's, so that what is measured is the
// server. Owned by main. Also the few socket calls that viewers and publisher share.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace weir::bench {

// CLOCK_MONOTONIC: the same for every process of the machine.
Time monotonic();

struct Address {
  std::string host;  // numeric IPv4
  uint16_t port = 0;
};
Result<Address> split_address(const std::string& host_and_port);

// A non-blocking TCP socket on its way to `to`, from `local` when that is not empty.
Result<int> start_connect(const Address& to, const std::string& local = {});
void sleep_until(Time when);
// Lifts the bound on open files to the hard one.
void raise_file_limit();

class Handler {
 public:
  virtual void ready(uint32_t events) = 0;

 protected:
  ~Handler() = default;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;

  void add(int fd, uint32_t events, Handler&);
  void change(int fd, uint32_t events, Handler&);
  void remove(int fd);
  // Waits at most `most` and serves what is ready; how many that was.
  size_t turn(Time most);

 private:
  int epoll_;
};

}  // namespace weir::bench
