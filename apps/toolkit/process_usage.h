// What the process has cost so far.
#pragma once

namespace smppd::toolkit {

struct ProcessUsage {
  double user_seconds = 0;
  double system_seconds = 0;
  double peak_rss_mib = 0;
  [[nodiscard]] double cpu_seconds() const noexcept { return user_seconds + system_seconds; }
};

[[nodiscard]] ProcessUsage process_usage() noexcept;

}  // namespace smppd::toolkit
