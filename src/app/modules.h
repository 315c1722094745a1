// Weir live-streaming server. MIT licence, see LICENSE.

// The one list of what this server is made of, and the only file of `app` that names protocols.
#pragma once

#include "app/cli.h"
#include "base/config.h"

namespace weir::app {

// Declares every section, in the order in which documents show them.
void declare_all(ConfigSchema&);

// What `weir --help` says: usage in examples, and the URLs of the protocols in the list.
HelpText help_text();

}  // namespace weir::app
