// Time. Instant is monotonic and read once per loop turn; everything on the message path is handed an Instant, so tests
// and simulations supply their own. WallTime is for what people and peers see.
#pragma once

#include <chrono>

namespace smppd {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

using namespace std::chrono_literals;

}  // namespace smppd
