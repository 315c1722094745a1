// Weir live-streaming server. MIT licence, see LICENSE.

// The audio codecs, through their own parsers and through the registry. The first byte picks the
// door; for the registry, the second splits the rest into configuration and payload.
#include <algorithm>

#include "base/check.h"
#include "codecs/aac.h"
#include "codecs/ac3.h"
#include "codecs/flac.h"
#include "codecs/mp3.h"
#include "codecs/opus.h"
#include "codecs/registry.h"

using namespace weir;
using namespace weir::codecs;

namespace {

void fuzz_aac(ByteSpan in) {
  if (const auto c = parse_audio_specific_config(in)) {
    if (const auto out = write_audio_specific_config(*c)) {
      const auto again = parse_audio_specific_config(*out);
      CHECK(again && again->output_rate() == c->output_rate() &&
                again->output_channels() == c->output_channels() &&
                again->frame_duration() == c->frame_duration(),
            "AudioSpecificConfig changes on its way through");
    }
    if (const auto adts = write_adts(*c, in.size())) {
      const auto h = parse_adts(*adts);
      CHECK(h && h->sample_rate == c->sample_rate && h->frame_size == in.size() + 7,
            "adts changes on its way through");
    }
  }
  if (const auto h = parse_adts(in))
    CHECK(h->frame_size >= h->header_size, "an adts frame too short");
}

void fuzz_opus(ByteSpan in) {
  if (const auto h = parse_opus_head(in)) {
    const auto again = parse_opus_head(write_opus_head(*h));
    CHECK(again && write_opus_head(*again) == write_opus_head(*h), "OpusHead does not round-trip");
  }
  CHECK(opus_packet_duration(in) <= 120ms, "an opus packet too long");
}

void fuzz_flac(ByteSpan in) {
  if (const auto block = find_flac_stream_info(in)) {
    const auto header = write_flac_header(*block);
    const auto again = find_flac_stream_info(header);
    CHECK(again && std::ranges::equal(*again, *block), "STREAMINFO does not round-trip");
  }
  (void)parse_flac_stream_info(in);
  CHECK(flac_frame_samples(in) <= 65536, "a flac frame too long");
}

void fuzz_frames(ByteSpan in) {
  if (const auto h = parse_mp3(in))
    CHECK(h->frame_size >= Mp3Header::kSize && h->duration() > 0ns, "an mp3 frame without length");
  if (const auto h = parse_ac3(in))
    CHECK(h->frame_size > 0 && h->duration() > 0ns, "an ac3 frame without length");
  (void)mp3_payload_duration(in);
  (void)ac3_payload_duration(in);
  (void)write_dac3(in);
  if (const auto body = write_dec3(in))
    CHECK(body->size() >= 5 && body->size() <= 2 + 8 * 4, "a dec3 body of no known size");
}

void fuzz_registry(ByteSpan in) {
  if (in.size() < 2) return;
  const auto codec = Codec(in[0] % (static_cast<int>(Codec::script) + 1));
  const size_t split = std::min<size_t>(in[1], in.size() - 2);
  const Track t{.codec = codec, .config = Bytes::copy(in.subspan(2, split))};
  const auto payload = in.subspan(2 + split);
  (void)describe(codec, t.config);
  (void)describe_frame(codec, payload);
  CHECK(rfc6381(t).empty() == (codec == Codec::script), "a codec without a name");
  (void)is_keyframe(codec, payload);
  CHECK(frame_duration(t, payload) >= 0ns, "a duration below zero");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan in(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0: fuzz_aac(in); break;
    case 1: fuzz_opus(in); break;
    case 2: fuzz_flac(in); break;
    case 3: fuzz_frames(in); break;
    default: fuzz_registry(in); break;
  }
  return 0;
}
