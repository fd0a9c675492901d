// The module's log lines all carry its name.
#pragma once

#include "telemetry/log.h"

namespace smppd::upstream {

inline constexpr telemetry::Logger kLog{"upstream"};

}  // namespace smppd::upstream
