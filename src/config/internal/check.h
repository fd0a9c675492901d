// What no single option can know: references, clashes, contradictions. Reports everything at once.
#pragma once

#include "config/config.h"
#include "config/internal/reader.h"

namespace smppd::config {

// Fills in the names that were left out; before check().
void name_the_nameless(Config& config);

void check(const Config& config, Reader& reader);

// The parts of check().
void check_routes(const Config& config, Reader& reader);
void check_storage(const Config& config, Reader& reader);
void check_tls(const Config& config, Reader& reader);

}  // namespace smppd::config
