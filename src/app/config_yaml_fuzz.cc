// Weir live-streaming server. MIT licence, see LICENSE.

// Any text either loads or is refused with errors; what loads must survive being printed.
#include "app/config_yaml.h"
#include "app/docs.h"
#include "app/sample_config.h"
#include "base/bytes.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  static const ConfigSchema schema = app::sample::schema();
  ConfigDraft draft(schema);
  const bool loaded =
      app::apply_yaml(ByteReader({data, size}).text(size), "fuzz", schema, draft).empty();
  if (!loaded) return 0;
  draft.edit<app::sample::StoreConfig>("store").token.clear();  // a secret is not printed
  const ConfigPtr config = std::move(draft).finish();
  ConfigDraft again(schema);
  CHECK(app::apply_yaml(app::config_yaml(*config), "again", schema, again).empty(), "refused");
  CHECK(changed_fields(*config, *std::move(again).finish()).empty(), "printed wrong");
  return 0;
}
