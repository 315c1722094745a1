// Weir live-streaming server. MIT licence, see LICENSE.
#include "base/check.h"
#include "containers/flv/amf3.h"

// What reads must write, and read again to bytes that write the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  const auto all = flv::read_all_amf3({data, size});
  if (!all) return 0;
  ByteWriter first, second;
  for (const auto& v : *all) flv::write_amf3(first, v);
  const auto again = flv::read_all_amf3(first.span());
  if (!again) {
    CHECK(again.error().code == Code::limit, "our own bytes must read");
    return 0;
  }
  for (const auto& v : *again) flv::write_amf3(second, v);
  CHECK(first.vector() == second.vector(), "writing is stable");
  return 0;
}
