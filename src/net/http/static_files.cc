// Weir live-streaming server. MIT licence, see LICENSE.
#include "net/http/static_files.h"

namespace weir::net::http {

ContentPtr static_content(const StaticFile& file) {
  return make_content(file.type, Bytes::view(nullptr, file.plain),
                      {.cache_control = file.cache_control,
                       .etag = file.etag,
                       .gzip = Bytes::view(nullptr, file.gzip)});
}

void add_static_files(Router& router, std::span<const StaticFile> files) {
  constexpr std::string_view kIndex = "/index.html";
  for (const auto& file : files) {
    const ContentPtr content = static_content(file);
    const auto answer = [content](Request&) { return Response(content); };
    router.get(file.path, answer);
    if (!file.path.ends_with(kIndex)) continue;
    const std::string_view folder = file.path.substr(0, file.path.size() - kIndex.size());
    router.get(folder.empty() ? "/" : folder, answer);
  }
}

}  // namespace weir::net::http
