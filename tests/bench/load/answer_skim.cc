// Weir live-streaming server. MIT licence, see LICENSE.
#include "load/answer_skim.h"

#include <charconv>

namespace weir::bench {
namespace {

constexpr size_t kMostHead = 16 * 1024;
constexpr std::string_view kEnd = "\r\n\r\n";

std::string_view text_of(ByteSpan in) {
  return {reinterpret_cast<const char*>(in.data()), in.size()};
}

template <class Number>
bool read_number(std::string_view in, Number& n) {
  return std::from_chars(in.data(), in.data() + in.size(), n).ec == std::errc{};
}

}  // namespace

void AnswerSkim::begin(Body body) {
  head_.clear();
  kept_.clear();
  fresh_ = {};
  left_ = 0;
  status_ = 0;
  in_body_ = false;
  keep_ = body == Body::kept;
}

bool AnswerSkim::add(ByteSpan in) {
  fresh_ = {};
  if (in_body_) return take_body(in);
  const bool whole = head_.empty();
  const size_t before = head_.size();
  if (!whole) head_ += text_of(in);
  const std::string_view seen = whole ? text_of(in) : std::string_view(head_);
  const size_t end = seen.find(kEnd);
  if (end == seen.npos) {
    if (whole) head_ = seen;
    ok_ = ok_ && head_.size() <= kMostHead;
    return false;
  }
  read_head(seen.substr(0, end + 2));
  in_body_ = true;
  return take_body(in.subspan(end + kEnd.size() - before));
}

bool AnswerSkim::take_body(ByteSpan in) {
  if (in.size() > left_) {
    ok_ = false;
    in = in.first(left_);
  }
  fresh_ = in;
  const bool in_one_piece = kept_.empty() && in.size() == left_;
  left_ -= in.size();
  if (keep_ && !in_one_piece) kept_ += text_of(in);
  return left_ == 0;
}

bool AnswerSkim::skip(size_t size) {
  fresh_ = {};
  left_ -= size;
  return left_ == 0;
}

// "HTTP/1.1 200 OK", lines with their ends.
void AnswerSkim::read_head(std::string_view head) {
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const size_t at = head.find(kLength);
  const bool has_length = at != head.npos && read_number(head.substr(at + kLength.size()), left_);
  const bool has_status = head.starts_with("HTTP/1.1 ") && read_number(head.substr(9), status_);
  ok_ = ok_ && has_length && has_status;
}

}  // namespace weir::bench
