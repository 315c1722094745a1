// Weir live-streaming server. MIT licence, see LICENSE.

// Any payload as a command and as data, in both encodings; what was parsed must write and parse
// again.
#include "base/check.h"
#include "protocols/rtmp/commands.h"

using namespace weir;
using namespace weir::rtmp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Message m;
  m.payload = Bytes::copy(ByteSpan(data, size));
  for (const auto type : {MessageType::command_amf0, MessageType::command_amf3,
                          MessageType::data_amf0, MessageType::data_amf3}) {
    m.type = type;
    (void)parse_data(m);
    const auto c = parse_command(m);
    if (!c) continue;
    (void)parse_command(connect_result(*c, {"code", "text"}));
    const auto again = parse_command(make_command(*c));
    // Names of 64 KiB and more, and values that nest as deep as allowed, may not fit the way back.
    if (again) CHECK(again->args.size() == c->args.size(), "a command changes on its way back");
    const auto app = normalize_app(c->name);
    CHECK(app.name.size() + app.query.size() <= c->name.size(), "an app grows");
  }
  return 0;
}
