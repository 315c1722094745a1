// Weir live-streaming server. MIT licence, see LICENSE.

// VP8 and VP9: frame headers and the vpcC record. All of them read every input.
#include "base/check.h"
#include "codecs/vp8.h"
#include "codecs/vp9.h"

using namespace weir;
using namespace weir::codecs;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan in(data, size);
  if (const auto c = parse_vpcc(in)) {
    const auto again = parse_vpcc(write_vpcc(*c));
    CHECK(again && *again == *c, "vpcC changes on its way through");
  }
  if (const auto c = vp9_config_from_keyframe(in)) {
    CHECK(vp9_is_keyframe(in), "a configuration from no keyframe");
    CHECK(parse_vpcc(write_vpcc(*c)).has_value(), "a record that does not parse");
  }
  const auto f = parse_vp8_frame(in);
  CHECK(vp8_is_keyframe(in) == (f && f->keyframe), "vp8 disagrees with itself");
  return 0;
}
