// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/flv/form.h"

#include "containers/flv/tag.h"
#include "net/http/websocket.h"

namespace weir::flv_play {
namespace {

Result<bool> flag(const net::http::Request& r, std::string_view name, bool otherwise) {
  const auto value = r.query_param(name);
  if (!value || value->empty()) return otherwise;
  if (*value == "1" || *value == "true") return true;
  if (*value == "0" || *value == "false") return false;
  return fail(Code::protocol, std::string(name) + " must be 0 or 1");
}

}  // namespace

std::string Form::name() const {
  std::string out = carrier == Carrier::websocket ? "ws-flv" : "flv";
  if (!audio) out += " no-audio";
  if (!video) out += " no-video";
  if (multitrack) out += " multitrack";
  return out;
}

Result<Form> parse_form(const net::http::Request& r, Carrier carrier) {
  Form f;
  f.carrier = carrier;
  TRY(f.audio, flag(r, "audio", true));
  TRY(f.video, flag(r, "video", true));
  TRY(f.multitrack, flag(r, "multitrack", false));
  if (!f.audio && !f.video)
    return fail(Code::protocol, "audio=0 and video=0 leave nothing to send");
  return f;
}

Bytes opening(const Form& form, const StreamInfo* info) {
  // Some players show nothing before each kind that is promised has come.
  flv::FileHeader has{.audio = form.audio && (!info || info->first(Kind::audio)),
                      .video = form.video && (!info || info->first(Kind::video))};
  if (!has.audio && !has.video) has = {.audio = form.audio, .video = form.video};
  const auto header = flv::make_file_header(has);
  if (form.carrier == Carrier::websocket)
    return net::http::frame(net::http::Opcode::binary, header);
  return Bytes::copy(header);
}

}  // namespace weir::flv_play
