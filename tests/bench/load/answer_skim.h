// Weir live-streaming server. MIT licence, see LICENSE.

// AnswerSkim: one HTTP answer after the other on a keep-alive connection, at the least cost: the
// status and the length are all that is read of a head, a body is counted or kept whole. One per
// connection, fed with what the socket gave. Believes its server, as skim.h does. Leaves out
// chunked bodies and pipelining. Spec: RFC 9112 4, 6.
#pragma once

#include <string>

#include "base/bytes.h"

namespace weir::bench {

class AnswerSkim {
 public:
  enum class Body { counted, kept };

  // What comes from now on is one answer.
  void begin(Body);
  // Whether the answer is complete with this.
  bool add(ByteSpan in);
  // The same for bytes of a counted body that nobody looked at, at most left().
  bool skip(size_t size);

  // What the last add() had of the body; valid as long as what was added.
  ByteSpan fresh() const { return fresh_; }
  // The whole body when it was kept and is complete; valid like fresh().
  ByteSpan body() const { return kept_.empty() ? fresh_ : ByteSpan(as_bytes(kept_)); }
  // Bytes of the body that are to come; zero as long as the head is not complete.
  size_t left() const { return left_; }
  bool is_kept() const { return keep_; }
  int status() const { return status_; }
  // What came was one answer of a known length so far.
  bool ok() const { return ok_; }

 private:
  bool take_body(ByteSpan in);
  void read_head(std::string_view head);

  std::string head_, kept_;  // only what came in several pieces
  ByteSpan fresh_;
  size_t left_ = 0;
  int status_ = 0;
  bool in_body_ = false, keep_ = false, ok_ = true;
};

}  // namespace weir::bench
