// Weir live-streaming server. MIT licence, see LICENSE.
#include "protocols/rtmp/egress.h"

#include <fmt/format.h>

#include "protocols/rtmp/chunk_writer.h"
#include "protocols/rtmp/commands.h"
#include "protocols/rtmp/control.h"

namespace weir::rtmp {
namespace {

MessageType type_of(flv::TagType t) {
  switch (t) {
    case flv::TagType::audio: return MessageType::audio;
    case flv::TagType::video: return MessageType::video;
    case flv::TagType::script: return MessageType::data_amf0;
  }
  return MessageType::data_amf0;
}

uint32_t chunk_stream_of(flv::TagType t) {
  switch (t) {
    case flv::TagType::audio: return kAudioChunkStream;
    case flv::TagType::video: return kVideoChunkStream;
    case flv::TagType::script: return kCommandChunkStream;
  }
  return kCommandChunkStream;
}

}  // namespace

std::string Form::name() const {
  return fmt::format("rtmp {} {} {}{}{}", stream_id, chunk_size, audio ? 'a' : '-',
                     video ? 'v' : '-', multitrack ? 'm' : '-');
}

Egress::Egress(Form form)
    : form_(form),
      muxer_(
          flv::MuxOptions{form.multitrack ? flv::Multitrack::carry : flv::Multitrack::leave_out}) {}

bool Egress::wanted(const Track& t) const {
  switch (t.kind()) {
    case Kind::audio: return form_.audio;
    case Kind::video: return form_.video;
    case Kind::data: return true;
  }
  return true;
}

void Egress::append(const flv::Message& m, std::vector<uint8_t>& out) const {
  const MessageHeader header{type_of(m.type), form_.stream_id,
                             static_cast<uint32_t>(to_ticks(m.dts, 1000)), chunk_stream_of(m.type)};
  append_message(out, header, m.head(), m.payload, form_.chunk_size);
}

Bytes Egress::preface(const StreamInfo& info, Time at) {
  shown_ = info;
  std::erase_if(shown_.tracks, [this](const Track& t) { return !wanted(t); });
  ByteWriter out;
  // A publisher is there, or there again: RTMP 1.0 7.1.7.
  if (std::exchange(incarnation_, info.incarnation) != info.incarnation) {
    const UserControl begin{UserControlEvent::stream_begin, form_.stream_id};
    append_message(out.vector(), make_user_control(begin), form_.chunk_size);
  }
  for (const auto& m : muxer_.headers(shown_, at)) append(m, out.vector());
  return out.take();
}

bool Egress::joins_at(const StreamInfo&, const Packet& p) const {
  return hub::is_join_point(&shown_, p);
}

void Egress::packet(const StreamInfo& info, const Packet& p, ByteWriter& out) {
  const Track* track = info.find(p.track);
  if (!track || !muxer_.carries(p.track)) return;
  if (const auto m = muxer_.message(*track, p)) append(*m, out.vector());
}

void Egress::finish(ByteWriter& out) {
  const UserControl eof{UserControlEvent::stream_eof, form_.stream_id};
  append_message(out.vector(), make_user_control(eof), form_.chunk_size);
  const Status gone{"NetStream.Play.UnpublishNotify", "Stop publishing"};
  append_message(out.vector(), on_status(form_.stream_id, gone), form_.chunk_size);
}

}  // namespace weir::rtmp
