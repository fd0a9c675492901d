// The module's log lines all carry its name.
#pragma once

#include "telemetry/log.h"

namespace smppd::downstream {

inline constexpr telemetry::Logger kLog{"downstream"};

}  // namespace smppd::downstream
