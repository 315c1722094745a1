// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/amf3.h"

#include <algorithm>

namespace weir::flv {
namespace {

// AMF3 3.1
enum Marker : uint8_t {
  kUndefined = 0x00,
  kNull = 0x01,
  kFalse = 0x02,
  kTrue = 0x03,
  kInteger = 0x04,
  kDouble = 0x05,
  kString = 0x06,
  kXmlDocument = 0x07,
  kDate = 0x08,
  kArray = 0x09,
  kObject = 0x0a,
  kXml = 0x0b,
  kByteArray = 0x0c,
  kVectorInt = 0x0d,
  kVectorUint = 0x0e,
  kVectorDouble = 0x0f,
  kVectorObject = 0x10,
};

constexpr int32_t kIntegerMin = -(1 << 28), kIntegerMax = (1 << 28) - 1;

struct Traits {
  std::string class_name;
  bool dynamic = false, externalizable = false;
  std::vector<std::string> names;
};

// 3.12: what a U29 in front of a complex value says.
struct Head {
  bool reference = false;
  uint32_t number = 0;  // index of the reference, or what remains after the flag bit
};

std::unexpected<Error> past_end() { return fail(Code::protocol, "amf3: value past end"); }
std::unexpected<Error> no_such() { return fail(Code::protocol, "amf3: reference to nothing"); }
std::unexpected<Error> too_large() { return fail(Code::limit, "amf3: too many values"); }

class Reader {
 public:
  Reader(ByteReader& in, AmfBudget& budget) : in_(in), budget_(budget) {}

  Result<Value> value(int depth) {
    if (depth > AmfBudget::kDepth) return fail(Code::limit, "amf3: nested too deep");
    if (!budget_.spend_value()) return too_large();
    const uint8_t marker = in_.u8();
    if (!in_.ok()) return past_end();
    TRY(auto v, marker < kXmlDocument ? simple(marker) : complex(marker, depth));
    if (!in_.ok()) return past_end();
    return v;
  }

 private:
  // 1.3.1: seven bits a byte, the fourth byte whole.
  uint32_t u29() {
    uint32_t v = 0;
    for (int i = 0; i < 3; ++i) {
      const uint8_t b = in_.u8();
      v = v << 7 | (b & 0x7f);
      if (!(b & 0x80)) return v;
    }
    return v << 8 | in_.u8();
  }
  Head head() {
    const uint32_t v = u29();
    return {(v & 1) == 0, v >> 1};
  }

  Result<Value> simple(uint8_t marker) {
    switch (marker) {
      case kUndefined: return Undefined{};
      case kNull: return Null{};
      case kFalse: return false;
      case kTrue: return true;
      case kInteger: return Value::integer(static_cast<int32_t>(u29() << 3) >> 3);
      case kDouble: return in_.f64();
      default: break;
    }
    TRY(auto s, string());
    return Value(std::move(s));
  }

  Result<std::string> string() {
    const Head h = head();
    if (!in_.ok()) return past_end();
    if (h.reference) {
      if (h.number >= strings_.size()) return no_such();
      if (!budget_.spend_copy(strings_[h.number].size())) return too_large();
      return strings_[h.number];
    }
    std::string s(in_.text(h.number));
    if (!in_.ok()) return past_end();
    // 1.3.2: the empty string is never sent by reference.
    if (!s.empty()) strings_.push_back(s);
    return s;
  }

  Result<Value> complex(uint8_t marker, int depth) {
    if (marker > kVectorObject)
      return fail(Code::unsupported, "amf3: marker " + std::to_string(marker));
    const Head h = head();
    if (!in_.ok()) return past_end();
    if (h.reference) return objects_.get(h.number, budget_);
    const size_t index = objects_.open();
    TRY(auto v, body(marker, h.number, depth));
    objects_.close(index, v);
    return v;
  }

