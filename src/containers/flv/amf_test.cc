// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/flv/amf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "containers/flv/amf0.h"
#include "containers/flv/amf3.h"

namespace weir::flv {
namespace {

using testing::HasSubstr;

Value everything() {
  return make_object({
      {"null", Null{}},
      {"undefined", Undefined{}},
      {"yes", true},
      {"no", false},
      {"number", -12.75},
      {"text", "caf\xc3\xa9"},
      {"empty", ""},
      {"list", make_strict_array({1, "two", make_strict_array({})})},
      {"map", make_ecma_array({{"a", 1}, {"b", make_object({})}})},
      {"typed", Object{"com.example.Point", {{"x", 3}}}},
      {"when", Date{1.7e12, 0}},
      {"xml", Xml{"<a/>"}},
      {"raw", from_hex("00ff10")},
  });
}

TEST(Value, Finds) {
  const Value v = everything();
  EXPECT_EQ(v.find("number")->as_number(), -12.75);
  EXPECT_EQ(v.find("text")->as_string(), "caf\xc3\xa9");
  EXPECT_EQ(v.find("text")->as_number(7), 7);
  EXPECT_EQ(v.find("number")->as_string("other"), "other");
  EXPECT_TRUE(v.find("yes")->as_bool());
  EXPECT_TRUE(v.find("null")->as_bool(true));
  EXPECT_EQ(v.find("map")->find("a")->as_number(), 1);
  EXPECT_EQ(v.find("absent"), nullptr);
  EXPECT_EQ(v.find("number")->find("x"), nullptr);
  EXPECT_EQ(Value::integer(-3).as_number(), -3);
  EXPECT_TRUE(v.find("null")->is_null());
  EXPECT_FALSE(v.find("undefined")->is_null());
}

TEST(Amf0, RoundTrip) {
  ByteWriter out;
  write_amf0(out, everything());
  write_amf0(out, std::string(70000, 'x'));
  const auto all = read_all_amf0(out.span());
  ASSERT_TRUE(all) << all.error().what;
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0], everything());
  EXPECT_EQ((*all)[1].as_string().size(), 70000u);
}

TEST(Amf0, WritesWhatTheSpecShows) {
  ByteWriter out;
  write_amf0(out, 1);
  write_amf0(out, "ab");
  write_amf0(out, make_object({{"k", true}}));
  write_amf0(out, make_ecma_array({{"k", Null{}}}));
  write_amf0(out, Value::integer(2));
  EXPECT_EQ(to_hex(out.span()),
            "003ff0000000000000"
            "0200026162"
            "0300016b0101000009"
            "080000000100016b05000009"
            "004000000000000000");
}

TEST(Amf0, ReadsOdd) {
  // An array without its end marker at the end of the message; a wrong count; unsupported (0x0d).
  EXPECT_EQ(*read_all_amf0(from_hex("0800000001 00016b 05")),
            std::vector<Value>{make_ecma_array({{"k", Null{}}})});
  EXPECT_EQ(*read_all_amf0(from_hex("0800000000 00016b 05 000009")),
            std::vector<Value>{make_ecma_array({{"k", Null{}}})});
  EXPECT_EQ(*read_all_amf0(from_hex("0d")), std::vector<Value>{Undefined{}});
  // A member without a name is a member as long as no end marker follows.
  EXPECT_EQ(*read_all_amf0(from_hex("03 0000 05 000009")),
            std::vector<Value>{make_object({{"", {}}})});
  // Marker 0x11: one AMF3 value, then AMF0 again.
  EXPECT_EQ(*read_all_amf0(from_hex("11 0402 05")),
            (std::vector<Value>{Value::integer(2), Null{}}));
}

TEST(Amf0, References) {
  const auto all = read_all_amf0(from_hex("03 00016b 0101 000009  070000"));
  ASSERT_TRUE(all);
  EXPECT_EQ((*all)[0], (*all)[1]);
  // A cycle reads as null.
  EXPECT_EQ(*read_all_amf0(from_hex("03 00016b 070000 000009")),
            std::vector<Value>{make_object({{"k", Null{}}})});
}

struct Bad {
  const char* hex;
  const char* what;
};

