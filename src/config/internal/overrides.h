// --set path=value: one value put into the tree. Paths are those of messages: runtime.shards, listeners[0].address,
// upstreams[name=carrier-a].window.size or upstreams.carrier-a.window.size.
#pragma once

#include <string_view>

#include "config/internal/node.h"
#include "config/internal/reader.h"

namespace smppd::config {

void apply_override(Node& root, std::string_view assignment, Reader& reader);

}  // namespace smppd::config
