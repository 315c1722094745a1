// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/amf.h"

#include <algorithm>

namespace weir::flv {

bool Object::operator==(const Object& other) const = default;
bool EcmaArray::operator==(const EcmaArray& other) const = default;
bool StrictArray::operator==(const StrictArray& other) const = default;
bool Value::operator==(const Value& other) const = default;

Value::Value() = default;
Value::Value(Null) {}
Value::Value(Undefined u) : any(u) {}
Value::Value(std::string s) : any(std::move(s)) {}
Value::Value(std::string_view s) : any(std::string(s)) {}
Value::Value(const char* s) : any(std::string(s)) {}
Value::Value(Object o) : any(std::move(o)) {}
Value::Value(EcmaArray a) : any(std::move(a)) {}
Value::Value(StrictArray a) : any(std::move(a)) {}
Value::Value(Date d) : any(d) {}
Value::Value(Xml x) : any(std::move(x)) {}
Value::Value(Bytes b) : any(std::move(b)) {}

Value Value::integer(int32_t n) {
  Value v;
  v.any = n;
  return v;
}

const std::vector<Member>* Value::members() const {
  if (const auto* o = get<Object>()) return &o->members;
  if (const auto* a = get<EcmaArray>()) return &a->members;
  return nullptr;
}

const Value* Value::find(std::string_view key) const {
  const auto* all = members();
  if (!all) return nullptr;
  const auto it = std::ranges::find(*all, key, &Member::key);
  return it == all->end() ? nullptr : &it->value;
}

double Value::as_number(double otherwise) const {
  if (const auto* d = get<double>()) return *d;
  if (const auto* i = get<int32_t>()) return *i;
  return otherwise;
}

std::string_view Value::as_string(std::string_view otherwise) const {
  if (const auto* s = get<std::string>()) return *s;
  return otherwise;
}

bool Value::as_bool(bool otherwise) const {
  if (const auto* b = get<bool>()) return *b;
  return otherwise;
}

Value make_object(std::initializer_list<Member> members) { return Object{{}, members}; }

Value make_ecma_array(std::initializer_list<Member> members) { return EcmaArray{members}; }

Value make_strict_array(std::initializer_list<Value> items) { return StrictArray{items}; }

bool AmfBudget::spend_tree(const Value& v) {
  if (!spend_value()) return false;
  if (const auto* s = v.get<std::string>()) return spend_copy(s->size());
  if (const auto* x = v.get<Xml>()) return spend_copy(x->text.size());
  if (const auto* o = v.get<Object>(); o && !spend_copy(o->class_name.size())) return false;
  if (const auto* list = v.get<StrictArray>())
    return std::ranges::all_of(list->items, [this](const Value& i) { return spend_tree(i); });
  const auto* all = v.members();
  return !all || std::ranges::all_of(*all, [this](const Member& m) {
    return spend_copy(m.key.size()) && spend_tree(m.value);
  });
}

size_t AmfReferences::open() {
  entries_.emplace_back();
  return entries_.size() - 1;
}

void AmfReferences::close(size_t index, const Value& v) {
  auto& entry = entries_[index];
  entry.state = room_.spend_tree(v) ? State::kept : State::lost;
  if (entry.state == State::kept) entry.value = v;
}

Result<Value> AmfReferences::get(size_t index, AmfBudget& budget) const {
  if (index >= entries_.size()) return fail(Code::protocol, "amf: reference to nothing");
  const auto& entry = entries_[index];
  if (entry.state == State::lost || !budget.spend_tree(entry.value))
    return fail(Code::limit, "amf: references too large");
  return entry.value;
}

}  // namespace weir::flv
