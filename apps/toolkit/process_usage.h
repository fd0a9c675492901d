// What a process has cost so far.
#pragma once

#include <optional>

#include <sys/types.h>

namespace smppd::toolkit {

struct ProcessUsage {
  double user_seconds = 0;
  double system_seconds = 0;
  double peak_rss_mib = 0;
  [[nodiscard]] double cpu_seconds() const noexcept { return user_seconds + system_seconds; }
};

[[nodiscard]] ProcessUsage process_usage() noexcept;

// User and system time of all threads of another process of this machine, also of those that ended; nothing when there
// is no such process or it may not be looked at.
[[nodiscard]] std::optional<double> cpu_seconds_of(pid_t process) noexcept;

}  // namespace smppd::toolkit
