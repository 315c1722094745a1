// Weir live-streaming server. MIT licence, see LICENSE.
#include "codecs/h264.h"

#include "base/bits.h"
#include "codecs/nal.h"

namespace weir::codecs {

namespace {

constexpr size_t kMaxSps = 31, kMaxPps = 255, kMaxSetSize = 65535;

// ISO/IEC 14496-15 5.3.3.1.2: all but Baseline, Main and Extended carry the chroma and bit depth
// tail.
bool has_tail(uint8_t profile) { return profile != 66 && profile != 77 && profile != 88; }

std::vector<Bytes> read_sets(ByteReader& r, size_t count) {
  std::vector<Bytes> sets;
  for (size_t i = 0; i < count && r.ok(); ++i) {
    const auto nal = r.bytes(r.u16());
    if (r.ok() && !nal.empty()) sets.push_back(Bytes::copy(nal));
  }
  return sets;
}

// Sets beyond what the record has room for are left out.
size_t count_sets(const std::vector<Bytes>& sets, size_t most) {
  size_t n = 0;
  for (const auto& s : sets) n += s.size() <= kMaxSetSize;
  return std::min(n, most);
}

void write_sets(ByteWriter& w, const std::vector<Bytes>& sets, size_t count) {
  for (const auto& s : sets) {
    if (s.size() > kMaxSetSize) continue;
    if (count-- == 0) return;
    w.u16(static_cast<uint16_t>(s.size()));
    w.bytes(s);
  }
}

// D.1.1 and D.1.8: a recovery point with recovery_frame_cnt 0.
bool sei_recovers_at_once(ByteSpan nal) {
  const auto rbsp = unescape_nal(nal.subspan(1), 4096);
  ByteReader r(rbsp);
  auto coded = [&r] {
    size_t v = 0;
    uint8_t b = 0;
    do {
      b = r.u8();
      v += b;
    } while (b == 255 && r.ok());
    return v;
  };
  while (r.left() > 2) {
    const size_t type = coded(), size = coded();
    const auto body = r.bytes(size);
    if (!r.ok()) return false;
    if (type != 6) continue;
    BitReader bits(body);
    return bits.ue() == 0 && bits.ok();
  }
  return false;
}

bool is_intra_slice(ByteSpan nal) {
  const auto rbsp = unescape_nal(nal.subspan(1), 16);
  BitReader r(rbsp);
  r.ue();                            // first_mb_in_slice
  const uint32_t type = r.ue() % 5;  // table 7-6: 2 is I, 4 is SI
  return r.ok() && (type == 2 || type == 4);
}

}  // namespace

Result<AvcConfig> parse_avcc(ByteSpan record) {
  ByteReader r(record);
  AvcConfig c;
  if (const uint8_t version = r.u8(); r.ok() && version != 1)
    return fail(Code::protocol, "avcC: version is not 1");
  c.profile = r.u8();
  c.compatibility = r.u8();
  c.level = r.u8();
  c.length_size = (r.u8() & 3) + 1;
  c.sps = read_sets(r, r.u8() & 31);
  c.pps = read_sets(r, r.u8());
  if (!r.ok()) return fail(Code::protocol, "avcC: too short");
  if (c.length_size == 3) return fail(Code::protocol, "avcC: NAL lengths of 3 bytes");
  if (c.sps.empty()) return fail(Code::protocol, "avcC: no sequence parameter set");
  if (has_tail(c.profile) && r.left() >= 4) {
    r.skip(3);
    c.sps_ext = read_sets(r, r.u8());
  }
  return c;
}

Bytes write_avcc(const AvcConfig& c) {
  ByteWriter w;
  w.u8(1);
  w.u8(c.profile);
  w.u8(c.compatibility);
  w.u8(c.level);
  w.u8(static_cast<uint8_t>(0xfc | ((c.length_size - 1) & 3)));
  const size_t sps = count_sets(c.sps, kMaxSps), pps = count_sets(c.pps, kMaxPps);
  w.u8(static_cast<uint8_t>(0xe0 | sps));
  write_sets(w, c.sps, sps);
  w.u8(static_cast<uint8_t>(pps));
  write_sets(w, c.pps, pps);
  if (has_tail(c.profile)) {
    H264Sps first;
    if (!c.sps.empty())
      if (auto parsed = parse_h264_sps(c.sps[0])) first = *parsed;
    const size_t ext = count_sets(c.sps_ext, kMaxPps);
    w.u8(static_cast<uint8_t>(0xfc | first.chroma_format));
    w.u8(static_cast<uint8_t>(0xf8 | (first.bit_depth_luma - 8)));
    w.u8(static_cast<uint8_t>(0xf8 | (first.bit_depth_chroma - 8)));
    w.u8(static_cast<uint8_t>(ext));
    write_sets(w, c.sps_ext, ext);
  }
  return w.take();
}

Result<AvcConfig> make_avc_config(std::vector<Bytes> sps, std::vector<Bytes> pps) {
  if (sps.empty() || pps.empty()) return fail(Code::protocol, "h264: a parameter set is missing");
  if (sps.size() > kMaxSps || pps.size() > kMaxPps)
    return fail(Code::limit, "h264: too many parameter sets");
  for (const auto* sets : {&sps, &pps})
    for (const auto& s : *sets)
      if (s.size() > kMaxSetSize) return fail(Code::limit, "h264: parameter set too long");
  TRY(auto first, parse_h264_sps(sps[0]));
  AvcConfig c;
  c.profile = first.profile;
  c.compatibility = first.compatibility;
  c.level = first.level;
  c.sps = std::move(sps);
  c.pps = std::move(pps);
  return c;
}

Result<AvcConfig> avc_config_in_band(ByteSpan payload) {
  std::vector<Bytes> sps, pps;
  NalReader reader(payload);
  while (auto nal = reader.next()) {
    if (h264_nal_type(*nal) == H264Nal::sps) sps.push_back(Bytes::copy(*nal));
    if (h264_nal_type(*nal) == H264Nal::pps) pps.push_back(Bytes::copy(*nal));
  }
  return make_avc_config(std::move(sps), std::move(pps));
}

bool h264_is_keyframe(ByteSpan payload) {
  NalReader reader(payload);
  while (auto nal = reader.next()) {
    const auto type = h264_nal_type(*nal);
    if (type == H264Nal::idr) return true;
    if (type == H264Nal::slice) return false;  // IDR and other slices never share a picture
  }
  return false;
}

bool h264_has_recovery_point(ByteSpan payload) {
  bool recovers = false;
  NalReader reader(payload);
  while (auto nal = reader.next()) {
    const auto type = h264_nal_type(*nal);
    if (type == H264Nal::sei) recovers = recovers || sei_recovers_at_once(*nal);
    if (type == H264Nal::slice) return recovers && is_intra_slice(*nal);
  }
  return false;
}

std::vector<uint8_t> annexb_parameter_sets(const AvcConfig& c) {
  std::vector<uint8_t> out;
  for (const auto* sets : {&c.sps, &c.sps_ext, &c.pps})
    for (const auto& s : *sets) append_annexb_nal(out, s);
  return out;
}

Result<VideoParams> describe_avcc(ByteSpan record) {
  TRY(auto config, parse_avcc(record));
  TRY(auto sps, parse_h264_sps(config.sps[0]));
  return VideoParams{sps.width, sps.height, sps.frame_rate};
}

}  // namespace weir::codecs