TEST(Amf0, Refuses) {
  for (const auto& [hex, what] : {
           Bad{"00 3ff000", "past end"},
           Bad{"01", "past end"},
           Bad{"02 0005 6162", "past end"},
           Bad{"0c ffffffff 61", "past end"},
           Bad{"03 0001", "past end"},
           Bad{"03 00016b", "past end"},
           Bad{"03 00016b 05", "past end"},
           Bad{"0a ffffffff 05", "array past end"},
           Bad{"0b 0000", "past end"},
           Bad{"10 0009 61", "past end"},
           Bad{"04", "unknown marker 4"},
           Bad{"0e", "unknown marker 14"},
           Bad{"07 0000", "reference to nothing"},
           Bad{"07 00", "reference to nothing"},
           Bad{"11", "past end"},
       }) {
    const auto v = read_all_amf0(from_hex(hex));
    ASSERT_FALSE(v) << hex;
    EXPECT_THAT(v.error().what, HasSubstr(what)) << hex;
  }
}

// `open` repeated, as the start of a value within a value.
Bytes nested(const char* open, int times) {
  ByteWriter out;
  for (int i = 0; i < times; ++i) out.bytes(from_hex(open));
  out.u8(0x05);
  return out.take();
}

TEST(Amf0, RefusesDepth) {
  for (const char* open : {"03 00016b", "08 00000001 00016b", "0a 00000001"}) {
    const auto v = read_all_amf0(nested(open, 10000));
    ASSERT_FALSE(v) << open;
    EXPECT_EQ(v.error().code, Code::limit) << open;
  }
  EXPECT_FALSE(read_all_amf0(nested("0a 00000001", AmfBudget::kDepth + 1)));
  EXPECT_TRUE(read_all_amf0(nested("0a 00000001", AmfBudget::kDepth)));
}

TEST(Amf0, RefusesTooManyValues) {
  const std::vector<uint8_t> nulls(70000, 0x05);
  const auto v = read_all_amf0(nulls);
  ASSERT_FALSE(v);
  EXPECT_EQ(v.error().code, Code::limit);
}

TEST(Amf0, RefusesReferencesThatGrow) {
  // Each array holds the previous one twice: 2^n values out of 9n bytes.
  ByteWriter out;
  out.bytes(from_hex("0a 00000000"));
  for (uint16_t i = 0; i < 31; ++i) {
    out.bytes(from_hex("0a 00000002"));
    for (int twice = 0; twice < 2; ++twice) {
      out.u8(0x07);
      out.u16(i);
    }
  }
  const auto v = read_all_amf0(out.span());
  ASSERT_FALSE(v);
  EXPECT_EQ(v.error().code, Code::limit);
}

TEST(Amf3, RoundTrip) {
  ByteWriter out;
  write_amf3(out, everything());
  for (const int32_t n :
       {0, 1, -1, 127, 128, 16383, 16384, 2097151, 2097152, (1 << 28) - 1, -(1 << 28)})
    write_amf3(out, Value::integer(n));
  write_amf3(out, Value::integer(1 << 28));
  const auto all = read_all_amf3(out.span());
  ASSERT_TRUE(all) << all.error().what;
  ASSERT_EQ(all->size(), 13u);
  EXPECT_EQ((*all)[0], everything());
  EXPECT_EQ((*all)[2], Value::integer(1));
  EXPECT_EQ((*all)[3], Value::integer(-1));
  EXPECT_EQ((*all)[9], Value::integer(2097152));
  EXPECT_EQ((*all)[10], Value::integer((1 << 28) - 1));
  EXPECT_EQ((*all)[11], Value::integer(-(1 << 28)));
  EXPECT_EQ((*all)[12], Value(double(1 << 28)));
}

Value read_one_amf3(const char* hex) {
  const Bytes in = from_hex(hex);
  ByteReader reader(in);
  const auto v = read_amf3(reader);
  EXPECT_TRUE(v) << hex << ": " << (v ? "" : v.error().what);
  EXPECT_TRUE(reader.at_end()) << hex;
  return v ? *v : Value{};
}

