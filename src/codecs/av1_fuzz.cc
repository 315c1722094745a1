// Weir live-streaming server. MIT licence, see LICENSE.

// AV1: the av1C record, sequence headers and temporal units. The first byte picks the door.
#include "codecs/av1.h"

#include "base/check.h"

using namespace weir;
using namespace weir::codecs;

namespace {

void fuzz_record(ByteSpan in) {
  const auto c = parse_av1c(in);
  if (!c) return;
  const auto record = write_av1c(*c);
  const auto again = parse_av1c(record);
  CHECK(again && write_av1c(*again) == record, "av1C changes on its way through");
  (void)describe_av1c(in);
}

void fuzz_unit(ByteSpan in) {
  const auto unit = Bytes::copy(in);
  const auto clean = av1_to_canonical(unit);
  if (!clean) return;
  const auto again = av1_to_canonical(*clean);
  CHECK(again && again->data() == clean->data(), "canonical is not canonical");
  CHECK(av1_is_keyframe(unit) == av1_is_keyframe(*clean), "a keyframe is lost or made");
  if (const auto c = av1_config_in_band(unit)) {
    const auto p = describe_av1c(write_av1c(*c));
    CHECK(p && p->width > 0 && p->height > 0, "a configuration that does not describe itself");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan in(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0: fuzz_record(in); break;
    case 1: (void)parse_av1_sequence(in); break;
    default: fuzz_unit(in); break;
  }
  return 0;
}
