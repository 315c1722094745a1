// Weir live-streaming server. MIT licence, see LICENSE.

// H.265: the hvcC record, parameter sets and payloads. The first byte picks the door.
#include "codecs/h265.h"

#include "base/check.h"
#include "codecs/nal.h"

using namespace weir;
using namespace weir::codecs;

namespace {

void fuzz_record(ByteSpan in) {
  const auto c = parse_hvcc(in);
  if (!c) return;
  const auto record = write_hvcc(*c);
  const auto again = parse_hvcc(record);
  CHECK(again && write_hvcc(*again) == record, "hvcC changes on its way through");
  if (const auto p = describe_hvcc(in)) CHECK(p->width > 0 && p->height > 0, "a size without area");
  const auto sets = annexb_parameter_sets(*c);
  (void)hevc_config_in_band(from_annexb(sets));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan in(data + 1, size - 1);
  switch (data[0] & 3) {
    case 0: fuzz_record(in); break;
    case 1: (void)parse_h265_sps(in); break;
    case 2: (void)parse_h265_vps_frame_rate(in); break;
    default:
      (void)h265_is_keyframe(in);
      (void)hevc_config_in_band(in);
      break;
  }
  return 0;
}
