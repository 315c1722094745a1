// Weir live-streaming server. MIT licence, see LICENSE.

// Waiters: `count` connections that all wait for one and the same part, again and again: for the
// playlist that names it, or for its bytes. Nobody asks for the next part before all have their
// answer, so that asking does not disturb answering. Which part is next, and when it was born, is
// what one Player finds out meanwhile. Owned by the command, on the one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "load/asker.h"
#include "load/player.h"

namespace weir::bench {

enum class WaitFor { playlist, bytes };

// `count` requests for one part.
struct Round {
  PartId id;
  std::string name;
  Time asked{};  // when the last request had left
  std::vector<Time> answers;
  size_t wrong = 0;  // answers that are not what was waited for
};

// What rounds add up to.
struct RoundFigures {
  Samples p50, p99, last;  // of a round's answers, from the birth of the part; one sample each
  size_t left_out = 0;     // not all were waiting when the part was born, or it never was
  void add(const Round&, Time birth);
};

class Waiters {
 public:
  Waiters(Loop& loop, const Address& server, Lane& lane, WaitFor what, size_t count);
  ~Waiters();

  // To be called after each look: connects who is missing, begins the next round when the last is
  // over, settles those whose part's birth is known.
  void go_on(const Player& timekeeper);
  // Every connection is there.
  bool ready() const;
  const Traffic& traffic() const { return traffic_; }
  RoundFigures& figures() { return figures_; }

 private:
  class Waiter;
  void connect();
  void begin(const Player& timekeeper);
  void answered(const AnswerSkim&, Time now);
  void settle();

  Loop& loop_;
  Address server_;
  Lane& lane_;
  WaitFor what_;
  size_t count_;
  Traffic traffic_;
  std::vector<std::unique_ptr<Waiter>> waiters_;
  size_t connected_ = 0;
  Round round_;
  bool waiting_ = false;
  std::vector<Round> over_;  // of which the birth is not known
  RoundFigures figures_;
};

}  // namespace weir::bench
