// Weir live-streaming server. MIT licence, see LICENSE.

// How things fail. A function that can fail because of a peer or the environment returns Result<T>;
// our own mistakes are CHECKs (base/check.h). Context is added on the way up with Error::in():
// "rtmp connect: amf0: string past end". Leaves out: exceptions, logging.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

enum class Code {
  closed,       // the other side is gone, in order
  timeout,      // a deadline passed
  protocol,     // the peer sent what the spec does not allow
  unsupported,  // allowed by the spec, not by us
  denied,       // access refused
  busy,         // the name or resource is taken
  not_found,
  limit,     // a bound of ours was reached
  io,        // the operating system said no
  internal,  // a broken promise inside, reported instead of crashing
};

std::string_view to_string(Code);

struct [[nodiscard]] Error {
  Code code;
  std::string what;

  // The same error with a prefix that says where it happened.
  Error in(std::string_view where) && {
    what = std::string(where) + ": " + what;
    return std::move(*this);
  }
  bool operator==(const Error&) const = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

// return fail(Code::protocol, "amf0: string past end");
inline std::unexpected<Error> fail(Code code, std::string what) {
  return std::unexpected(Error{code, std::move(what)});
}
inline std::unexpected<Error> fail(Error e) { return std::unexpected(std::move(e)); }

// TRY(auto x, expr): x = *expr, or return its error. TRY(expr) for Result<void>.
// CO_TRY is the same inside a coroutine.
#define WEIR_CAT2(a, b) a##b
#define WEIR_CAT(a, b) WEIR_CAT2(a, b)
#define WEIR_TRY2(ret, tmp, decl, ...)                   \
  auto tmp = (__VA_ARGS__);                              \
  if (!tmp) ret std::unexpected(std::move(tmp).error()); \
  decl = *std::move(tmp)
#define WEIR_TRY1(ret, tmp, ...)                                                     \
  do {                                                                               \
    if (auto tmp = (__VA_ARGS__); !tmp) ret std::unexpected(std::move(tmp).error()); \
  } while (false)
#define WEIR_PICK(_1, _2, _3, _4, _5, _6, NAME, ...) NAME
#define TRY(...)                                                                             \
  WEIR_PICK(__VA_ARGS__, WEIR_TRY2, WEIR_TRY2, WEIR_TRY2, WEIR_TRY2, WEIR_TRY2, WEIR_TRY1, ) \
  (return, WEIR_CAT(try_, __LINE__), __VA_ARGS__)
#define CO_TRY(...)                                                                          \
  WEIR_PICK(__VA_ARGS__, WEIR_TRY2, WEIR_TRY2, WEIR_TRY2, WEIR_TRY2, WEIR_TRY2, WEIR_TRY1, ) \
  (co_return, WEIR_CAT(try_, __LINE__), __VA_ARGS__)

}  // namespace weir