TEST(Amf3, Reads) {
  EXPECT_EQ(read_one_amf3("06 03 61"), Value("a"));
  EXPECT_EQ(read_one_amf3("04 8100"), Value::integer(128));
  EXPECT_EQ(read_one_amf3("04 ffffffff"), Value::integer(-1));
  // Dense and associative parts together.
  EXPECT_EQ(read_one_amf3("09 03 0361 02 01 03"), make_ecma_array({{"a", false}, {"0", true}}));
  // The second "a" by reference.
  EXPECT_EQ(read_one_amf3("09 05 01 060361 0600"), make_strict_array({"a", "a"}));
  // Two objects with one traits: class "P", one sealed member "x".
  EXPECT_EQ(read_one_amf3("09 05 01 0a 13 0350 0378 0401  0a 01 0402"),
            make_strict_array({Object{"P", {{"x", Value::integer(1)}}},
                               Object{"P", {{"x", Value::integer(2)}}}}));
  // The same object twice (array is object 0, so it is 1).
  EXPECT_EQ(read_one_amf3("09 05 01 0a 0b 01 0361 03 01  0a 02"),
            make_strict_array({make_object({{"a", true}}), make_object({{"a", true}})}));
  // A cycle: the array holds itself.
  EXPECT_EQ(read_one_amf3("09 03 01 09 00"), make_strict_array({Null{}}));
  // Vectors of int, uint, double, object.
  EXPECT_EQ(read_one_amf3("0d 03 00 ffffffff"), make_strict_array({Value::integer(-1)}));
  EXPECT_EQ(read_one_amf3("0e 03 00 ffffffff"), make_strict_array({4294967295.0}));
  EXPECT_EQ(read_one_amf3("0f 03 00 3ff0000000000000"), make_strict_array({1}));
  EXPECT_EQ(read_one_amf3("10 03 00 01 03"), make_strict_array({true}));
}

TEST(Amf3, ReadsArrayCollection) {
  ByteWriter out;
  out.bytes(from_hex("0a 07"));
  const std::string_view name = "flex.messaging.io.ArrayCollection";
  out.u8(static_cast<uint8_t>(name.size() << 1 | 1));
  out.text(name);
  out.bytes(from_hex("09 03 01 03"));
  const auto all = read_all_amf3(out.span());
  ASSERT_TRUE(all) << all.error().what;
  EXPECT_EQ(*all, std::vector<Value>{make_strict_array({true})});
}

TEST(Amf3, Refuses) {
  for (const auto& [hex, what] : {
           Bad{"04", "past end"},
           Bad{"05 00", "past end"},
           Bad{"06 05 61", "past end"},
           Bad{"06 02", "reference to nothing"},
           Bad{"08 01 00", "past end"},
           Bad{"09 ffffffff 01", "past end"},
           Bad{"09 01", "past end"},
           Bad{"0a 0b 01 0361", "past end"},
           Bad{"0a 01", "reference to nothing"},
           Bad{"0a 02", "reference to nothing"},
           Bad{"0a fffffff3 01", "past end"},
           Bad{"0a 07 0358", "externalizable class X"},
           Bad{"0c 07 0000", "past end"},
           Bad{"0d ffffff7f 00 00000000", "past end"},
           Bad{"11", "marker 17"},
           Bad{"ff", "marker 255"},
       }) {
    const auto v = read_all_amf3(from_hex(hex));
    ASSERT_FALSE(v) << hex;
    EXPECT_THAT(v.error().what, HasSubstr(what)) << hex;
  }
}

TEST(Amf3, RefusesDepth) {
  for (const char* open : {"09 03 01", "0a 0b 01 0361", "09 01 0361"}) {
    const auto v = read_all_amf3(nested(open, 10000));
    ASSERT_FALSE(v) << open;
    EXPECT_EQ(v.error().code, Code::limit) << open;
  }
}

TEST(Amf3, RefusesReferencesThatGrow) {
  // One long string, then thousands of references to it.
  ByteWriter out;
  out.bytes(from_hex("06 c001"));  // 4096 bytes
  out.bytes(std::vector<uint8_t>(4096, 'x'));
  for (int i = 0; i < 10000; ++i) out.bytes(from_hex("0600"));
  const auto v = read_all_amf3(out.span());
  ASSERT_FALSE(v);
  EXPECT_EQ(v.error().code, Code::limit);
}

TEST(AmfReferences, ForgetsWhatIsTooLarge) {
  AmfReferences references;
  AmfBudget budget;
  const size_t big = references.open();
  references.close(big, std::string(2u << 20, 'x'));
  EXPECT_EQ(references.get(big, budget).error().code, Code::limit);
  const size_t small = references.open();
  references.close(small, "x");
  EXPECT_EQ(references.get(small, budget)->as_string(), "x");
}

}  // namespace
}  // namespace weir::flv
