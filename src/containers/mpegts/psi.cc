// Weir live-streaming server. MIT licence, see LICENSE.
#include "containers/mpegts/psi.h"

#include "containers/mpegts/crc32.h"

namespace weir::mpegts {
namespace {

constexpr uint8_t kPatTable = 0x00, kPmtTable = 0x02;
constexpr uint8_t kRegistration = 0x05, kLanguage = 0x0a;

// The eight bytes that both tables begin with; the length is patched by finish_section.
void begin_section(ByteWriter& out, uint8_t table, uint16_t id, uint8_t version) {
  out.u8(table);
  out.u16(0);
  out.u16(id);
  out.u8(static_cast<uint8_t>(0xc1 | (version & 0x1f) << 1));  // current_next_indicator set
  out.u8(0);                                                   // section 0 of 0
  out.u8(0);
}

std::vector<uint8_t> finish_section(ByteWriter& out) {
  auto& bytes = out.vector();
  const size_t length = bytes.size() - 3 + 4;
  bytes[1] = static_cast<uint8_t>(0xb0 | length >> 8);  // section_syntax_indicator, '0', reserved
  bytes[2] = static_cast<uint8_t>(length);
  out.u32(crc32(out.span()));
  return std::move(out.vector());
}

struct Section {
  uint16_t id = 0;
  uint8_t version = 0;
  ByteSpan body;
};

Result<Section> open_section(ByteSpan in, uint8_t table) {
  ByteReader r(in);
  const uint8_t id = r.u8();
  const uint16_t length = r.u16() & 0x0fff;
  if (!r.ok() || r.left() != length || length < 9)
    return fail(Code::protocol, "psi: section length is wrong");
  if (id != table) return fail(Code::unsupported, "psi: another table");
  if (crc32(in) != 0) return fail(Code::protocol, "psi: wrong CRC");
  Section s;
  s.id = r.u16();
  s.version = static_cast<uint8_t>(r.u8() >> 1 & 0x1f);
  r.skip(2);
  s.body = r.bytes(r.left() - 4);
  return s;
}

void write_descriptors(ByteWriter& out, const ElementaryStream& s) {
  const bool language = s.language.size() == 3;
  out.u16(static_cast<uint16_t>(0xf000 + (s.registration ? 6 : 0) + (language ? 6 : 0)));
  if (s.registration) {
    out.u8(kRegistration);
    out.u8(4);
    out.u32(s.registration);
  }
  if (language) {
    out.u8(kLanguage);
    out.u8(4);
    out.text(s.language);
    out.u8(0);  // audio_type: undefined
  }
}

Result<> parse_descriptors(ByteSpan in, ElementaryStream& s) {
  ByteReader r(in);
  while (!r.at_end()) {
    const uint8_t tag = r.u8();
    const uint8_t length = r.u8();
    const ByteSpan body = r.bytes(length);
    if (!r.ok()) return fail(Code::protocol, "psi: descriptor past its loop");
    ByteReader d(body);
    if (tag == kRegistration && length >= 4) s.registration = d.u32();
    if (tag == kLanguage && length >= 4) s.language = std::string(d.text(3));
  }
  return {};
}

}  // namespace

std::vector<uint8_t> write_pat(const Program& program) {
  ByteWriter out;
  begin_section(out, kPatTable, 1, 0);  // transport_stream_id 1
  out.u16(program.number);
  out.u16(static_cast<uint16_t>(0xe000 | program.pmt_pid));
  return finish_section(out);
}

std::vector<uint8_t> write_pmt(const ProgramMap& map) {
  ByteWriter out;
  begin_section(out, kPmtTable, map.number, map.version);
  out.u16(static_cast<uint16_t>(0xe000 | map.pcr_pid));
  out.u16(0xf000);  // no program descriptors
  for (const auto& s : map.streams) {
    out.u8(static_cast<uint8_t>(s.type));
    out.u16(static_cast<uint16_t>(0xe000 | s.pid));
    write_descriptors(out, s);
  }
  return finish_section(out);
}

Result<std::vector<Program>> parse_pat(ByteSpan section) {
  TRY(const Section s, open_section(section, kPatTable));
  ByteReader r(s.body);
  std::vector<Program> programs;
  while (!r.at_end()) {
    const uint16_t number = r.u16();
    const uint16_t pid = r.u16() & 0x1fff;
    if (!r.ok()) return fail(Code::protocol, "psi: half an entry in the PAT");
    if (number != 0) programs.push_back({number, pid});  // 0 names the network table
  }
  return programs;
}

Result<ProgramMap> parse_pmt(ByteSpan section) {
  TRY(const Section s, open_section(section, kPmtTable));
  ByteReader r(s.body);
  ProgramMap map{s.id, s.version, {}, {}};
  map.pcr_pid = r.u16() & 0x1fff;
  r.skip(r.u16() & 0x0fff);
  while (r.ok() && !r.at_end()) {
    ElementaryStream stream;
    stream.type = static_cast<StreamType>(r.u8());
    stream.pid = r.u16() & 0x1fff;
    const ByteSpan descriptors = r.bytes(r.u16() & 0x0fff);
    TRY(parse_descriptors(descriptors, stream));
    map.streams.push_back(std::move(stream));
  }
  if (!r.ok()) return fail(Code::protocol, "psi: PMT entry past its section");
  return map;
}

}  // namespace weir::mpegts
