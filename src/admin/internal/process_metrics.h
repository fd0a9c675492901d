// What the kernel knows of this process, under the names Prometheus users expect of every process.
#pragma once

#include "telemetry/metrics.h"

namespace smppd::admin {

// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, process_max_fds. Any thread; a value the
// kernel does not give is left out.
void collect_process(telemetry::Collector& collector);

}  // namespace smppd::admin
