// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/gzip.h"

#include <zlib.h>

#include "base/check.h"

namespace weir::net::http {

Bytes gzip(ByteSpan in, int level) {
  z_stream z{};
  // 15 bits of window, plus 16 for the gzip wrapper (zlib.h). Small inputs get a small window: less
  // to clear.
  const int window = in.size() <= 4096 ? 12 : 15;
  CHECK(deflateInit2(&z, level, Z_DEFLATED, window + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
        "zlib has memory");
  std::vector<uint8_t> out(deflateBound(&z, static_cast<uLong>(in.size())));
  z.next_in = const_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END, "deflateBound is a bound");
  out.resize(z.total_out);
  out.shrink_to_fit();
  deflateEnd(&z);
  return Bytes::take(std::move(out));
}

}  // namespace weir::net::http
