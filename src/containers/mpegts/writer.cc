// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/writer.h"

#include <algorithm>

namespace weir::mpegts {
namespace {

constexpr uint16_t kPmtPid = 0x1000, kProgram = 1;
constexpr Time kPcrStep = 20ms;     // no more often than this on access units
constexpr Time kPcrLongest = 80ms;  // 2.7.2 allows 100 ms between PCRs
// Frames of one PES share its PTS: publishers with millisecond clocks are off by less than this.
constexpr Time kAudioSlack = 2ms;
constexpr size_t kBody = kPacketSize - 4;

uint64_t ticks(Time t) {
  return static_cast<uint64_t>(to_ticks(t + kClockOffset, kClock)) & kTickMask;
}

void put_pcr(uint64_t pcr, ByteWriter& out) {
  const uint64_t base = pcr / 300 & kTickMask;
  out.u32(static_cast<uint32_t>(base >> 1));
  out.u16(static_cast<uint16_t>((base & 1) << 15 | 0x7e00 | pcr % 300));
}

}  // namespace

Writer::Writer(const std::vector<Track>& tracks, Options options) : options_(options) {
  map_.number = kProgram;
  map_.version = 31;
  pat_ = write_pat({kProgram, kPmtPid});
  set_tracks(tracks);
}

Result<> Writer::carries(const Track& track) {
  TRY(Elementary::make(track));
  return {};
}

void Writer::set_tracks(const std::vector<Track>& tracks) {
  outputs_.clear();
  std::vector<ElementaryStream> streams;
  uint16_t video_pid = 0, audio_pid = 0;
  for (const auto& track : tracks) {
    auto form = Elementary::make(track);
    if (!form || outputs_.size() == kMaxStreams) continue;
    const uint16_t at = pid(track.id);
    auto& first = track.kind() == Kind::video ? video_pid : audio_pid;
    if (first == 0) first = at;
    streams.push_back({form->type(), at, form->registration(), track.language});
    outputs_.emplace(track.id, Output{*std::move(form), {}, 0, {}, {}});
  }
  const uint16_t pcr_pid = video_pid ? video_pid : audio_pid;
  if (streams == map_.streams && pcr_pid == map_.pcr_pid && !pmt_.empty()) return;
  map_.streams = std::move(streams);
  map_.pcr_pid = pcr_pid ? pcr_pid : kNullPid;  // 2.4.4.9: no PCR
  map_.version = (map_.version + 1) & 0x1f;
  pmt_ = write_pmt(map_);
}

void Writer::start_segment(ByteWriter& out) {
  put_sections(kPatPid, pat_, out);
  put_sections(kPmtPid, pmt_, out);
}

void Writer::write(const Packet& p, ByteWriter& out) {
  for (auto& [id, output] : outputs_)
    if (output.frames != 0 && output.first + options_.audio_delay <= p.dts) release(output, out);
  const auto it = outputs_.find(p.track);
  if (it == outputs_.end() || p.payload.empty()) return;
  Output& output = it->second;
  if (pid(p.track) != map_.pcr_pid) put_clock(p.dts, out);
  if (output.form.kind() == Kind::audio) return hold(output, p, out);
  scratch_.clear();
  if (!output.form.append(p, scratch_)) {
    ++dropped_;
    return;
  }
  put_pes(pid(p.track), output, scratch_, p.pts, p.dts,
          p.keyframe ? Entry::random_access : Entry::none, out);
}

void Writer::finish(ByteWriter& out) {
  for (auto& [id, output] : outputs_)
    if (output.frames != 0) release(output, out);
}

void Writer::hold(Output& output, const Packet& p, ByteWriter& out) {
  if (p.payload.size() + 16 > kMaxBoundedPes) {
    ++dropped_;
    return;
  }
  const Time off = p.pts - output.next;
  const bool full = output.frames == options_.audio_frames ||
                    output.held.size() + p.payload.size() + 16 > kMaxBoundedPes;
  if (output.frames != 0 && (full || off > kAudioSlack || off < -kAudioSlack)) release(output, out);
  if (!output.form.append(p, output.held)) {
    ++dropped_;
    return;
  }
  if (output.frames++ == 0) output.first = output.next = p.pts;
  const Time duration = output.form.duration(p);
  output.next += duration;
  if (duration == 0ns) release(output, out);
}

void Writer::release(Output& output, ByteWriter& out) {
  const uint16_t at = pid(output.form.track().id);
  const Entry entry = at == map_.pcr_pid ? Entry::random_access : Entry::none;
  put_pes(at, output, output.held, output.first, output.first, entry, out);
  output.held.clear();
  output.frames = 0;
}

void Writer::put_pes(uint16_t pid, const Output& output, ByteSpan body, Time pts, Time dts,
                     Entry entry, ByteWriter& out) {
  const std::optional<uint64_t> pcr =
      pid == map_.pcr_pid ? next_pcr(dts, entry == Entry::random_access ? 1ms : kPcrStep)
                          : std::nullopt;
  pes_.clear();
  pes_.reserve(body.size() + 32);
  write_pes_header(pes_, output.form.stream_id(), ticks(pts), ticks(dts), body.size());
  pes_.bytes(body);
  put_packets(pid, pes_.span(), pcr, entry, out);
}

std::optional<uint64_t> Writer::next_pcr(Time dts, Time min_step) {
  const Time at = dts + kClockOffset - kPcrLead;
  if (last_pcr_ && at < *last_pcr_ + min_step) return {};
  last_pcr_ = at;
  return static_cast<uint64_t>(to_ticks(at, kSystemClock)) % ((kTickMask + 1) * 300);
}

uint8_t Writer::header_byte(uint16_t pid, bool payload, bool adaptation) {
  const auto [it, first] = continuity_.try_emplace(pid, 15);
  if (payload) it->second = (it->second + 1) & 15;  // 2.4.3.3: stands still without payload
  return static_cast<uint8_t>((adaptation ? 0x20 : 0) | (payload ? 0x10 : 0) | it->second);
}

// A slow or paused picture must not stop the clock: packets of nothing but a PCR fill in.
void Writer::put_clock(Time now, ByteWriter& out) {
  if (!last_pcr_ || map_.pcr_pid == kNullPid) return;
  const auto pcr = next_pcr(now, kPcrLongest);
  if (!pcr) return;
  out.u8(kSync);
  out.u16(map_.pcr_pid);
  out.u8(header_byte(map_.pcr_pid, false, true));
  out.u8(static_cast<uint8_t>(kBody - 1));
  out.u8(0x10);
  put_pcr(*pcr, out);
  auto& bytes = out.vector();
  bytes.insert(bytes.end(), kBody - 8, 0xff);
}

void Writer::put_packets(uint16_t pid, ByteSpan pes, std::optional<uint64_t> pcr, Entry entry,
                         ByteWriter& out) {
  auto& bytes = out.vector();
  bool first = true;
  while (!pes.empty()) {
    const bool flags = first && (pcr || entry == Entry::random_access);
    size_t field = flags ? (pcr ? 8 : 2) : 0;  // bytes of adaptation field, its length byte counted
    const size_t n = std::min(pes.size(), kBody - field);
    const size_t stuffing = kBody - field - n;
    out.u8(kSync);
    out.u16(static_cast<uint16_t>((first ? 0x4000 : 0) | pid));
    out.u8(header_byte(pid, true, field + stuffing != 0));
    if (field + stuffing != 0) {
      const size_t end = bytes.size() + field + stuffing;
      out.u8(static_cast<uint8_t>(field + stuffing - 1));
      if (field + stuffing > 1)
        out.u8(static_cast<uint8_t>(
            flags ? (entry == Entry::random_access ? 0x40 : 0) | (pcr ? 0x10 : 0) : 0));
      if (flags && pcr) put_pcr(*pcr, out);
      bytes.resize(end, 0xff);  // 2.4.3.5: stuffing_byte
    }
    bytes.insert(bytes.end(), pes.begin(), pes.begin() + static_cast<ptrdiff_t>(n));
    pes = pes.subspan(n);
    first = false;
  }
}

void Writer::put_sections(uint16_t pid, ByteSpan section, ByteWriter& out) {
  bool first = true;
  while (!section.empty()) {
    const size_t pointer = first ? 1 : 0;
    const size_t n = std::min(section.size(), kBody - pointer);
    out.u8(kSync);
    out.u16(static_cast<uint16_t>((first ? 0x4000 : 0) | pid));
    out.u8(header_byte(pid, true, false));
    if (first) out.u8(0);  // pointer_field
    out.bytes(section.first(n));
    // 2.4.4: table packets are filled up with 0xff bytes behind the section.
    out.vector().insert(out.vector().end(), kBody - pointer - n, 0xff);
    section = section.subspan(n);
    first = false;
  }
}

}  // namespace weir::mpegts
