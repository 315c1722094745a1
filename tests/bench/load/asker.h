// Weir live-streaming server. MIT licence, see LICENSE.

// Asker: one keep-alive HTTP connection that asks for one thing at a time; what it asks for, and
// what an answer means, is the derived class's. Owned by its viewer, on the one thread. All askers
// read into one buffer; counted bodies are not even copied out of the kernel.
#pragma once

#include <string>

#include "load/answer_skim.h"
#include "load/loop.h"

namespace weir::bench {

// Of all askers of a command.
struct Traffic {
  uint64_t bytes = 0, answers = 0;
  size_t ended = 0;  // connections closed, refused or not understood
  std::string why;   // the last of those
};

class Asker : Handler {
 public:
  Asker(Loop& loop, Traffic& traffic) : loop_(loop), traffic_(traffic) {}
  Asker(const Asker&) = delete;

  void start(const Address& server, const std::string& source);
  bool ended() const { return ended_; }

 protected:
  ~Asker() { close(); }

  virtual void connected() = 0;
  // Its last byte came at `now`.
  virtual void answered(const AnswerSkim&, Time now) = 0;
  // Whether bytes of the body at hand are to be looked at, and then those that came.
  virtual bool curious() const { return false; }
  virtual void some_body(ByteSpan) {}

  void ask(const std::string& request, AnswerSkim::Body);
  void end(std::string why);

 private:
  void ready(uint32_t events) override;
  void close();

  Loop& loop_;
  Traffic& traffic_;
  int fd_ = -1;
  bool connecting_ = true, ended_ = false;
  AnswerSkim skim_;
};

}  // namespace weir::bench
