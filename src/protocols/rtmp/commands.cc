// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/commands.h"

#include <utility>

#include "containers/flv/amf0.h"

namespace weir::rtmp {
namespace {

using flv::Value;

// Enhanced RTMP v2: FourCcInfoMask.CanForward, and CapsExMask Multitrack | ModEx |
// TimestampNanoOffset.
constexpr int kCanForward = 4;
constexpr int kCapsEx = 2 | 4 | 8;
constexpr const char* kVideoFourCcs[] = {"avc1", "hvc1", "av01", "vp09"};
constexpr const char* kAudioFourCcs[] = {"mp4a", ".mp3", "Opus", "fLaC", "ac-3", "ec-3"};

// The values of a command or data message. The AMF3 types open with a format byte, of which only 0
// is defined: AMF0 follows, with marker 0x11 before values in AMF3. Some senders leave it out,
// which shows because the first value is a string, and its marker is 2.
Result<std::vector<Value>> read_values(const Message& m) {
  ByteSpan body = m.payload;
  const bool amf3 = m.type == MessageType::command_amf3 || m.type == MessageType::data_amf3;
  if (amf3 && !body.empty() && body[0] == 0) body = body.subspan(1);
  auto values = flv::read_all_amf0(body);
  if (!values) return fail(std::move(values.error()).in(to_string(m.type)));
  if (values->empty() || values->front().get<std::string>() == nullptr) {
    return fail(Code::protocol, std::string(to_string(m.type)) + ": no name");
  }
  return values;
}

Message make_values(MessageType type, uint32_t stream_id, const std::vector<Value>& values) {
  ByteWriter w;
  for (const Value& v : values) flv::write_amf0(w, v);
  Message m;
  m.type = type;
  m.stream_id = stream_id;
  m.chunk_stream = stream_id == 0 ? kConnectChunkStream : kCommandChunkStream;
  m.payload = w.take();
  return m;
}

Value info(const Status& s) {
  return flv::make_object({{"level", s.level}, {"code", s.code}, {"description", s.description}});
}

Value forwardable(std::span<const char* const> four_ccs) {
  flv::Object map;
  for (const char* name : four_ccs) map.members.push_back({name, kCanForward});
  return map;
}

// "The server SHOULD state its support" in an object of its reply: Enhanced RTMP v2.
void add_enhanced(flv::Object& properties) {
  flv::StrictArray list;
  for (const char* name : kVideoFourCcs) list.items.emplace_back(name);
  for (const char* name : kAudioFourCcs) list.items.emplace_back(name);
  properties.members.push_back({"fourCcList", std::move(list)});
  properties.members.push_back({"videoFourCcInfoMap", forwardable(kVideoFourCcs)});
  properties.members.push_back({"audioFourCcInfoMap", forwardable(kAudioFourCcs)});
  properties.members.push_back({"capsEx", kCapsEx});
}

std::string_view trim_slashes(std::string_view s) {
  while (s.starts_with('/')) s.remove_prefix(1);
  while (s.ends_with('/')) s.remove_suffix(1);
  return s;
}

}  // namespace

const Value& Command::arg(size_t i) const {
  static const Value kNull;
  return i < args.size() ? args[i] : kNull;
}

Result<Command> parse_command(const Message& m) {
  TRY(auto values, read_values(m));
  Command c;
  c.name = values[0].as_string();
  if (values.size() > 1) c.transaction_id = values[1].as_number();
  if (values.size() > 2) c.object = std::move(values[2]);
  for (size_t i = 3; i < values.size(); ++i) c.args.push_back(std::move(values[i]));
  return c;
}

Result<std::vector<Value>> parse_data(const Message& m) { return read_values(m); }

Message make_command(const Command& c, uint32_t stream_id) {
  std::vector<Value> values{c.name, c.transaction_id, c.object};
  values.insert(values.end(), c.args.begin(), c.args.end());
  return make_values(MessageType::command_amf0, stream_id, values);
}

Message make_data(const std::vector<Value>& values, uint32_t stream_id, uint32_t timestamp) {
  Message m = make_values(MessageType::data_amf0, stream_id, values);
  m.timestamp = timestamp;
  return m;
}

Message connect_result(const Command& call, const Status& status) {
  flv::Object properties;
  properties.members = {{"fmsVer", "FMS/3,0,1,123"}, {"capabilities", 31}};
  if (speaks_enhanced(call)) add_enhanced(properties);
  const Value* encoding = call.object.find("objectEncoding");
  Value about = flv::make_object({{"level", status.level},
                                  {"code", status.code},
                                  {"description", status.description},
                                  {"objectEncoding", encoding ? encoding->as_number() : 0.0}});
  return make_command({"_result", call.transaction_id, std::move(properties), {std::move(about)}});
}

Message create_stream_result(const Command& call, uint32_t stream_id) {
  return result(call, stream_id);
}

Message result(const Command& call, Value value) {
  return make_command({"_result", call.transaction_id, {}, {std::move(value)}});
}

Message error_result(const Command& call, std::string_view code, std::string_view description) {
  return make_command({"_error", call.transaction_id, {}, {info({code, description, "error"})}});
}

bool speaks_enhanced(const Command& connect) {
  for (const auto* key : {"fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"}) {
    if (connect.object.find(key) != nullptr) return true;
  }
  return false;
}

Message on_status(uint32_t stream_id, const Status& status) {
  return make_command({"onStatus", 0, {}, {info(status)}}, stream_id);
}

Message on_bw_done() { return make_command({"onBWDone", 0, {}, {}}); }

Message sample_access(uint32_t stream_id) {
  return make_data({"|RtmpSampleAccess", true, true}, stream_id);
}

NameAndQuery split_query(std::string_view s) {
  const size_t mark = s.find('?');
  if (mark == std::string_view::npos) return {s, {}};
  return {s.substr(0, mark), s.substr(mark + 1)};
}

NameAndQuery normalize_app(std::string_view app) {
  NameAndQuery out = split_query(app);
  out.name = trim_slashes(out.name);
  constexpr std::string_view kDefault = "/_definst_";
  if (out.name.ends_with(kDefault)) {
    out.name = trim_slashes(out.name.substr(0, out.name.size() - kDefault.size()));
  }
  return out;
}

}  // namespace weir::rtmp
