// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/check.h"
#include "containers/flv/tag.h"

// The same tags come out however the bytes are cut.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  if (size == 0) return 0;
  const ByteSpan in(data + 1, size - 1);
  const size_t step = data[0] % 16 + size_t{1};
  flv::FileReader whole(65536), pieces(65536);
  std::vector<flv::Tag> expected, got;
  const bool good = whole.read(in, expected).has_value();
  bool still = true;
  for (size_t at = 0; still && at < in.size(); at += step)
    still = pieces.read(in.subspan(at, std::min(step, in.size() - at)), got).has_value();
  CHECK(good == still, "both end alike");
  CHECK(expected.size() == got.size(), "as many tags");
  for (size_t i = 0; i < got.size(); ++i)
    CHECK(got[i].body == expected[i].body && got[i].timestamp_ms == expected[i].timestamp_ms,
          "the same tags");
  return 0;
}