  Result<Value> body(uint8_t marker, uint32_t number, int depth) {
    switch (marker) {
      case kXmlDocument:
      case kXml: return Xml{std::string(in_.text(number))};
      case kDate: return Date{in_.f64(), 0};
      case kArray: return array(number, depth);
      case kObject: return object(number, depth);
      case kByteArray: return Bytes::copy(in_.bytes(number));
      default: return vector(marker, number, depth);
    }
  }

  // 3.11: the associative part, ended by an empty name, then `dense` values.
  Result<Value> array(uint32_t dense, int depth) {
    EcmaArray assoc;
    TRY(named_values(assoc.members, depth));
    if (dense > in_.left()) return past_end();
    StrictArray list;
    for (uint32_t i = 0; i < dense; ++i) {
      TRY(auto v, value(depth + 1));
      if (assoc.members.empty())
        list.items.push_back(std::move(v));
      else
        assoc.members.push_back({std::to_string(i), std::move(v)});
    }
    if (assoc.members.empty()) return list;
    return assoc;
  }

  Result<> named_values(std::vector<Member>& members, int depth) {
    for (;;) {
      TRY(auto key, string());
      if (key.empty()) return {};
      TRY(auto v, value(depth + 1));
      members.push_back({std::move(key), std::move(v)});
    }
  }

  Result<Value> object(uint32_t bits, int depth) {
    TRY(const size_t index, traits(bits));
    const Traits t = traits_[index];
    if (t.externalizable) {
      if (!t.class_name.ends_with(".ArrayCollection") && !t.class_name.ends_with(".ObjectProxy"))
        return fail(Code::unsupported, "amf3: externalizable class " + t.class_name);
      return value(depth + 1);
    }
    if (!budget_.spend_copy(t.class_name.size())) return too_large();
    Object o{t.class_name, {}};
    for (const auto& name : t.names) {
      if (!budget_.spend_copy(name.size())) return too_large();
      TRY(auto v, value(depth + 1));
      o.members.push_back({name, std::move(v)});
    }
    if (t.dynamic) TRY(named_values(o.members, depth));
    return o;
  }

  // 3.12: U29O-traits-ref, -ext and -traits; `bits` is without the object flag. An index, because
  // the table may move while members are read.
  Result<size_t> traits(uint32_t bits) {
    if (!(bits & 1)) {
      if (bits >> 1 >= traits_.size()) return no_such();
      return bits >> 1;
    }
    Traits t;
    t.externalizable = bits & 2;
    t.dynamic = bits & 4;
    TRY(t.class_name, string());
    const uint32_t count = t.externalizable ? 0 : bits >> 3;
    if (count > in_.left()) return past_end();
    for (uint32_t i = 0; i < count; ++i) {
      if (!budget_.spend_value()) return too_large();
      TRY(auto name, string());
      t.names.push_back(std::move(name));
    }
    traits_.push_back(std::move(t));
    return traits_.size() - 1;
  }

  // 3.15
  Result<Value> vector(uint8_t marker, uint32_t count, int depth) {
    in_.skip(1);  // whether its length is fixed
    if (marker == kVectorObject) TRY(string());
    const size_t least = marker == kVectorObject ? 1 : marker == kVectorDouble ? 8 : 4;
    if (count > in_.left() / least) return past_end();
    StrictArray list;
    for (uint32_t i = 0; i < count; ++i) {
      TRY(auto v, element(marker, depth));
      list.items.push_back(std::move(v));
    }
    return list;
  }

  Result<Value> element(uint8_t marker, int depth) {
    if (marker == kVectorObject) return value(depth + 1);
    if (!budget_.spend_value()) return too_large();
    if (marker == kVectorInt) return Value::integer(static_cast<int32_t>(in_.u32()));
    if (marker == kVectorUint) return in_.u32();
    return in_.f64();
  }

