// Weir live-streaming server. MIT licence, see LICENSE.

// H.264: the avcC record, parameter sets, payloads and NAL framing. The first byte picks the door.
#include "codecs/h264.h"

#include "base/check.h"
#include "codecs/nal.h"

using namespace weir;
using namespace weir::codecs;

namespace {

void fuzz_record(ByteSpan in) {
  const auto c = parse_avcc(in);
  if (!c) return;
  const auto again = parse_avcc(write_avcc(*c));
  CHECK(again && again->sps == c->sps && again->pps == c->pps, "avcC changes on its way through");
  if (const auto p = describe_avcc(in)) CHECK(p->width > 0 && p->height > 0, "a size without area");
  const auto sets = annexb_parameter_sets(*c);
  (void)avc_config_in_band(from_annexb(sets));
}

void fuzz_payload(ByteSpan in) {
  (void)h264_is_keyframe(in);
  (void)h264_has_recovery_point(in);
  (void)avc_config_in_band(in);
}

void fuzz_framing(ByteSpan in) {
  const auto payload = from_annexb(in);
  const auto same = to_canonical(payload, 4);
  CHECK(same && same->data() == payload.data(), "from_annexb is not canonical");
  std::vector<uint8_t> stream;
  append_annexb(stream, payload);
  CHECK(from_annexb(stream) == payload, "framing does not round-trip");
  CHECK(unescape_nal(in).size() <= in.size(), "unescaping grows");
  for (const int size : {1, 2, 4}) {
    const auto bytes = Bytes::copy(in);
    if (const auto c = to_canonical(bytes, size)) CHECK(NalReader(*c).ok(), "not canonical");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan in(data + 1, size - 1);
  switch (data[0] & 3) {
    case 0: fuzz_record(in); break;
    case 1: (void)parse_h264_sps(in); break;
    case 2: fuzz_payload(in); break;
    default: fuzz_framing(in); break;
  }
  return 0;
}
