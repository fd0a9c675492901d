// The `logging` section as telemetry takes it.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "telemetry/log.h"

namespace smppd::server {

[[nodiscard]] Fallible<telemetry::LogOptions> log_options(const config::Logging& logging);

}  // namespace smppd::server
