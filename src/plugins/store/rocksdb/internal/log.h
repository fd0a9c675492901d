#pragma once

#include "telemetry/log.h"

namespace smppd::plugins::rocks_store {
inline constexpr telemetry::Logger kStoreLog{"store"};
}  // namespace smppd::plugins::rocks_store
