// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/reader.h"

#include <algorithm>

namespace weir::mpegts {
namespace {

constexpr size_t kMaxSection = 1024;  // 2.4.4.5: PAT and PMT sections are no longer
constexpr uint64_t kPcrSpan = (kTickMask + 1) * 300;

}  // namespace

void Reader::read(ByteSpan in, std::vector<PesUnit>& out) {
  while (!in.empty()) {
    if (partial_.empty() && in[0] != kSync) {
      const auto next = std::find(in.begin(), in.end(), kSync);
      const auto skipped = static_cast<size_t>(next - in.begin());
      counts_.sync_lost += skipped;
      in = in.subspan(skipped);
      continue;
    }
    if (partial_.empty() && in.size() >= kPacketSize) {
      packet(in.first(kPacketSize), out);
      in = in.subspan(kPacketSize);
      continue;
    }
    const size_t n = std::min(kPacketSize - partial_.size(), in.size());
    partial_.insert(partial_.end(), in.begin(), in.begin() + static_cast<ptrdiff_t>(n));
    in = in.subspan(n);
    if (partial_.size() < kPacketSize) return;
    packet(partial_, out);
    partial_.clear();
  }
}

void Reader::finish(std::vector<PesUnit>& out) {
  if (!partial_.empty()) ++counts_.malformed;
  partial_.clear();
  for (auto& [pid, stream] : streams_) close_unit(pid, stream, out);
}

void Reader::packet(ByteSpan in, std::vector<PesUnit>& out) {
  ++counts_.packets;
  const auto parsed = parse_ts_packet(in);
  if (!parsed || parsed->transport_error || parsed->scrambled) {
    ++counts_.malformed;
    return;
  }
  const TsPacket& p = *parsed;
  if (p.pid == kNullPid) return;
  const auto stream = streams_.find(p.pid);
  const bool table = p.pid == kPatPid || sections_.contains(p.pid);
  check_pcr(p);
  if (!table && stream == streams_.end()) return;
  bool lost = false;
  if (!check_continuity(p, lost) || !p.has_payload) return;
  if (table)
    section_bytes(p, lost);
  else
    pes_bytes(p, lost, stream->second, out);
}

bool Reader::check_continuity(const TsPacket& p, bool& lost) {
  const auto [it, first] = continuity_.try_emplace(p.pid, Continuity{p.continuity, false});
  if (first) return true;
  Continuity& c = it->second;
  // 2.4.3.3: the counter stands still in packets without payload; one repeat of a packet is
  // allowed.
  if (!p.has_payload && p.continuity == c.last) return true;
  const bool next = p.has_payload && p.continuity == ((c.last + 1) & 0x0f);
  const bool repeat = p.has_payload && p.continuity == c.last && !c.repeated && !p.discontinuity;
  c.last = p.continuity;
  c.repeated = repeat;
  if (repeat) return false;
  if (!next && !p.discontinuity) {
    ++counts_.continuity;
    lost = true;
  }
  return true;
}

void Reader::check_pcr(const TsPacket& p) {
  if (!p.pcr) return;
  const auto named = std::any_of(maps_.begin(), maps_.end(),
                                 [&](const auto& m) { return m.second.pcr_pid == p.pid; });
  if (!named) return;
  const auto [it, first] = pcrs_.try_emplace(p.pid, *p.pcr);
  if (!first) {
    const uint64_t forward = (*p.pcr + kPcrSpan - it->second) % kPcrSpan;
    if (!p.discontinuity && (forward == 0 || forward > kPcrSpan / 2)) ++counts_.pcr_back;
    it->second = *p.pcr;
  }
  pcr_ = *p.pcr;
}

void Reader::section_bytes(const TsPacket& p, bool lost) {
  Sections& s = sections_[p.pid];
  ByteReader in(p.payload);
  if (lost) s = {};
  if (p.unit_start) {
    const uint8_t pointer = in.u8();  // 2.4.4.1: bytes of the previous section before a new one
    const ByteSpan tail = in.bytes(pointer);
    if (!in.ok()) {
      ++counts_.malformed;
      s = {};
      return;
    }
    if (s.open) {
      s.data.insert(s.data.end(), tail.begin(), tail.end());
      complete_sections(p.pid, s);
    }
    s.data.clear();
    s.open = true;
  }
  if (!s.open) return;
  const ByteSpan rest = in.rest();
  s.data.insert(s.data.end(), rest.begin(), rest.end());
  complete_sections(p.pid, s);
}

void Reader::complete_sections(uint16_t pid, Sections& s) {
  size_t at = 0;
  while (s.data.size() - at >= 3 && s.data[at] != 0xff) {
    const size_t size = 3u + ((s.data[at + 1] & 0x0fu) << 8 | s.data[at + 2]);
    if (size > kMaxSection) {
      ++counts_.malformed;
      s = {};
      return;
    }
    if (s.data.size() - at < size) break;
    on_section(pid, ByteSpan(s.data).subspan(at, size));
    at += size;
  }
  if (at < s.data.size() && s.data[at] == 0xff) {  // stuffing up to the end of the packet
    s = {};
    return;
  }
  s.data.erase(s.data.begin(), s.data.begin() + static_cast<ptrdiff_t>(at));
}

void Reader::on_section(uint16_t pid, ByteSpan section) {
  const auto count = [this](const Error& e) {
    if (e.code == Code::unsupported) return;
    ++(e.what.ends_with("CRC") ? counts_.crc : counts_.malformed);
  };
  if (pid == kPatPid) {
    const auto programs = parse_pat(section);
    if (!programs) return count(programs.error());
    on_pat(*programs);
  } else {
    auto map = parse_pmt(section);
    if (!map) return count(map.error());
    on_pmt(pid, *std::move(map));
  }
}

void Reader::on_pat(const std::vector<Program>& programs) {
  for (const auto& program : programs) {
    if (program.pmt_pid == kPatPid || sections_.contains(program.pmt_pid)) continue;
    if (sections_.size() > limits_.programs) {
      ++counts_.over_limit;
      return;
    }
    sections_[program.pmt_pid];
  }
}

void Reader::on_pmt(uint16_t pid, ProgramMap map) {
  for (const auto& s : map.streams) {
    const auto known = streams_.find(s.pid);
    if (known != streams_.end()) {
      known->second.type = s.type;
    } else if (streams_.size() >= limits_.streams) {
      ++counts_.over_limit;
    } else if (s.pid != kPatPid && !sections_.contains(s.pid)) {
      streams_[s.pid].type = s.type;
    }
  }
  maps_.insert_or_assign(pid, std::move(map));
}

void Reader::pes_bytes(const TsPacket& p, bool lost, Stream& s, std::vector<PesUnit>& out) {
  if (lost) s.damaged = true;
  if (p.unit_start) {
    close_unit(p.pid, s, out);
    start_unit(p, s);
  } else if (s.header) {
    s.data.insert(s.data.end(), p.payload.begin(), p.payload.end());
  }
  if (!s.header) return;
  if (s.data.size() > limits_.unit) {
    ++counts_.over_limit;
    s = Stream{s.type, {}, {}, false, false};
    return;
  }
  if (s.header->body_size && s.data.size() >= *s.header->body_size) close_unit(p.pid, s, out);
}

void Reader::start_unit(const TsPacket& p, Stream& s) {
  const auto header = parse_pes_header(p.payload);
  if (!header) {
    if (header.error().code != Code::unsupported) ++counts_.malformed;
    return;
  }
  s.header = *header;
  s.random_access = p.random_access;
  const ByteSpan body = p.payload.subspan(header->header_size);
  s.data.assign(body.begin(), body.end());
}

void Reader::close_unit(uint16_t pid, Stream& s, std::vector<PesUnit>& out) {
  if (!s.header) {
    s.damaged = false;
    return;
  }
  if (s.header->body_size && s.data.size() != *s.header->body_size) {
    ++counts_.truncated;
    s.damaged = true;
    s.data.resize(std::min(s.data.size(), *s.header->body_size));
  }
  PesUnit unit{pid, s.type, s.header->pts, s.header->dts, s.random_access, s.damaged, {}};
  unit.payload = Bytes::take(std::move(s.data));
  out.push_back(std::move(unit));
  s = Stream{s.type, {}, {}, false, false};
}

}  // namespace weir::mpegts
