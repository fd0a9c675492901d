// The module's log lines all carry its name.
#pragma once

#include "telemetry/log.h"

namespace smppd::flow {

inline constexpr telemetry::Logger kLog{"flow"};

}  // namespace smppd::flow
