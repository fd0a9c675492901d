#include "toolkit/process_usage.h"

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

}  // namespace smppd::toolkit
