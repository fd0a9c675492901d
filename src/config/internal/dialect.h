// Other ways to write a configuration, translated to the canonical tree before anything is read: readme.md's
// (clusters, endpoints, admin, limits) and the Envoy-like bootstrap (static_resources). Positions stay the user's.
#pragma once

#include "config/internal/node.h"
#include "config/internal/reader.h"

namespace smppd::config {

void translate_dialects(Node& root, Reader& reader);

}  // namespace smppd::config
