// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/flv/egress.h"

#include "net/http/websocket.h"

namespace weir::flv_play {
namespace {

uint32_t milliseconds(Time t) { return static_cast<uint32_t>(to_ticks(t, 1000)); }

}  // namespace

Egress::Egress(Form form)
    : form_(form),
      muxer_(
          flv::MuxOptions{form.multitrack ? flv::Multitrack::carry : flv::Multitrack::leave_out}) {}

StreamInfo Egress::shown(const StreamInfo& info) const {
  StreamInfo out = info;
  std::erase_if(out.tracks, [this](const Track& t) {
    return (t.kind() == Kind::audio && !form_.audio) || (t.kind() == Kind::video && !form_.video);
  });
  return out;
}

Bytes Egress::preface(const StreamInfo& info, Time at) {
  shown_ = shown(info);
  ByteWriter tags;
  for (const auto& m : muxer_.headers(shown_, at)) flv::write_tag(tags, m, milliseconds(m.dts));
  if (form_.carrier == Carrier::websocket && tags.size() > 0)
    return net::http::frame(net::http::Opcode::binary, tags.span());
  return tags.take();
}

void Egress::packet(const StreamInfo& info, const Packet& p, ByteWriter& out) {
  const Track* track = info.find(p.track);
  if (!track || !muxer_.carries(p.track)) return;
  const auto m = muxer_.message(*track, p);
  if (!m) return;
  if (form_.carrier == Carrier::websocket) {
    const size_t size = flv::kTagHeaderSize + m->size() + flv::kTagTrailerSize;
    out.bytes(net::http::frame_head(net::http::Opcode::binary, size).span());
  }
  flv::write_tag(out, *m, milliseconds(m->dts));
}

bool Egress::joins_at(const StreamInfo&, const Packet& p) const {
  return hub::is_join_point(&shown_, p);
}

}  // namespace weir::flv_play