  ByteReader& in_;
  AmfBudget& budget_;
  std::vector<std::string> strings_;
  AmfReferences objects_;
  std::vector<Traits> traits_;
};

void write_u29(ByteWriter& out, uint32_t v) {
  if (v >= 1u << 21) {
    out.u8(static_cast<uint8_t>(0x80 | (v >> 22 & 0x7f)));
    out.u8(static_cast<uint8_t>(0x80 | (v >> 15 & 0x7f)));
    out.u8(static_cast<uint8_t>(0x80 | (v >> 8 & 0x7f)));
    out.u8(static_cast<uint8_t>(v));
    return;
  }
  if (v >= 1u << 14) out.u8(static_cast<uint8_t>(0x80 | v >> 14));
  if (v >= 1u << 7) out.u8(static_cast<uint8_t>(0x80 | (v >> 7 & 0x7f)));
  out.u8(static_cast<uint8_t>(v & 0x7f));
}

// Lengths share their U29 with a flag bit.
constexpr size_t kLongest = (1u << 28) - 1;

void write_bytes(ByteWriter& out, ByteSpan bytes) {
  bytes = bytes.first(std::min(bytes.size(), kLongest));
  write_u29(out, static_cast<uint32_t>(bytes.size()) << 1 | 1);
  out.bytes(bytes);
}

void write_text(ByteWriter& out, std::string_view text) { write_bytes(out, as_bytes(text)); }

// An empty name would end the list, so such a member cannot be sent.
void write_named(ByteWriter& out, const std::vector<Member>& members) {
  for (const auto& m : members) {
    if (m.key.empty()) continue;
    write_text(out, m.key);
    write_amf3(out, m.value);
  }
  write_text(out, {});
}

struct Writer {
  ByteWriter& out;

  void operator()(Null) const { out.u8(kNull); }
  void operator()(Undefined) const { out.u8(kUndefined); }
  void operator()(bool b) const { out.u8(b ? kTrue : kFalse); }
  void operator()(int32_t n) const {
    if (n < kIntegerMin || n > kIntegerMax) return (*this)(static_cast<double>(n));
    out.u8(kInteger);
    write_u29(out, static_cast<uint32_t>(n) & 0x1fffffff);
  }
  void operator()(double d) const {
    out.u8(kDouble);
    out.f64(d);
  }
  void operator()(const std::string& s) const {
    out.u8(kString);
    write_text(out, s);
  }
  void operator()(const Object& o) const {
    out.u8(kObject);
    write_u29(out, 0b1011);  // own traits, dynamic, no sealed members
    write_text(out, o.class_name);
    write_named(out, o.members);
  }
  void operator()(const EcmaArray& a) const {
    out.u8(kArray);
    write_u29(out, 1);
    write_named(out, a.members);
  }
  void operator()(const StrictArray& a) const {
    out.u8(kArray);
    write_u29(out, static_cast<uint32_t>(a.items.size()) << 1 | 1);
    write_text(out, {});
    for (const auto& v : a.items) write_amf3(out, v);
  }
  void operator()(const Date& d) const {
    out.u8(kDate);
    write_u29(out, 1);
    out.f64(d.ms);
  }
  void operator()(const Xml& x) const {
    out.u8(kXml);
    write_text(out, x.text);
  }
  void operator()(const Bytes& b) const {
    out.u8(kByteArray);
    write_bytes(out, b);
  }
};

}  // namespace

Result<Value> read_amf3(ByteReader& in, AmfBudget& budget, int depth) {
  return Reader(in, budget).value(depth);
}

Result<Value> read_amf3(ByteReader& in) {
  AmfBudget budget;
  return read_amf3(in, budget, 0);
}

Result<std::vector<Value>> read_all_amf3(ByteSpan bytes) {
  ByteReader in(bytes);
  AmfBudget budget;
  Reader reader(in, budget);
  std::vector<Value> all;
  while (!in.at_end()) {
    TRY(auto v, reader.value(0));
    all.push_back(std::move(v));
  }
  return all;
}

void write_amf3(ByteWriter& out, const Value& v) { std::visit(Writer{out}, v.any); }

}  // namespace weir::flv
