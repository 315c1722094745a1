// Weir live-streaming server. MIT licence, see LICENSE.

// Any bytes, in pieces of changing size: the reader keeps its bounds and its promises.
#include "base/check.h"
#include "containers/mpegts/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  if (size == 0) return 0;
  mpegts::Reader reader({.unit = 4096, .streams = 4, .programs = 2});
  std::vector<mpegts::PesUnit> units;
  ByteSpan in(data + 1, size - 1);
  const size_t step = data[0] == 0 ? in.size() + 1 : data[0];
  while (!in.empty()) {
    const size_t n = std::min(step, in.size());
    reader.read(in.first(n), units);
    in = in.subspan(n);
  }
  reader.finish(units);
  for (const auto& u : units) {
    CHECK(u.payload.size() <= 4096 + 184, "units are bounded");
    CHECK(!u.pts || *u.pts <= mpegts::kTickMask, "33 bits");
  }
  CHECK(reader.programs().size() <= 3, "programs are bounded");
  return 0;
}
