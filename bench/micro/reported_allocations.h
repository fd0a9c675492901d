// Puts the allocations that the iterations of a benchmark make into its report. Construct it just before the loop.
#pragma once

#include <benchmark/benchmark.h>

#include "micro/allocation_count.h"

namespace smppd::bench {

class ReportedAllocations {
 public:
  explicit ReportedAllocations(benchmark::State& state) noexcept : state_(state) {}
  ReportedAllocations(const ReportedAllocations&) = delete;
  ReportedAllocations& operator=(const ReportedAllocations&) = delete;
  ~ReportedAllocations() {
    const auto made = static_cast<double>(count_.made());
    state_.counters["allocations"] = benchmark::Counter(made, benchmark::Counter::kAvgIterations);
  }

 private:
  benchmark::State& state_;
  AllocationCount count_;
};

}  // namespace smppd::bench
