// Weir live-streaming server. MIT licence, see LICENSE.

// Value: one AMF value as a plain tree, the same for AMF0 and AMF3; what commands, status objects
// and metadata are made of. Pure values, any core. References of the wire are resolved by copying,
// within AmfBudget; a cycle reads as null, because a tree cannot hold it. Member order is kept as
// sent.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace weir::flv {

struct Value;
struct Member;

struct Null {
  bool operator==(const Null&) const = default;
};
struct Undefined {
  bool operator==(const Undefined&) const = default;
};
// Anonymous when class_name is empty, else a typed object.
struct Object {
  std::string class_name;
  std::vector<Member> members;
  bool operator==(const Object&) const;
};
// An associative array. AMF3's dense part, when there is an associative one too, gets keys "0",
// "1"...
struct EcmaArray {
  std::vector<Member> members;
  bool operator==(const EcmaArray&) const;
};
struct StrictArray {
  std::vector<Value> items;
  bool operator==(const StrictArray&) const;
};
struct Date {
  double ms = 0;  // since 1970, UTC
  int16_t zone = 0;
  bool operator==(const Date&) const = default;
};
struct Xml {
  std::string text;
  bool operator==(const Xml&) const = default;
};

struct Value {
  using Any = std::variant<Null, Undefined, bool, int32_t, double, std::string, Object, EcmaArray,
                           StrictArray, Date, Xml, Bytes>;
  Any any;

  Value();  // null
  Value(Null);
  Value(Undefined);
  Value(std::same_as<bool> auto b);
  // C++ numbers of any type are AMF numbers; an AMF3 integer is Value::integer().
  template <class T>
  requires(std::integral<T> || std::floating_point<T>) && (!std::same_as<T, bool>)Value(T n);
  Value(std::string);
  Value(std::string_view);
  Value(const char*);
  Value(Object);
  Value(EcmaArray);
  Value(StrictArray);
  Value(Date);
  Value(Xml);
  Value(Bytes);
  static Value integer(int32_t);

  template <class T>
  const T* get() const {
    return std::get_if<T>(&any);
  }
  bool is_null() const { return get<Null>() != nullptr; }
  // Members of an object or associative array; null for every other kind.
  const std::vector<Member>* members() const;
  // The first member of that name, of an object or associative array.
  const Value* find(std::string_view key) const;
  // number or integer
  double as_number(double otherwise = 0) const;
  // The view lives as long as this value.
  std::string_view as_string(std::string_view otherwise = {}) const;
  bool as_bool(bool otherwise = false) const;

  bool operator==(const Value&) const;
};

struct Member {
  std::string key;
  Value value;
  bool operator==(const Member&) const = default;
};

// A variant over itself: its members may be used only where Member is whole.
Value::Value(std::same_as<bool> auto b) : any(b) {}
template <class T>
requires(std::integral<T> || std::floating_point<T>) && (!std::same_as<T, bool>)Value::Value(T n)
    : any(static_cast<double>(n)) {}

Value make_object(std::initializer_list<Member>);
Value make_ecma_array(std::initializer_list<Member>);
Value make_strict_array(std::initializer_list<Value>);

// Bounds of one read, however it nests and refers: a hostile peer gets an error, not our memory.
struct AmfBudget {
  static constexpr int kDepth = 32;
  size_t values = 65536;     // values made, whatever their kind
  size_t copied = 1u << 20;  // bytes of text made again by references

  bool spend_value() { return values > 0 && values-- > 0; }
  bool spend_copy(size_t bytes) {
    if (bytes > copied) return false;
    copied -= bytes;
    return true;
  }
  // What copying the tree costs; false when it does not fit.
  bool spend_tree(const Value&);
};

// The objects a reference may name, in the order they begin.
class AmfReferences {
 public:
  size_t open();
  // Keeps a copy while there is room; references to what was not kept fail.
  void close(size_t index, const Value&);
  Result<Value> get(size_t index, AmfBudget&) const;

 private:
  enum class State : uint8_t { open, kept, lost };
  struct Entry {
    State state = State::open;
    Value value;
  };
  std::vector<Entry> entries_;
  AmfBudget room_;
};

}  // namespace weir::flv
