// Weir live-streaming server. MIT licence, see LICENSE.

#include "base/config_values.h"

#include <gmock/gmock.h>

namespace weir {
namespace {

using ::testing::HasSubstr;

// What a value reads as, shown again; or the error.
template <class T>
std::string again(const FieldValue& text) {
  T value{};
  const auto done = read_value(text, value);
  return done ? to_line(show_value(value)) : "error: " + done.error().what;
}

struct Row {
  const char* text;
  const char* shown;  // null: must be refused
};

template <class T>
void expect_rows(std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    const std::string got = again<T>(std::string(row.text));
    if (row.shown) {
      EXPECT_EQ(got, row.shown) << row.text;
      EXPECT_EQ(again<T>(got), row.shown) << "does not survive its own text";
    } else {
      EXPECT_THAT(got, HasSubstr("error: must be")) << row.text;
    }
  }
}

TEST(ConfigValues, Durations) {
  expect_rows<Duration>({{"2s", "2s"},
                         {"200ms", "200ms"},
                         {"10m", "10m"},
                         {"60m", "1h"},
                         {"1h", "1h"},
                         {"24h", "1d"},
                         {"90s", "90s"},
                         {"1.5s", "1500ms"},
                         {"2", "2s"},
                         {"0", "0s"},
                         {"0.25", "250ms"},
                         {" 3 s ", "3s"},
                         {"3650d", "3650d"},
                         {"", nullptr},
                         {"s", nullptr},
                         {"-2s", nullptr},
                         {"+2s", nullptr},
                         {"2 sec", nullptr},
                         {"2S", nullptr},
                         {"1e3s", nullptr},
                         {"0x10", nullptr},
                         {"inf", nullptr},
                         {"nan", nullptr},
                         {"1..5s", nullptr},
                         {".5s", nullptr},
                         {"5.s", nullptr},
                         {"2s3", nullptr},
                         {"3651d", nullptr},
                         {"auto", nullptr},
                         {"1h30m", nullptr},
                         {"99999999999999999999999999999999d", nullptr}});
}

TEST(ConfigValues, DurationsOrAuto) {
  expect_rows<DurationOrAuto>(
      {{"auto", "auto"}, {"0", "0s"}, {"100ms", "100ms"}, {"Auto", nullptr}});
  EXPECT_EQ(DurationOrAuto(), DurationOrAuto());
  EXPECT_NE(DurationOrAuto(), DurationOrAuto(0ms));
  EXPECT_NE(DurationOrAuto(1s), DurationOrAuto(2s));
}

TEST(ConfigValues, Sizes) {
  expect_rows<ByteSize>({{"4096", "4k"},
                         {"64k", "64k"},
                         {"64K", "64k"},
                         {"64KB", "64k"},
                         {"64KiB", "64k"},
                         {"1024k", "1M"},
                         {"1M", "1M"},
                         {"1.5M", "1536k"},
                         {"2G", "2G"},
                         {"1 GiB", "1G"},
                         {"100", "100"},
                         {"7B", "7"},
                         {"0", "0"},
                         {"0.5k", "512"},
                         {"1073741824G", "1073741824G"},
                         {"", nullptr},
                         {"k", nullptr},
                         {"-1", nullptr},
                         {"1T", nullptr},
                         {"1 k k", nullptr},
                         {"1073741825G", nullptr},
                         {"18446744073709551615", nullptr},
                         {"1e400", nullptr}});
  EXPECT_EQ(parse_byte_size("9007199254740993")->bytes, 9007199254740993u);  // 2^53 + 1
}

TEST(ConfigValues, Endpoints) {
  expect_rows<Endpoint>({{"127.0.0.1:1935", "127.0.0.1:1935"},
                         {"0.0.0.0:0", "0.0.0.0:0"},
                         {":1935", ":1935"},
                         {"1935", ":1935"},
                         {"[::]:1935", "[::]:1935"},
                         {"[fe80::1%eth0]:80", "[fe80::1%eth0]:80"},
                         {"localhost:65535", "localhost:65535"},
                         {"", ""},
                         {"off", ""},
                         {"localhost", nullptr},
                         {"127.0.0.1", nullptr},
                         {"127.0.0.1:", nullptr},
                         {"127.0.0.1:65536", nullptr},
                         {"127.0.0.1:-1", nullptr},
                         {"127.0.0.1:80x", nullptr},
                         {"::1:80", nullptr},
                         {"[::1:80", nullptr},
                         {"[]:80", nullptr},
                         {"[true%eth0]:80", nullptr},
                         {"[127.0.0.1]:80", nullptr},
                         {"a b:80", nullptr},
                         {"http://localhost:80", nullptr}});
  EXPECT_TRUE(Endpoint().off);
  const Endpoint all{":1935"};
  EXPECT_FALSE(all.off);
  EXPECT_EQ(all.host, "");
  EXPECT_EQ(all.port, 1935);
  EXPECT_EQ(Endpoint("[::1]:80"), Endpoint("::1", 80));
  EXPECT_FALSE(parse_endpoint(std::string(300, 'a') + ":80"));
}

TEST(ConfigValues, NumbersAndBooleans) {
  expect_rows<int>({{"5", "5"},
                    {"-5", "-5"},
                    {" 7 ", "7"},
                    {"2147483648", nullptr},
                    {"5.0", nullptr},
                    {"", nullptr},
                    {"five", nullptr},
                    {"5 6", nullptr},
                    {"0x5", nullptr}});
  expect_rows<int64_t>(
      {{"9223372036854775807", "9223372036854775807"}, {"9223372036854775808", nullptr}});
  expect_rows<double>({{"1.5", "1.5"},
                       {"-2", "-2"},
                       {"1e3", "1000"},
                       {"inf", nullptr},
                       {"nan", nullptr},
                       {"1e999", nullptr},
                       {"x", nullptr}});
  expect_rows<bool>({{"true", "true"},
                     {"yes", "true"},
                     {"on", "true"},
                     {"false", "false"},
                     {"no", "false"},
                     {"off", "false"},
                     {"1", nullptr},
                     {"TRUE", nullptr}});
}

TEST(ConfigValues, ListsAndMaps) {
  using List = std::vector<std::string>;
  using Map = std::map<std::string, std::string>;
  expect_rows<List>({{"a, b", "a, b"}, {"a,b,", "a, b"}, {" ", ""}, {"", ""}});
  expect_rows<Map>({{"a=1, b=x=y", "a=1, b=x=y"}, {"", ""}, {"a", nullptr}, {"a=1, b", nullptr}});
  EXPECT_EQ(again<List>(List{"a, b", "c"}), "a, b, c");
  EXPECT_EQ(again<Map>(Map{{"k", "v"}}), "k=v");
  EXPECT_EQ(again<List>(Map{}), "error: must be a list, not a map");
  EXPECT_EQ(again<Map>(List{}), "error: must be a map of keys to values, not a list");
}

TEST(ConfigValues, ListsDoNotFitSingleValues) {
  EXPECT_EQ(again<int>(std::vector<std::string>{"1"}), "error: must be a single value, not a list");
  EXPECT_EQ(again<std::string>(std::map<std::string, std::string>{}),
            "error: must be a single value, not a map");
}

TEST(ConfigValues, TextIsKeptAsItIs) { EXPECT_EQ(again<std::string>("  a, b "), "  a, b "); }

TEST(ConfigValues, AnErrorLeavesTheValueAndQuotesLittle) {
  Duration d = 7s;
  const auto done = read_value(std::string(10'000, 'x'), d);
  ASSERT_FALSE(done);
  EXPECT_EQ(d, 7s);
  EXPECT_LT(done.error().what.size(), 200u);
}

}  // namespace
}  // namespace weir
