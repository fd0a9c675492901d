#include "admin/internal/process_metrics.h"

#include <filesystem>
#include <fstream>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

namespace smppd::admin {
namespace {

using telemetry::MetricKind;
constexpr telemetry::MetricDescription kCpu{"process_cpu_seconds_total", MetricKind::kCounter,
                                            "User and system CPU time of all threads in seconds."};
constexpr telemetry::MetricDescription kMemory{"process_resident_memory_bytes", MetricKind::kGauge,
                                               "Resident memory in bytes."};
constexpr telemetry::MetricDescription kOpenFiles{"process_open_fds", MetricKind::kGauge, "Open file descriptors."};
constexpr telemetry::MetricDescription kMaxFiles{"process_max_fds", MetricKind::kGauge,
                                                 "File descriptors this process may open."};

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void collect_process(telemetry::Collector& collector) {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    collector.add(kCpu, seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
  std::ifstream statm("/proc/self/statm");
  double total_pages = 0;
  double resident_pages = 0;
  if (statm >> total_pages >> resident_pages) {
    collector.add(kMemory, resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  }
  std::error_code error;
  std::ptrdiff_t open_files = -1;  // the listing itself opens one
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error)) {
    ++open_files;
  }
  if (!error && open_files >= 0) collector.add(kOpenFiles, static_cast<double>(open_files));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) collector.add(kMaxFiles, static_cast<double>(limit.rlim_cur));
}

}  // namespace smppd::admin
