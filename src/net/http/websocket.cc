// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/websocket.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"

namespace weir::net::http {
namespace {

constexpr size_t kMostControl = 125;  // RFC 6455 5.5

std::string base64(ByteSpan in) {
  std::vector<unsigned char> out(4 * ((in.size() + 2) / 3) +
                                 1);  // EVP_EncodeBlock ends it with a NUL
  const int n = EVP_EncodeBlock(out.data(), in.data(), static_cast<int>(in.size()));
  return std::string(out.begin(), out.begin() + n);
}

// RFC 6455 4.1: 16 bytes, in base64.
bool is_key(std::string_view key) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.size() == 24 && key.ends_with("==") &&
         key.find_first_not_of(kAlphabet) == key.size() - 2;
}

bool is_control(Opcode o) { return static_cast<uint8_t>(o) >= 8; }

bool is_known(uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

// RFC 6455 7.4: what may stand in a close frame.
bool is_close_code(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

// RFC 3629 4, with overlong forms and surrogates refused.
bool is_utf8(ByteSpan s) {
  for (size_t i = 0; i < s.size();) {
    const uint8_t lead = s[i];
    const size_t more = lead < 0x80 ? 0 : lead < 0xc2 ? 9 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (lead > 0xf4 || more > 3 || s.size() - i <= more) return false;
    uint8_t low = 0x80, high = 0xbf;  // of the byte after the lead
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    for (size_t k = 1; k <= more; ++k) {
      if (s[i + k] < low || s[i + k] > high) return false;
      low = 0x80;
      high = 0xbf;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace

bool wants_websocket(const Request& r) {
  return r.header_has("Connection", "upgrade") && r.header_has("Upgrade", "websocket");
}

std::string websocket_accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  uint8_t sha1[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), sha1, &size, EVP_sha1(), nullptr) == 1,
        "SHA-1 is there");
  return base64({sha1, size});
}

Response accept_websocket(const Request& r, Takeover open, std::string_view protocol) {
  if (r.method != Method::get || r.version != 11)
    return Response::error(400, "a WebSocket begins with GET over HTTP/1.1");
  if (!wants_websocket(r))
    return Response::error(426, "this path is a WebSocket")
        .with("Upgrade", "websocket")
        .with("Connection", "Upgrade");
  // RFC 6455 4.4
  if (r.header("Sec-WebSocket-Version") != "13")
    return Response::error(426, "the WebSocket version spoken here is 13")
        .with("Sec-WebSocket-Version", "13");
  const std::string_view key = r.header("Sec-WebSocket-Key");
  if (!is_key(key)) return Response::error(400, "Sec-WebSocket-Key must be 16 bytes in base64");
  Response out(101);
  out.headers = {{"Upgrade", "websocket"},
                 {"Connection", "Upgrade"},
                 {"Sec-WebSocket-Accept", websocket_accept_key(key)}};
  if (!protocol.empty() && r.header_has("Sec-WebSocket-Protocol", protocol))
    out.headers.push_back({"Sec-WebSocket-Protocol", std::string(protocol)});
  out.takeover = std::move(open);
  return out;
}

FrameHead frame_head(Opcode opcode, uint64_t size) {
  FrameHead h;
  const auto put = [&h](uint64_t v, int bytes) {
    while (bytes-- > 0) h.bytes[h.size++] = static_cast<uint8_t>(v >> (8 * bytes));
  };
  put(0x80 | static_cast<uint64_t>(opcode), 1);
  if (size < 126) {
    put(size, 1);
  } else if (size <= 0xffff) {
    put(126, 1);
    put(size, 2);
  } else {
    put(127, 1);
    put(size, 8);
  }
  return h;
}

Bytes frame(Opcode opcode, ByteSpan payload) {
  const FrameHead head = frame_head(opcode, payload.size());
  ByteWriter w;
  w.reserve(head.size + payload.size());
  w.bytes(head.span());
  w.bytes(payload);
  return w.take();
}

Bytes close_frame(uint16_t code, std::string_view reason) {
  // 1005 and 1006 are never sent (RFC 6455 7.4.1): a close without a code answers one.
  if (code == 1005 || code == 1006) return frame(Opcode::close, {});
  ByteWriter w;
  w.u16(code);
  w.text(reason.substr(0, kMostControl - 2));
  return frame(Opcode::close, w.span());
}

void WebSocketParser::push(ByteSpan in) {
  if (at_ > 0) {
    held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(at_));
    at_ = 0;
  }
  held_.insert(held_.end(), in.begin(), in.end());
}

std::unexpected<Error> WebSocketParser::wrong(uint16_t code, std::string what) {
  close_code_ = code;
  return fail(code == 1009 ? Code::limit : Code::protocol, "websocket: " + std::move(what));
}

// RFC 6455 5.2
Result<std::optional<WebSocketParser::Head>> WebSocketParser::head() {
  ByteReader r(ByteSpan(held_).subspan(at_));
  const uint8_t first = r.u8(), second = r.u8();
  if (!r.ok()) return std::nullopt;
  if (first & 0x70) return wrong(1002, "reserved bits without an extension");
  if (!is_known(first & 0x0f)) return wrong(1002, "unknown opcode");
  if (!(second & 0x80)) return wrong(1002, "a client's frame is not masked");
  Head h{.opcode = static_cast<Opcode>(first & 0x0f), .fin = (first & 0x80) != 0};
  h.size = second & 0x7f;
  if (is_control(h.opcode) && (!h.fin || h.size > kMostControl))
    return wrong(1002, "a control frame is fragmented or too long");
  if (h.size == 126)
    h.size = r.u16();
  else if (h.size == 127)
    h.size = r.u64();
  const ByteSpan mask = r.bytes(4);
  if (!r.ok()) return std::nullopt;
  std::copy(mask.begin(), mask.end(), h.mask.begin());
  h.bytes = r.position();
  if (!is_control(h.opcode)) {
    // RFC 6455 5.4
    if ((h.opcode == Opcode::continuation) != fragmented_.has_value())
      return wrong(1002, fragmented_ ? "a message within a message" : "nothing to continue");
    if (h.size > limit_ - std::min(limit_, message_.size()))
      return wrong(1009, "a message of more than " + std::to_string(limit_) + " bytes");
  }
  return h;
}

Result<std::optional<WebSocketMessage>> WebSocketParser::next() {
  for (;;) {
    TRY(const std::optional<Head> h, head());
    if (!h || held_.size() - at_ - h->bytes < h->size) return std::nullopt;
    at_ += h->bytes;
    std::vector<uint8_t> payload(held_.begin() + static_cast<ptrdiff_t>(at_),
                                 held_.begin() + static_cast<ptrdiff_t>(at_ + h->size));
    at_ += h->size;
    for (size_t i = 0; i < payload.size(); ++i) payload[i] ^= h->mask[i & 3];
    TRY(auto message, finish(*h, std::move(payload)));
    if (message) return message;
  }
}

// A message when this frame ends one, nothing when more fragments follow.
Result<std::optional<WebSocketMessage>> WebSocketParser::finish(const Head& h,
                                                                std::vector<uint8_t> payload) {
  WebSocketMessage m{.kind = h.opcode};
  if (h.opcode == Opcode::close) {
    m.close_code = 1005;
    if (payload.size() == 1) return wrong(1002, "half a close code");
    if (payload.size() >= 2) {
      m.close_code = static_cast<uint16_t>(payload[0] << 8 | payload[1]);
      if (!is_close_code(m.close_code)) return wrong(1002, "not a close code");
      payload.erase(payload.begin(), payload.begin() + 2);
      if (!is_utf8(payload)) return wrong(1007, "the reason is not UTF-8");
    }
  } else if (!is_control(h.opcode)) {
    const Opcode kind = fragmented_.value_or(h.opcode);
    message_.insert(message_.end(), payload.begin(), payload.end());
    fragmented_ = kind;
    if (!h.fin) return std::nullopt;
    fragmented_.reset();
    payload = std::exchange(message_, {});
    m.kind = kind;
    if (kind == Opcode::text && !is_utf8(payload)) return wrong(1007, "text is not UTF-8");
  }
  m.payload = Bytes::take(std::move(payload));
  return m;
}

}  // namespace weir::net::http
