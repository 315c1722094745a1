// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/amf0.h"

#include <optional>

#include "containers/flv/amf3.h"

namespace weir::flv {
namespace {

// AMF0 2.1
enum Marker : uint8_t {
  kNumber = 0x00,
  kBoolean = 0x01,
  kString = 0x02,
  kObject = 0x03,
  kNull = 0x05,
  kUndefined = 0x06,
  kReference = 0x07,
  kEcmaArray = 0x08,
  kObjectEnd = 0x09,
  kStrictArray = 0x0a,
  kDate = 0x0b,
  kLongString = 0x0c,
  kUnsupported = 0x0d,
  kXml = 0x0f,
  kTypedObject = 0x10,
  kAmf3 = 0x11,
};

class Reader {
 public:
  Reader(ByteReader& in, AmfBudget& budget) : in_(in), budget_(budget) {}

  Result<Value> value(int depth) {
    if (depth > AmfBudget::kDepth) return fail(Code::limit, "amf0: nested too deep");
    if (!budget_.spend_value()) return fail(Code::limit, "amf0: too many values");
    const uint8_t marker = in_.u8();
    if (!in_.ok()) return fail(Code::protocol, "amf0: value past end");
    TRY(auto v, is_complex(marker) ? complex(marker, depth) : simple(marker));
    if (!in_.ok()) return fail(Code::protocol, "amf0: value past end");
    return v;
  }

 private:
  static bool is_complex(uint8_t marker) {
    return marker == kObject || marker == kEcmaArray || marker == kStrictArray ||
           marker == kTypedObject || marker == kAmf3 || marker == kReference;
  }

  Result<Value> simple(uint8_t marker) {
    switch (marker) {
      case kNumber: return in_.f64();
      case kBoolean: return in_.u8() != 0;
      case kString: return in_.text(in_.u16());
      case kNull: return Null{};
      case kUndefined:
      case kUnsupported: return Undefined{};
      case kDate: {
        const double ms = in_.f64();
        return Date{ms, static_cast<int16_t>(in_.u16())};
      }
      case kLongString: return in_.text(in_.u32());
      case kXml: return Xml{std::string(in_.text(in_.u32()))};
      default: return fail(Code::protocol, "amf0: unknown marker " + std::to_string(marker));
    }
  }

  Result<Value> complex(uint8_t marker, int depth) {
    if (marker == kReference) return references_.get(in_.u16(), budget_);
    if (marker == kAmf3) return read_amf3(in_, budget_, depth);
    const size_t index = references_.open();
    TRY(auto v, container(marker, depth));
    references_.close(index, v);
    return v;
  }

  Result<Value> container(uint8_t marker, int depth) {
    if (marker == kStrictArray) return strict_array(depth);
    if (marker == kEcmaArray) {
      const uint32_t count = in_.u32();
      TRY(auto all, members(depth, count));
      return EcmaArray{std::move(all)};
    }
    std::string class_name;
    if (marker == kTypedObject) class_name = in_.text(in_.u16());
    TRY(auto all, members(depth, std::nullopt));
    return Object{std::move(class_name), std::move(all)};
  }

  Result<std::vector<Member>> members(int depth, std::optional<uint32_t> announced) {
    std::vector<Member> all;
    for (;;) {
      // Some encoders leave the end marker of an array out when nothing follows it.
      if (announced && all.size() == *announced && in_.at_end()) return all;
      const std::string_view key = in_.text(in_.u16());
      if (!in_.ok()) return fail(Code::protocol, "amf0: key past end");
      if (key.empty() && in_.peek_u8() == kObjectEnd) {
        in_.skip(1);
        return all;
      }
      TRY(auto v, value(depth + 1));
      all.push_back({std::string(key), std::move(v)});
    }
  }

  Result<Value> strict_array(int depth) {
    const uint32_t count = in_.u32();
    if (count > in_.left()) return fail(Code::protocol, "amf0: array past end");
    StrictArray array;
    for (uint32_t i = 0; i < count; ++i) {
      TRY(auto v, value(depth + 1));
      array.items.push_back(std::move(v));
    }
    return array;
  }

  ByteReader& in_;
  AmfBudget& budget_;
  AmfReferences references_;
};

void write_text(ByteWriter& out, std::string_view text) {
  text = text.substr(0, 0xffff);
  out.u16(static_cast<uint16_t>(text.size()));
  out.text(text);
}

void write_members(ByteWriter& out, const std::vector<Member>& members) {
  for (const auto& m : members) {
    write_text(out, m.key);
    write_amf0(out, m.value);
  }
  out.u16(0);
  out.u8(kObjectEnd);
}

struct Writer {
  ByteWriter& out;

  void operator()(Null) const { out.u8(kNull); }
  void operator()(Undefined) const { out.u8(kUndefined); }
  void operator()(bool b) const {
    out.u8(kBoolean);
    out.u8(b ? 1 : 0);
  }
  void operator()(int32_t n) const { (*this)(static_cast<double>(n)); }
  void operator()(double d) const {
    out.u8(kNumber);
    out.f64(d);
  }
  void operator()(const std::string& s) const {
    if (s.size() <= 0xffff) {
      out.u8(kString);
      write_text(out, s);
    } else {
      long_text(kLongString, s);
    }
  }
  void operator()(const Object& o) const {
    out.u8(o.class_name.empty() ? kObject : kTypedObject);
    if (!o.class_name.empty()) write_text(out, o.class_name);
    write_members(out, o.members);
  }
  void operator()(const EcmaArray& a) const {
    out.u8(kEcmaArray);
    out.u32(static_cast<uint32_t>(a.members.size()));
    write_members(out, a.members);
  }
  void operator()(const StrictArray& a) const {
    out.u8(kStrictArray);
    out.u32(static_cast<uint32_t>(a.items.size()));
    for (const auto& v : a.items) write_amf0(out, v);
  }
  void operator()(const Date& d) const {
    out.u8(kDate);
    out.f64(d.ms);
    out.u16(static_cast<uint16_t>(d.zone));
  }
  void operator()(const Xml& x) const { long_text(kXml, x.text); }
  void operator()(const Bytes& b) const {
    out.u8(kAmf3);
    write_amf3(out, b);
  }

  void long_text(Marker marker, const std::string& s) const {
    out.u8(marker);
    out.u32(static_cast<uint32_t>(s.size()));
    out.text(s);
  }
};

}  // namespace

Result<Value> read_amf0(ByteReader& in) {
  AmfBudget budget;
  return Reader(in, budget).value(0);
}

Result<std::vector<Value>> read_all_amf0(ByteSpan bytes) {
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

void write_amf0(ByteWriter& out, const Value& v) { std::visit(Writer{out}, v.any); }

}  // namespace weir::flv
