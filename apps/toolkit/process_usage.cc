#include "toolkit/process_usage.h"

#include <ctime>

#include <sys/resource.h>

namespace smppd::toolkit {

namespace {
double seconds_of(const timeval& time) noexcept {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}
}  // namespace

ProcessUsage process_usage() noexcept {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {seconds_of(usage.ru_utime), seconds_of(usage.ru_stime), static_cast<double>(usage.ru_maxrss) / 1024};
}

std::optional<double> cpu_seconds_of(pid_t process) noexcept {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) return std::nullopt;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace smppd::toolkit
