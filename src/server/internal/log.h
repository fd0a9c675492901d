// The module's log lines all carry its name.
#pragma once

#include "telemetry/log.h"

namespace smppd::server {

inline constexpr telemetry::Logger kLog{"server"};

}  // namespace smppd::server
