// Weir live-streaming server. MIT licence, see LICENSE.

// Names from URLs: whatever is taken apart prints back to the same text, so that no two names mean
// the same file.
#include "base/check.h"
#include "segments/segment.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::segments;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto name = parse_media_name(in);
  if (!name) return 0;
  CHECK(!(name->init && (name->part || name->number)), "a header is of no segment");
  CHECK(name->lane != "ts" || name->init_number == 0, "headers of no use there");
  const std::string out =
      name->init ? init_name(name->token, name->lane, name->init_number)
      : name->part
          ? part_name(name->token, name->lane, name->init_number, name->number, *name->part)
          : segment_name(name->token, name->lane, name->init_number, name->number);
  CHECK(out == in, "prints back");
  return 0;
}
