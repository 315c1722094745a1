// Weir live-streaming server. MIT licence, see LICENSE.

// The one list of what this server is made of, and the only file of `app` that names protocols.
#pragma once

#include <map>
#include <span>
#include <string>

#include "app/cli.h"
#include "base/config.h"
#include "service/module.h"

namespace weir::app {

// Adding a protocol or worker is one folder and one line in modules.cc. In the order in which they
// start.
std::span<const service::Module* const> modules();

// Ports that the pages tell publishers and players, by the name they have in the API; 0 is none.
std::map<std::string, int> announced_ports(const Config&);

// Declares every section, in the order in which documents show them.
void declare_all(ConfigSchema&);

// What `weir --help` says: usage in examples, and the URLs of the protocols in the list.
HelpText help_text();

}  // namespace weir::app
