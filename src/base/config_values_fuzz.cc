// Weir live-streaming server. MIT licence, see LICENSE.

// Every value that a text is read as must come back from its own text.
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "base/config.h"

namespace {

template <class T>
void round_trip(const weir::FieldValue& text) {
  T value{}, again{};
  if (!weir::read_value(text, value)) return;
  CHECK(weir::read_value(weir::show_value(value), again), "its own text is refused");
  CHECK(value == again, "its own text means something else");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const weir::FieldValue text = std::string(weir::ByteReader({data, size}).text(size));
  round_trip<bool>(text);
  round_trip<int>(text);
  round_trip<int64_t>(text);
  round_trip<double>(text);
  round_trip<std::string>(text);
  round_trip<weir::Duration>(text);
  round_trip<weir::DurationOrAuto>(text);
  round_trip<weir::ByteSize>(text);
  round_trip<weir::Endpoint>(text);
  round_trip<std::vector<std::string>>(text);
  round_trip<std::map<std::string, std::string>>(text);
  weir::nearest_name(weir::to_line(text), {"listen", "chunk_size"});
  return 0;
}
